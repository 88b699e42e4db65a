"""Notifications and tallies as documents (the rules are in ``documents.py``).

A notification's key is its id, a tally's the id of its job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from executor.adapters.documents import (
    UNREADABLE,
    Document,
    Undecodable,
    instant,
    optional,
    text,
    whole,
)
from executor.domain.notification import Notification, NotificationState
from executor.domain.notify import Event
from executor.domain.tally import Counted, Tally, Tiding, Told


def notification_to_document(one: Notification) -> Document:
    """Write a notification."""
    document: Document = {
        "id": one.id,
        "job_id": one.job_id,
        "job": one.job,
        "event": one.event.value,
        "channel": one.channel,
        "created_at": one.created_at,
        "due_at": one.due_at,
        "expires_at": one.expires_at,
        "state": one.state.value,
        "attempts": one.attempts,
        "payload": dict(one.payload),
    }
    for name in ("run_id", "finished_at", "last_error"):
        if (value := getattr(one, name)) is not None:
            document[name] = value
    return document


def notification_from_document(document: Mapping[str, Any]) -> Notification:
    """Read a notification.

    Raises:
        Undecodable: a field is missing, of the wrong type or holds an unknown word.
    """
    try:
        return Notification(
            id=text(document["id"]),
            job_id=text(document["job_id"]),
            job=text(document["job"]),
            event=Event(document["event"]),
            channel=text(document["channel"]),
            created_at=instant(document["created_at"]),
            due_at=instant(document["due_at"]),
            expires_at=instant(document["expires_at"]),
            state=NotificationState(document["state"]),
            attempts=whole(document["attempts"]),
            payload=_payload(Event(document["event"]), dict(document["payload"])),
            run_id=optional(text, document.get("run_id")),
            finished_at=optional(instant, document.get("finished_at")),
            last_error=optional(text, document.get("last_error")),
        )
    except UNREADABLE as error:
        raise Undecodable("notification", str(document.get("id", "")), error) from error


def _payload(event: Event, payload: Document) -> Document:
    """Return *payload* if what it is told by can be made of it, see ``message`` and ``ping``."""
    if event is Event.PING:
        for name in ("url", "signal", "rid"):
            text(payload[name])
        return payload
    Event(payload["event"])
    for name in ("failures", "held_back"):
        whole(payload.get(name, 0))
    return payload


def readable_notifications(documents: Iterable[Mapping[str, Any]]) -> Iterator[Notification]:
    """Yield those of *documents* that can be read."""
    for document in documents:
        with suppress(Undecodable):
            yield notification_from_document(document)


def tally_to_document(tally: Tally) -> Document:
    """Write a tally."""
    return {
        "id": tally.job_id,
        "revision": tally.revision,
        "failures": tally.failures,
        "alarmed": sorted(tally.alarmed),
        # As a list: events and channels are no names of fields.
        "told": [[place, told.at, told.held] for place, told in sorted(tally.told.items())],
        "counted": [
            [one.key, [[t.event.value, t.channel, t.count, t.held] for t in one.tidings]]
            for one in tally.counted
        ],
    }


def tally_from_document(document: Mapping[str, Any]) -> Tally:
    """Read a tally.

    Raises:
        Undecodable: a field is missing, of the wrong type or holds an unknown word.
    """
    try:
        return Tally(
            job_id=text(document["id"]),
            revision=whole(document["revision"]),
            failures=whole(document["failures"]),
            alarmed=frozenset(map(text, document["alarmed"])),
            told={
                text(place): Told(instant(at), whole(held)) for place, at, held in document["told"]
            },
            counted=tuple(
                Counted(key, tuple(Tiding(Event(event), *rest) for event, *rest in tidings))
                for key, tidings in document["counted"]
            ),
        )
    except UNREADABLE as error:
        raise Undecodable("tally", str(document.get("id", "")), error) from error


def readable_tallies(documents: Iterable[Mapping[str, Any]]) -> Iterator[Tally]:
    """Yield those of *documents* that can be read."""
    for document in documents:
        with suppress(Undecodable):
            yield tally_from_document(document)
