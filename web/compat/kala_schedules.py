"""Our schedules as the nearest that Kala could say."""

from __future__ import annotations

from typing import Final

from executor.domain.schedule import (
    CronSchedule,
    IntervalSchedule,
    OnceSchedule,
    Schedule,
)

#: What the zone of a cron expression is written with, where it is not UTC.
_ZONE: Final = "CRON_TZ="


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
