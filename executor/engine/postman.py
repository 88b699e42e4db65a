"""Delivering what stands in the outbox: which notification is tried when, and what comes of it.

The outbox is looked at when something was put into it, and every few seconds.  What is due is
handed to the courier, a few for each channel at a time, so that one that never answers does not
keep the others waiting; of a job's pings one at a time, so that they arrive in their order.

What was handed over and not answered when the tenure ends is delivered once more by the next:
receivers tell it by the ``Idempotency-Key``.
"""

from __future__ import annotations

from collections import Counter
from math import inf

from executor.domain import notification as outcomes
from executor.domain.channel import Channel, secret_places
from executor.domain.notification import Notification, NotificationChange
from executor.domain.template import secrets_in
from executor.engine.desk import Call, Desk
from executor.engine.effects import Deliver
from executor.engine.events import Delivered
from executor.engine.records import Records
from executor.engine.store_requests import ReadOutbox, RecordDeliveries, Request
from executor.engine.timing import OUTBOX_POLL_S, OUTBOX_ROWS, PER_CHANNEL, PINGS_AT_ONCE
from executor.engine.vault import Vault


class Postman:
    """Empties the outbox; part of a tenure."""

    def __init__(self, desk: Desk, vault: Vault, channels: Records[Channel]) -> None:
        self._desk = desk
        self._vault = vault
        self._channels = channels
        self._in_hand: dict[str, Notification] = {}
        self._busy: Counter[str] = Counter()
        self._pinged: set[str] = set()
        self._changes: list[NotificationChange] = []
        self._look_at = desk.monotonic
        self._read: Call[ReadOutbox] = Call(desk)
        self._record: Call[RecordDeliveries] = Call(desk)

    def look(self) -> None:
        """There may be something new."""
        self._look_at = -inf

    def delivered(self, event: Delivered) -> None:
        """The courier reports."""
        one = self._in_hand.get(event.notification_id)
        if one is None:
            return
        if event.error is None:
            self._changes.append(outcomes.delivered(one, event.at))
        else:
            self._fail(one, outcomes.failed(one, event.at, event.error))

    def _fail(self, one: Notification, change: NotificationChange) -> None:
        self._changes.append(change)
        over = change.due_at is None
        self._desk.note(
            "notification_dead" if over else "notification_failed",
            "a notification could not be delivered" + ("" if over else "; trying again"),
            "WARNING",
            notification_id=one.id,
            channel=one.channel,
            job=one.job,
            event=one.event.value,
            error=change.last_error,
            due_at=change.due_at,
        )

    # Store --------------------------------------------------------------------------------

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if self._read.answered(request):
            assert isinstance(result, list)
            for one in result:
                self._hand_over(one)
        elif self._record.answered(request):
            assert isinstance(request, RecordDeliveries)
            for change in request.changes:
                self._let_go(change.id)
            # Something may have waited for this.
            self.look()
        else:
            return False
        return True

    def _hand_over(self, one: Notification) -> None:
        if one.id in self._in_hand or self._is_full(one.channel):
            return
        if one.is_ping and one.job_id in self._pinged:
            return
        self._in_hand[one.id] = one
        self._busy[one.channel] += 1
        if one.is_ping:
            self._pinged.add(one.job_id)
        gone = outcomes.expired(one, self._desk.now)
        channel = None if one.is_ping else self._channels.value(one.channel)
        if gone is not None:
            self._fail(one, gone)
        elif channel is None and not one.is_ping:
            words = f"there is no channel {one.channel!r}, or its record is damaged"
            self._fail(one, outcomes.failed(one, self._desk.now, words))
        else:
            needed = self._secrets_of(one, channel)
            self._desk.emit(Deliver(one, channel, self._vault.sealed_of(needed)))

    def _secrets_of(self, one: Notification, channel: Channel | None) -> set[str]:
        if channel is None:
            return secrets_in(str(one.payload.get("url", "")))
        return {name for _, name in secret_places(channel)}

    def _is_full(self, channel: str) -> bool:
        return self._busy[channel] >= (PER_CHANNEL if channel else PINGS_AT_ONCE)

    def _let_go(self, notification_id: str) -> None:
        one = self._in_hand.pop(notification_id)
        self._busy[one.channel] -= 1
        if not self._busy[one.channel]:
            del self._busy[one.channel]
        if one.is_ping:
            self._pinged.discard(one.job_id)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._read.failed(request) or self._record.failed(request)

    def advance(self) -> None:
        """Record what came of deliveries, and look whether there are more to make."""
        self._read.advance()
        self._record.advance()
        if self._changes and self._record.idle:
            changes, self._changes = self._changes, []
            self._record.send(RecordDeliveries(tuple(changes)))
        if self._read.idle and self._desk.monotonic >= self._look_at:
            self._look_at = self._desk.monotonic + OUTBOX_POLL_S
            full = tuple(sorted(one for one in self._busy if self._is_full(one)))
            self._read.send(ReadOutbox(self._desk.now, OUTBOX_ROWS, full))

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next look or repetition."""
        look = self._look_at if self._read.idle else self._read.wake_at
        return min(look, self._record.wake_at)
