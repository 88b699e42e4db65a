"""API tokens as documents (the rules are in ``documents.py``), under their name as the key.

Of the token there is the digest only; a revoked one has none.  ``deleted`` and ``revision`` can
be read when the rest cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant, optional_instant
from executor.adapters.job_documents import command_from_document, command_to_document
from executor.domain.api_token import StoredToken, check_digest, check_name, check_scopes
from executor.domain.errors import SolocronError
from executor.domain.writes import BrokenToken


def stored_to_document(stored: StoredToken) -> Document:
    """Write a token with everything the service knows about it."""
    document: Document = {
        "id": stored.name,
        "revision": stored.revision,
        "updated_at": stored.updated_at,
        "deleted": stored.deleted,
    }
    if stored.digest:
        document["digest"] = stored.digest
    if stored.scopes:
        document["scopes"] = list(stored.scopes)
    if stored.expires_at is not None:
        document["expires_at"] = stored.expires_at
    if stored.last_command is not None:
        document.update(command_to_document(stored.last_command))
    return document


def stored_from_document(document: Mapping[str, Any]) -> StoredToken | BrokenToken:
    """Read a token; one that cannot be read comes back as broken, with the reason in words."""
    try:
        deleted = bool(document["deleted"])
        return StoredToken(
            name=check_name(document["id"]),
            digest="" if deleted else check_digest(document.get("digest")),
            scopes=() if deleted else check_scopes(document.get("scopes")),
            expires_at=optional_instant(document.get("expires_at")),
            revision=int(document["revision"]),
            updated_at=instant(document["updated_at"]),
            last_command=command_from_document(document) if "last_command" in document else None,
            deleted=deleted,
        )
    except UNREADABLE as error:
        revision = document.get("revision")
        return BrokenToken(
            str(document.get("id", "")),
            str(error) if isinstance(error, SolocronError) else repr(error),
            revision if isinstance(revision, int) else 0,
        )
