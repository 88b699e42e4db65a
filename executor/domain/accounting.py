"""Which slots have come due, and what the misfire policy makes of each.

Input is a job's watermark (its earliest slot not yet accounted for) and how far to
look ahead.  Output is one entry for each row to be written, earliest first, and the
next watermark.  Every slot is covered by exactly one entry:

* slots after ``now`` are on schedule: each is to be run;
* of the slots up to ``now``, policy ``once`` runs the latest, if it is not older than
  the deadline, and skips the others as misfires;
* the oldest skipped slots beyond :data:`LISTED` share one entry that counts them (one for
  each :data:`STRIDE`), so that a second-by-second job that rested for a year does not
  write 31 million rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from executor.domain.policies import Misfire
from executor.domain.run import Cause

#: Skipped slots of one gap that get an entry of their own, newest first: as many as
#: ``keep_runs`` keeps by default.
LISTED: Final = 100

#: Slots looked at in one go; a longer gap is accounted for in several, so that one job
#: never holds up the others for more than some milliseconds.
STRIDE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Slot:
    """One row to be written: to be run for ``cause``, or (None) skipped as a misfire.

    It accounts for ``covers`` slots, from ``covers_from`` to ``fire_at``.
    """

    fire_at: datetime
    cause: Cause | None
    covers: int = 1
    covers_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accounting:
    """The rows to be written, earliest first, and the watermark once they are."""

    slots: tuple[Slot, ...]
    next_fire_at: datetime | None


def account(
    misfire: Misfire,
    next_after: Callable[[datetime], datetime | None],
    watermark: datetime,
    now: datetime,
    ahead: timedelta,
    late: timedelta,
) -> Accounting:
    """Account for the slots from *watermark* to ``now + ahead``.

    Args:
        misfire: the job's policy.
        next_after: the schedule: the first slot strictly later than its argument.
        watermark: a slot; nothing is due if it lies beyond ``now + ahead``.
        now: the present instant.
        ahead: how far slots of the future are claimed.
        late: a slot older than this is caught up rather than on schedule.
    """
    horizon = now + ahead
    overdue: list[datetime] = []
    upcoming: list[Slot] = []
    slot: datetime | None = watermark
    while slot is not None and slot <= horizon and len(overdue) < STRIDE:
        if slot <= now:
            overdue.append(slot)
        else:
            upcoming.append(Slot(slot, Cause.SCHEDULE))
        slot = next_after(slot)
    if not overdue:
        return Accounting(tuple(upcoming), slot)
    more_overdue = slot is not None and slot <= now
    latest = overdue[-1]
    if more_overdue:
        return Accounting(tuple(_skipped(overdue, 0)), slot)
    if now - latest > misfire.deadline:
        return Accounting((*_skipped(overdue), *upcoming), slot)
    cause = Cause.CATCH_UP if now - latest > late else Cause.SCHEDULE
    return Accounting((*_skipped(overdue[:-1]), Slot(latest, cause), *upcoming), slot)


def _skipped(slots: list[datetime], most: int = LISTED) -> list[Slot]:
    summed, rest = slots[: max(len(slots) - most, 0)], slots[max(len(slots) - most, 0) :]
    listed = [Slot(slot, None) for slot in rest]
    if not summed:
        return listed
    return [Slot(summed[-1], None, covers=len(summed), covers_from=summed[0]), *listed]
