"""Sessions as documents (the rules are in ``documents.py``), under their digest as the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant
from executor.domain.instant import to_text
from executor.domain.session import Session, session_from


def session_to_document(session: Session) -> Document:
    """Write a session."""
    return {
        "id": session.digest,
        "actor": session.actor,
        "scopes": list(session.scopes),
        "token": session.token,
        "expires_at": session.expires_at,
    }


def session_from_document(document: Mapping[str, Any]) -> Session | None:
    """Read a session; None if that cannot be done: nobody is let in by such a one."""
    try:
        expires_at = to_text(instant(document["expires_at"]))
        arguments = {**document, "expires_at": expires_at}
        return session_from(document["id"], str(document["actor"]), arguments)
    except UNREADABLE:
        return None
