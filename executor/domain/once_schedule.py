"""A schedule of one instant.

``at`` keeps the offset it was written with, so that the job is shown on that clock; two
schedules of one instant at different offsets are therefore not equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from executor.domain import schedule_fields
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.instant import from_text
from executor.domain.schedule_fields import NO_JITTER, Slots
from executor.domain.zone import EARLIEST, LATEST


@dataclass(frozen=True, slots=True)
class OnceSchedule:
    """When a job is due that runs once.  What exists is valid.

    Attributes:
        at: RFC 3339 with ``Z`` or an offset, whole seconds.
        jitter: Longest delay of the start, an ISO 8601 duration.
        not_before: First instant at which a slot may lie, RFC 3339 in UTC.
        not_after: Last instant at which a slot may lie.
        engine: The set of rules.

    Raises:
        InvalidSchedule: lists every fault, by field.

    >>> OnceSchedule("2026-12-01T00:00:00+01:00").instant().isoformat()
    '2026-12-01T00:00:00+01:00'
    """

    kind: ClassVar[str] = "once"
    #: No part of it depends on the job.
    hashed: ClassVar[bool] = False

    at: str
    jitter: str = NO_JITTER
    not_before: str | None = None
    not_after: str | None = None
    engine: int = 1

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        jitter = schedule_fields.jitter(self.jitter, faults)
        first, last = schedule_fields.bounds(self.not_before, self.not_after, faults)
        schedule_fields.check_engine(self.engine, faults)
        at = self.at
        if schedule_fields.is_text("at", at, "2026-12-01T02:30:00Z", faults):
            try:
                at = _canonical(at)
            except ValueError as error:
                faults.append(Fault("at", str(error)))
        if faults:
            raise InvalidSchedule(faults)
        for field, value in (
            ("at", at),
            ("jitter", jitter),
            ("not_before", first),
            ("not_after", last),
        ):
            object.__setattr__(self, field, value)

    def instant(self) -> datetime:
        """Return ``at``, aware, at the offset it was written with."""
        return datetime.fromisoformat(self.at)

    def clock(self) -> tzinfo:
        """Return the zone on whose wall clock the fire time is shown."""
        return self.instant().tzinfo or UTC

    def slots(self) -> Slots:
        """Return the form that computes fire times."""
        inner = OneSlot(int(self.instant().timestamp()))
        return schedule_fields.bounded(inner, self.not_before, self.not_after)


class OneSlot:
    """A single fire time."""

    __slots__ = ("_at",)

    def __init__(self, at: int) -> None:
        """Be due at *at*, seconds since the epoch."""
        self._at = at

    def next_epoch(self, after_s: int) -> int | None:
        """Return the slot if it is strictly later than *after_s*."""
        return self._at if after_s < self._at else None


def _canonical(text: str) -> str:
    """Return *text* in the one form it is kept in.

    Raises:
        ValueError: it is no instant of whole seconds; the message says what to write.
    """
    instant = from_text(text)  # what is no instant, has no zone, or lies too far away
    moment = datetime.fromisoformat(text)
    if moment.microsecond or re.search(r"[.,]\d*[1-9]", text):
        whole = _written(moment.replace(microsecond=0))
        raise ValueError(f"{text!r} has a fraction; fire times are whole seconds: write {whole}")
    if not EARLIEST <= instant.timestamp() <= LATEST:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999; correct the year")
    return _written(moment)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
