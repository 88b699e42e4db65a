"""Which instants the calendars of a job close, as they are at the moment.

A calendar that is missing or broken closes nothing, as the executor sees it too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from executor.domain.blackouts import window_at
from executor.domain.calendar import CALENDARS, Calendar
from executor.domain.errors import NamedNotFound
from executor.domain.job import Job
from executor.domain.named import Stored
from executor.domain.schedule import jitter_of
from executor.ports.store import Readers

#: What happens to a fire time in a blackout, or that jitter would put off into one; the first one
#: that applies wins.
POLICIES: Final = ("skip", "run_after")

#: Tells which policy applies to an instant, None outside of every blackout.
Closed = Callable[[datetime], str | None]


def closures(readers: Readers, job: Job) -> Closed:
    """Read the calendars of *job*, and return what tells which of its fire times they close.

    Raises:
        StoreUnavailable: they cannot be read.
    """
    used = [
        (use.policy, calendar)
        for use in job.definition.calendars
        if (calendar := _calendar(readers, use.name)) is not None
    ]

    def closed(instant: datetime) -> str | None:
        schedule = job.definition.schedule
        # What jitter would start in a blackout is as closed as what is due in one.
        jitter = jitter_of(schedule, job.id, instant) if schedule else timedelta(0)
        found = {
            policy
            for policy, calendar in used
            if window_at(calendar, instant) or window_at(calendar, instant + jitter)
        }
        return next((policy for policy in POLICIES if policy in found), None)

    return closed


def _calendar(readers: Readers, name: str) -> Calendar | None:
    try:
        stored = readers.get_named(CALENDARS, name)
    except NamedNotFound:
        return None
    return stored.value if isinstance(stored, Stored) else None
