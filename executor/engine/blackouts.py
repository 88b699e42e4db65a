"""Blackouts: when the calendars of a job say that it is not to begin anything.

A calendar decides when a run becomes due: a slot is skipped or put off, as the job says; a
repetition, and a run that follows others, is put off under either policy.  What waits for
its turn already, and what somebody asks for by hand, is not held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from executor.domain.blackouts import window_at
from executor.domain.calendar import Calendar
from executor.domain.job import Job
from executor.engine.records import Records

#: Blackouts of several calendars that follow each other without a gap, at most; more are cut.
_IN_A_ROW = 100


@dataclass(frozen=True, slots=True)
class Blackout:
    """From ``start`` to before ``end``; ``skips``: what is due then is not to run at all."""

    start: datetime
    end: datetime
    skips: bool


class Blackouts:
    """The calendars of one tenure."""

    def __init__(self) -> None:
        self.calendars: Records[Calendar] = Records()

    def at(self, job: Job, instant: datetime) -> Blackout | None:
        """Return the blackout of *job* at *instant*, if there is one."""
        if not job.definition.calendars:
            return None
        found = self._window(job, instant)
        if found is None:
            return None
        start, end, skips = found.start, found.end, found.skips
        for _ in range(_IN_A_ROW):
            following = self._window(job, end)
            if following is None:
                break
            end = following.end
        return Blackout(start, end, skips)

    def _window(self, job: Job, instant: datetime) -> Blackout | None:
        found: Blackout | None = None
        for use in job.definition.calendars:
            calendar = self.calendars.value(use.name)
            window = None if calendar is None else window_at(calendar, instant)
            if window is None:
                continue
            skips = use.policy == "skip"
            if found is None:
                found = Blackout(window.start, window.end, skips)
            else:
                start, end = min(found.start, window.start), max(found.end, window.end)
                found = Blackout(start, end, found.skips or skips)
        return found
