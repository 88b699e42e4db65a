"""Named resources as documents (the rules are in ``documents.py``), under their name as the key.

``deleted`` and ``revision`` can be read when what the kind keeps besides cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant, text, whole
from executor.adapters.job_documents import command_from_document, command_to_document
from executor.domain.errors import SolocronError
from executor.domain.named import Broken, Kind, Stored, Value


def stored_to_document(kind: Kind[Value], stored: Stored[Value]) -> Document:
    """Write a resource with everything the service knows about it."""
    document: Document = {
        "id": stored.name,
        "revision": stored.revision,
        "updated_at": stored.updated_at,
        "deleted": stored.deleted,
        **kind.to_fields(stored.value),
    }
    if stored.last_command is not None:
        document.update(command_to_document(stored.last_command))
    return document


def stored_from_document(kind: Kind[Value], document: Mapping[str, Any]) -> Stored[Value] | Broken:
    """Read a resource; one that cannot be read comes back as broken, with the reason in words."""
    try:
        return Stored(
            name=text(document["id"]),
            value=kind.from_fields(document),
            revision=whole(document["revision"]),
            updated_at=instant(document["updated_at"]),
            last_command=command_from_document(document) if "last_command" in document else None,
            deleted=bool(document["deleted"]),
        )
    except UNREADABLE as error:
        revision = document.get("revision")
        return Broken(
            str(document.get("id", "")),
            str(error) if isinstance(error, SolocronError) else repr(error),
            revision if isinstance(revision, int) else 0,
        )
