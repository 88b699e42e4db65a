"""One thing that is allowed in a schedule but often not meant, and how changes are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from executor.domain.zone import Change


@dataclass(frozen=True, slots=True)
class ScheduleWarning:
    """Something allowed but surprising: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


def change_warning(where: str, change: Change, consequence: str) -> ScheduleWarning:
    """Return what *change* of the clocks in the zone *where* does: *consequence*, a sentence."""
    forward = change.after > change.before
    old, new = _wall(change.instant + change.before), _wall(change.instant + change.after)
    return ScheduleWarning(
        "clock_forward" if forward else "clock_back",
        f"On {old:%Y-%m-%d} clocks in {where} go {'forward' if forward else 'back'} "
        f"from {_clock(old)} to {_clock(new)}"
        f"{'' if old.date() == new.date() else f' of {new:%Y-%m-%d}'}.  {consequence}",
    )


def clock_after(change: Change) -> str:
    """Return what the clocks show right after *change*."""
    return _clock(_wall(change.instant + change.after))


def _wall(local: int) -> datetime:
    return datetime.fromtimestamp(local, UTC)


def _clock(wall: datetime) -> str:
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"
