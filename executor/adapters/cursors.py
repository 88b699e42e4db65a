"""Cursors: where the next page of a list begins, as a text that clients hand back.

A cursor holds the sort key of the last item of the page before, never a position, so
a page neither repeats nor leaves out what was there when items come and go in
between.  It says which list made it; what clients send is checked, never trusted.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from executor.adapters.documents import instant, milliseconds
from executor.ports.store import InvalidCursor


def after_job(name: str) -> str:
    """Return the cursor of the jobs whose name comes after *name*."""
    return _pack("jobs", name)


def read_job_cursor(cursor: str) -> str:
    """Return the name after which the page begins.

    Raises:
        InvalidCursor: *cursor* was not made by :func:`after_job`.
    """
    match _unpack(cursor):
        case ["jobs", str(name)]:
            return name
    raise InvalidCursor("this is not a cursor of the list of jobs")


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
    try:
        match _unpack(cursor):
            case ["audit", int(at), str(change_id)]:
                return instant(at), change_id
    except OverflowError as error:
        raise InvalidCursor("this cursor names an instant that does not exist") from error
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
    try:
        match _unpack(cursor):
            case [str(made_for), int(created_at), str(item_id)] if made_for == what:
                return instant(created_at), item_id
    except OverflowError as error:
        raise InvalidCursor("this cursor names an instant that does not exist") from error
    raise InvalidCursor(f"this is not a cursor of the list of {what}")


def _pack(*parts: str | int) -> str:
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
