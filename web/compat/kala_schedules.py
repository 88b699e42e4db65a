"""Kala's schedules as ours, and ours as the nearest that Kala could say.

Its grammar is the one of our repeating intervals, but for these: ``R-1`` is for ever, ``R0`` has
an INTERVAL that nobody looks at, and START may have a fraction of a second.  Fire times are whole
seconds, and nothing is run earlier than it was asked for: the next whole one counts.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from executor.domain.schedule import (
    CronSchedule,
    IntervalSchedule,
    OnceSchedule,
    Schedule,
)

_FRACTION: Final = re.compile(r"(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d+)", re.ASCII)

#: What the zone of a cron expression is written with, where it is not UTC.
_ZONE: Final = "CRON_TZ="


def from_kala(text: str) -> str:
    """Return the interval that Kala's *text* means; what is none is left for others to refuse.

    >>> from_kala("R2/2017-06-04T19:25:16.828696-07:00/PT10S")
    'R2/2017-06-04T19:25:17-07:00/PT10S'
    >>> from_kala("R0/2026-12-01T00:00:00Z/whatever")
    'R0/2026-12-01T00:00:00Z/'
    """
    repeats, *rest = _FRACTION.sub(_whole, text).split("/")
    if repeats == "R-1":
        repeats = "R"
    if repeats == "R0" and len(rest) == 2:
        rest[1] = ""
    return "/".join([repeats, *rest])


def _whole(found: re.Match[str]) -> str:
    start, fraction = found.groups()
    if not fraction.strip("0"):
        return start
    try:
        later = datetime.fromisoformat(f"{start[1:]}+00:00") + timedelta(seconds=1)
    except (ValueError, OverflowError):
        # There is no such instant; what is left of it is refused.
        return start
    return f"/{later:%Y-%m-%dT%H:%M:%S}"


def to_kala(schedule: Schedule | None) -> str:
    """Return the text by which Kala's clients learn of *schedule*.

    Only an interval and a single instant have one that Kala reads; a cron expression is shown as
    it stands, with its zone if that is not UTC.
    """
    match schedule:
        case None:
            return ""
        case IntervalSchedule():
            return schedule.expression
        case OnceSchedule():
            return f"R0/{schedule.at}/"
        case CronSchedule():
            zone = "" if schedule.timezone == "UTC" else f"{_ZONE}{schedule.timezone} "
            return f"{zone}{schedule.expression}"
    return schedule.kind
