"""Cursors: where the next page of a list begins, as a text that clients hand back.

A cursor holds the sort key of the last item of the page before, never a position, so
a page neither repeats nor leaves out what was there when items come and go in
between.  It says which list made it; what clients send is checked, never trusted.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from executor.adapters.documents import instant, milliseconds
from executor.ports.store import InvalidCursor, JobOrder


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where a job stands in a list: what it is sorted by (ms since 1970, or nothing), and name."""

    key: int | None
    name: str


def after_job(order: JobOrder, place: JobPlace) -> str:
    """Return the cursor of the jobs that come after *place* in *order*."""
    if order is JobOrder.NAME:
        return _pack("jobs", place.name)
    return _pack("jobs", order.value, place.key, place.name)


def read_job_cursor(cursor: str, order: JobOrder) -> JobPlace:
    """Return the place after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_job` for *order*.
    """
    match _unpack(cursor):
        case ["jobs", str(name)] if order is JobOrder.NAME:
            return JobPlace(None, name)
        case ["jobs", str(made_for), None, str(name)] if made_for == order:
            return JobPlace(None, name)
        case ["jobs", str(made_for), int(key), str(name)] if made_for == order:
            return JobPlace(milliseconds(_instant(key)), name)
    raise InvalidCursor("this is not a cursor of the list of jobs in this order")


def after_run(created_at: datetime, run_id: str) -> str:
    """Return the cursor of the runs created before *created_at*, or at it with an id below."""
    return _pack("runs", milliseconds(created_at), run_id)


def read_run_cursor(cursor: str) -> tuple[datetime, str]:
    """Return ``created_at`` and the id of the run after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_run`.
    """
    return _read_timed("runs", cursor)


def after_notification(created_at: datetime, notification_id: str) -> str:
    """Return the cursor of the notifications before this one, as :func:`after_run` does."""
    return _pack("notifications", milliseconds(created_at), notification_id)


def read_notification_cursor(cursor: str) -> tuple[datetime, str]:
    """Return ``created_at`` and the id of the notification after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_notification`.
    """
    return _read_timed("notifications", cursor)


def after_change(at: datetime, change_id: str) -> str:
    """Return the cursor of the entries of the audit before *at*, or at it with an id below."""
    return _pack("audit", milliseconds(at), change_id)


def read_change_cursor(cursor: str) -> tuple[datetime, str]:
    """Return ``at`` and the id of the entry after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_change`.
    """
    match _unpack(cursor):
        case ["audit", int(at), str(change_id)]:
            return _instant(at), change_id
    raise InvalidCursor("this is not a cursor of the audit")


def after_revision(revision: int) -> str:
    """Return the cursor of the revisions below *revision*."""
    return _pack("revisions", revision)


def read_revision_cursor(cursor: str) -> int:
    """Return the revision after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_revision`.
    """
    match _unpack(cursor):
        case ["revisions", int(revision)] if 0 <= revision < 2**63:
            return revision
    raise InvalidCursor("this is not a cursor of the list of revisions")


def _read_timed(what: str, cursor: str) -> tuple[datetime, str]:
    match _unpack(cursor):
        case [str(made_for), int(created_at), str(item_id)] if made_for == what:
            return _instant(created_at), item_id
    raise InvalidCursor(f"this is not a cursor of the list of {what}")


def _instant(value: int) -> datetime:
    try:
        return instant(value)
    except (OverflowError, TypeError) as error:
        raise InvalidCursor("this cursor names an instant that does not exist") from error


def _pack(*parts: str | int | None) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _unpack(cursor: str) -> object:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        unpacked: object = json.loads(urlsafe_b64decode(padded.encode()))
        # A text that is not Unicode (half of a surrogate pair) would fail in the store.
        json.dumps(unpacked, ensure_ascii=False).encode()
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidCursor(f"{cursor!r} is not a cursor") from error
    return unpacked
