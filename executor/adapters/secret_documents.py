"""Secrets as documents (the rules are in ``documents.py``), under their name as the key.

Of the value there is the sealed form only; a deleted secret has none.  ``deleted`` and
``revision`` can be read when the rest cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant
from executor.adapters.job_documents import command_from_document, command_to_document
from executor.domain.errors import SolocronError
from executor.domain.secret import StoredSecret, check_name, check_sealed
from executor.domain.writes import BrokenSecret


def stored_to_document(stored: StoredSecret) -> Document:
    """Write a secret with everything the service knows about it."""
    document: Document = {
        "id": stored.name,
        "revision": stored.revision,
        "updated_at": stored.updated_at,
        "deleted": stored.deleted,
    }
    if stored.sealed:
        document["sealed"] = stored.sealed
    if stored.last_command is not None:
        document.update(command_to_document(stored.last_command))
    return document


def stored_from_document(document: Mapping[str, Any]) -> StoredSecret | BrokenSecret:
    """Read a secret; one that cannot be read comes back as broken, with the reason in words."""
    try:
        deleted = bool(document["deleted"])
        return StoredSecret(
            name=check_name(document["id"]),
            sealed="" if deleted else check_sealed(document.get("sealed")),
            revision=int(document["revision"]),
            updated_at=instant(document["updated_at"]),
            last_command=command_from_document(document) if "last_command" in document else None,
            deleted=deleted,
        )
    except UNREADABLE as error:
        revision = document.get("revision")
        return BrokenSecret(
            str(document.get("id", "")),
            str(error) if isinstance(error, SolocronError) else repr(error),
            revision if isinstance(revision, int) else 0,
        )
