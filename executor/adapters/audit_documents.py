"""Entries of the audit as documents (the rules are in ``documents.py``).

``after`` is kept as text, JSON within the document: it is what somebody has written, with keys
and depths that a store need not understand, and nothing ever asks for a part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from executor.adapters.documents import UNREADABLE, Document, instant, optional, text, whole
from executor.domain.audit import Change
from executor.domain.command import CommandKind


def change_to_document(change: Change) -> Document:
    """Write an entry."""
    document: Document = {
        "id": change.id,
        "at": change.at,
        "actor": change.actor,
        "address": change.address,
        "action": change.action.value,
        "subject": change.subject,
    }
    for name in ("job_id", "run_id", "revision"):
        value = getattr(change, name)
        if value is not None:
            document[name] = value
    if change.after is not None:
        document["after"] = json.dumps(change.after)
    return document


def change_from_document(document: Mapping[str, Any]) -> Change | None:
    """Read an entry; None if it cannot be read."""
    try:
        after = document.get("after")
        return Change(
            id=text(document["id"]),
            at=instant(document["at"]),
            actor=text(document["actor"]),
            address=text(document["address"]),
            action=CommandKind(document["action"]),
            subject=text(document["subject"]),
            job_id=optional(text, document.get("job_id")),
            run_id=optional(text, document.get("run_id")),
            revision=optional(whole, document.get("revision")),
            after=None if after is None else dict(json.loads(after)),
        )
    except UNREADABLE:
        return None


def readable(documents: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Return the entries that can be read."""
    return [change for change in map(change_from_document, documents) if change is not None]


def with_before(changes: Iterable[Change], former: Iterable[Change]) -> tuple[Change, ...]:
    """Return *changes*, each with what the entry before it, if it is among *former*, says."""
    states = {change.id: change.after for change in former}
    return tuple(replace(change, before=states.get(change.former_id or "")) for change in changes)
