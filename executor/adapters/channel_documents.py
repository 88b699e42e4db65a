"""Channels as documents (the rules are in ``documents.py``), under their name as the key.

The definition is embedded in its canonical form, the document of the API, in which credentials
are names of secrets.  ``deleted`` and ``revision`` can be read when the definition cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant
from executor.adapters.job_documents import command_from_document, command_to_document
from executor.domain.channel import (
    StoredChannel,
    channel_from_document,
    channel_to_document,
    check_name,
)
from executor.domain.errors import SolocronError
from executor.domain.writes import BrokenChannel


def stored_to_document(stored: StoredChannel) -> Document:
    """Write a channel with everything the service knows about it."""
    document: Document = {
        "id": stored.name,
        "revision": stored.revision,
        "updated_at": stored.updated_at,
        "deleted": stored.deleted,
        "definition": channel_to_document(stored.channel),
    }
    if stored.last_command is not None:
        document.update(command_to_document(stored.last_command))
    return document


def stored_from_document(document: Mapping[str, Any]) -> StoredChannel | BrokenChannel:
    """Read a channel; one that cannot be read comes back as broken, with the reason in words."""
    try:
        return StoredChannel(
            name=check_name(document["id"]),
            channel=channel_from_document(document["definition"]),
            revision=int(document["revision"]),
            updated_at=instant(document["updated_at"]),
            last_command=command_from_document(document) if "last_command" in document else None,
            deleted=bool(document["deleted"]),
        )
    except UNREADABLE as error:
        revision = document.get("revision")
        return BrokenChannel(
            str(document.get("id", "")),
            str(error) if isinstance(error, SolocronError) else repr(error),
            revision if isinstance(revision, int) else 0,
        )
