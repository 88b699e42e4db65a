"""Which slots have come due, and what the misfire policy makes of each.

Input is a job's watermark (its earliest slot not yet accounted for) and how far to
look ahead.  Output is one entry for each row to be written, earliest first, and the
next watermark.  Every slot is covered by exactly one entry:

* slots after ``now`` are on schedule: each is to be run;
* of the slots up to ``now``, the misfire policy runs the latest one, all, or none; those
  older than the deadline, and those it does not run, are skipped as misfires.  A latest
  slot that is hardly late is run under every policy: it is no misfire;
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

#: Slots caught up by policy ``all``: the newest.  A queue that long is some hours of work already.
CAUGHT_UP: Final = 1_000


@dataclass(frozen=True, slots=True)
class Slot:
    """One row to be written: to be run for ``cause``, or (None) skipped as a misfire.

    It accounts for ``covers`` slots, from ``covers_from`` to ``fire_at``.  ``in_turn``: it is one
    of several that run one after another, whatever the overlap policy says.
    """

    fire_at: datetime
    cause: Cause | None
    in_turn: bool = False
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
    if slot is not None and slot <= now:
        # There is more: only the newest of these may still be caught up, with what follows.
        kept = CAUGHT_UP if misfire.policy == "all" else 0
        settled, again = overdue[: len(overdue) - kept], overdue[len(overdue) - kept :]
        return Accounting(tuple(_skipped(settled, 0)), again[0] if again else slot)
    following = upcoming[0].fire_at if upcoming else slot
    wanted = _wanted(misfire, overdue, now, late, following)
    skipped = _skipped(overdue[: len(overdue) - len(wanted)])
    in_turn = len(wanted) > 1
    caught_up = [
        Slot(one, Cause.CATCH_UP if now - one > late else Cause.SCHEDULE, in_turn=in_turn)
        for one in wanted
    ]
    return Accounting((*skipped, *caught_up, *upcoming), slot)


def _wanted(
    misfire: Misfire,
    overdue: list[datetime],
    now: datetime,
    late: timedelta,
    following: datetime | None,
) -> list[datetime]:
    """Return the last slots of *overdue*: those to be run."""
    if misfire.policy == "skip" or _is_near(misfire, now, following):
        most = 1 if now - overdue[-1] <= late else 0
    else:
        most = CAUGHT_UP if misfire.policy == "all" else 1
    deadline = misfire.deadline
    newest = overdue[max(len(overdue) - most, 0) :]
    return [slot for slot in newest if deadline is None or now - slot <= deadline]


def _is_near(misfire: Misfire, now: datetime, following: datetime | None) -> bool:
    least = misfire.only_if_next_later_than
    return least is not None and following is not None and following - now <= least


def _skipped(slots: list[datetime], most: int = LISTED) -> list[Slot]:
    older = max(len(slots) - most, 0)
    summed = slots[:older] if older > 1 else []
    listed = [Slot(slot, None) for slot in slots[len(summed) :]]
    if not summed:
        return listed
    return [Slot(summed[-1], None, covers=len(summed), covers_from=summed[0]), *listed]
