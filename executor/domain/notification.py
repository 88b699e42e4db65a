"""Notifications: what is still to be delivered, and what became of the rest.

    pending --> delivered | dead | superseded

Rules
-----
1. The id is derived from what is told, to whom, of which run.  Whatever is interrupted, and by
   whomever it is taken up again, a notification is written once.
2. A delivery may happen more than once (its answer may get lost), always with the same
   ``Idempotency-Key``: the id.
3. What could not be delivered is tried again, with growing pauses, until :attr:`expires_at`;
   then it is dead, and stays visible.
4. Of a job's pings only the newest counts: those before it that were not delivered by then are
   superseded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from executor.domain.identity import fraction, notification_id
from executor.domain.instant import truncate
from executor.domain.notify import Event

#: The pause after the first failed delivery; each further one is twice as long, up to the second.
#: So an hour's outage costs nine attempts, and its end is noticed within an hour.
PAUSES: Final = (timedelta(seconds=10), timedelta(hours=1))

#: A pause is shortened by up to this part, so that what failed together spreads out.
JITTER: Final = 0.2

#: How long a notification is tried.  Who was away for a day has other ways to learn of it.
TRIED_FOR: Final = timedelta(days=1)

#: How long the ping of a start is tried: after that it says nothing that is still true.
START_TRIED_FOR: Final = timedelta(minutes=1)

#: Doubling a pause oftener than this exceeds every limit.
_DOUBLINGS: Final = 20

#: Longest words that are kept of a failed delivery, characters.
_LONGEST_ERROR: Final = 500


class NotificationState(StrEnum):
    """Where a notification stands; the values are what the API shows and the stores keep."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one place.

    Attributes:
        run_id: None for a test of a channel.
        channel: the channel's name; empty for a ping, which has its address in ``payload``.
        created_at: when what it tells of happened.
        due_at: it is not tried before.
        expires_at: after that it is not tried again.
        attempts: deliveries that have failed, or succeeded, so far.
        payload: JSON-ready; see ``message.py``, and ``ping.py`` for pings.
    """

    id: str
    job_id: str
    job: str
    event: Event
    channel: str
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    run_id: str | None = None
    state: NotificationState = NotificationState.PENDING
    attempts: int = 0
    finished_at: datetime | None = None
    last_error: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ping(self) -> bool:
        """Whether it goes to a monitor of the job, and not to people."""
        return self.event is Event.PING


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationChange:
    """What a delivery has made of a notification; applied only while it is pending.

    ``due_at`` is when it is tried again, None where it is not.
    """

    id: str
    state: NotificationState
    attempts: int
    due_at: datetime | None = None
    finished_at: datetime | None = None
    last_error: str | None = None


def a_message(
    event: Event,
    channel: str,
    *,
    job_id: str,
    job: str,
    run_id: str | None,
    about: str,
    at: datetime,
    payload: Mapping[str, Any],
) -> Notification:
    """Return a new notification about *about*: the id of a run, or of a command."""
    return Notification(
        id=notification_id(about, channel, event),
        job_id=job_id,
        job=job,
        event=event,
        channel=channel,
        run_id=run_id,
        created_at=at,
        due_at=at,
        # A test is for somebody who waits for it: it is tried once.
        expires_at=at if event is Event.TEST else at + TRIED_FOR,
        payload=payload,
    )


def delivered(notification: Notification, at: datetime) -> NotificationChange:
    """Return the change after a delivery that succeeded at *at*."""
    return NotificationChange(
        id=notification.id,
        state=NotificationState.DELIVERED,
        attempts=notification.attempts + 1,
        finished_at=at,
    )


def failed(notification: Notification, at: datetime, error: str) -> NotificationChange:
    """Return the change after a delivery that failed at *at*: a later attempt, or the end."""
    attempts = notification.attempts + 1
    pause = min(PAUSES[0] * 2 ** min(attempts - 1, _DOUBLINGS), PAUSES[1])
    pause *= 1 - JITTER * fraction("delivery", notification.id, str(attempts))
    again = truncate(at + pause)
    ended = again > notification.expires_at
    return NotificationChange(
        id=notification.id,
        state=NotificationState.DEAD if ended else NotificationState.PENDING,
        attempts=attempts,
        due_at=None if ended else again,
        finished_at=at if ended else None,
        last_error=error[:_LONGEST_ERROR],
    )


def expired(notification: Notification, now: datetime) -> NotificationChange | None:
    """Return the change of one that is not worth a delivery any more; None if it is.

    People are told once at least, however late: only pings have nothing to say by then.
    """
    if now <= notification.expires_at or not (notification.is_ping or notification.attempts):
        return None
    return NotificationChange(
        id=notification.id,
        state=NotificationState.DEAD,
        attempts=notification.attempts,
        finished_at=now,
        last_error=notification.last_error or "it was not tried in time",
    )


def changed(notification: Notification, change: NotificationChange) -> Notification:
    """Return *notification* after *change*: the one rule that every store carries out."""
    return replace(
        notification,
        state=change.state,
        attempts=change.attempts,
        due_at=change.due_at or notification.due_at,
        finished_at=change.finished_at,
        last_error=change.last_error or notification.last_error,
    )
