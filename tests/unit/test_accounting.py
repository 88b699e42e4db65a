"""Which slots have come due, and what the misfire policy makes of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.accounting import CAUGHT_UP, LISTED, STRIDE, Accounting, Slot, account
from executor.domain.policies import Misfire
from executor.domain.run import Cause
from tests.builders import at

NextAfter = Callable[[datetime], datetime | None]

AHEAD = timedelta(seconds=0.4)
LATE = timedelta(seconds=1)
HOUR = Misfire(deadline=timedelta(hours=1))


def periodic(seconds: int, until: float = 1e9) -> NextAfter:
    """Return a schedule that is due at every multiple of *seconds* after the start, to *until*."""

    def next_after(instant: datetime) -> datetime | None:
        passed = (instant - at(0)) // timedelta(seconds=seconds)
        found = at((passed + 1) * seconds)
        return found if found <= at(until) else None

    return next_after


def accounted(
    watermark: float,
    now: float,
    *,
    every: int = 1,
    until: float = 1e9,
    misfire: Misfire = HOUR,
    ahead: timedelta = AHEAD,
) -> Accounting:
    """Account for a periodic schedule; instants in seconds after the start."""
    return account(misfire, periodic(every, until), at(watermark), at(now), ahead, LATE)


def skipped(seconds: float) -> Slot:
    return Slot(at(seconds), None)


def test_a_slot_a_little_ahead_is_claimed_on_schedule() -> None:
    """What comes due within the horizon is claimed, and the watermark moves to the next slot."""
    assert accounted(60, 59.7, every=60) == Accounting((Slot(at(60), Cause.SCHEDULE),), at(120))


def test_a_slot_beyond_the_horizon_is_left_alone() -> None:
    """Nothing is written, and the watermark stays."""
    assert accounted(60, 59.5, every=60) == Accounting((), at(60))


def test_the_horizon_itself_is_within() -> None:
    """A slot exactly so far ahead is claimed."""
    assert accounted(60, 59.6, every=60).slots == (Slot(at(60), Cause.SCHEDULE),)


def test_all_slots_up_to_the_horizon_are_claimed() -> None:
    """Several slots may lie ahead; none of them is a misfire."""
    plan = accounted(1, 0.5, ahead=timedelta(seconds=3))

    assert plan == Accounting(tuple(Slot(at(n), Cause.SCHEDULE) for n in (1, 2, 3)), at(4))


@pytest.mark.parametrize(
    ("late", "cause"),
    [(0, Cause.SCHEDULE), (1, Cause.SCHEDULE), (1.001, Cause.CATCH_UP), (3600, Cause.CATCH_UP)],
)
def test_the_cause_says_whether_a_slot_is_late(late: float, cause: Cause) -> None:
    """Up to a second a slot counts as on schedule, from then on as caught up."""
    plan = accounted(10_000, 10_000 + late, every=10_000)

    assert plan.slots == (Slot(at(10_000), cause),)


def test_once_runs_the_latest_slot_and_skips_the_others() -> None:
    """After a gap there is one catch-up run, and a misfire for every other slot."""
    plan = accounted(60, 250, every=60)

    assert plan == Accounting(
        (skipped(60), skipped(120), skipped(180), Slot(at(240), Cause.CATCH_UP)), at(300)
    )


def test_the_latest_slot_runs_even_when_the_next_is_close_ahead() -> None:
    """A slot of the future does not take the place of the one to be caught up."""
    plan = accounted(60, 119.9, every=60)

    assert plan.slots == (Slot(at(60), Cause.CATCH_UP), Slot(at(120), Cause.SCHEDULE))


def test_beyond_the_deadline_even_the_latest_is_a_misfire() -> None:
    """A slot older than the deadline is never run; exactly as old it still is."""
    policy = Misfire(deadline=timedelta(seconds=30))

    assert accounted(60, 90, every=60, misfire=policy).slots == (Slot(at(60), Cause.CATCH_UP),)
    assert accounted(60, 90.001, every=60, misfire=policy).slots == (skipped(60),)


def test_a_slot_ahead_runs_although_the_gap_before_it_is_too_old() -> None:
    """The deadline is about slots that are over."""
    policy = Misfire(deadline=timedelta(seconds=30))

    plan = accounted(60, 119.9, every=60, misfire=policy)

    assert plan.slots == (skipped(60), Slot(at(120), Cause.SCHEDULE))


def test_a_schedule_that_ends_leaves_no_watermark() -> None:
    """After the last slot there is nothing more to account for."""
    assert accounted(60, 60, every=60, until=60) == Accounting(
        (Slot(at(60), Cause.SCHEDULE),), None
    )


def test_the_newest_misfires_are_listed_and_the_others_summed() -> None:
    """A long gap is one entry that counts, then a hundred of their own, then the catch-up run."""
    plan = accounted(1, 1000)

    summed, *listed, latest = plan.slots
    assert summed == Slot(at(899), None, covers=899, covers_from=at(1))
    assert listed == [skipped(n) for n in range(900, 1000)]
    assert len(listed) == LISTED
    assert latest == Slot(at(1000), Cause.SCHEDULE)


def test_as_many_misfires_as_are_listed_are_not_summed() -> None:
    """A sum of nothing is not written."""
    plan = accounted(1, LISTED + 1)

    assert plan.slots == (
        *(skipped(n) for n in range(1, LISTED + 1)),
        Slot(at(LISTED + 1), Cause.SCHEDULE),
    )


def test_a_gap_longer_than_a_stride_is_accounted_for_in_several() -> None:
    """Only the last stride has a run: what is not the latest slot is a misfire."""
    first = accounted(1, STRIDE + 10)
    assert first.next_fire_at == at(STRIDE + 1)
    assert all(slot.cause is None for slot in first.slots)
    assert sum(slot.covers for slot in first.slots) == STRIDE

    second = accounted(STRIDE + 1, STRIDE + 10)

    assert [slot.cause for slot in second.slots] == [None] * 9 + [Cause.SCHEDULE]


def test_a_gap_of_exactly_one_stride_still_ends_with_its_run() -> None:
    """When no slot is left over, the last one looked at is the latest."""
    plan = accounted(1, STRIDE)

    assert plan.slots[-1] == Slot(at(STRIDE), Cause.SCHEDULE)
    assert plan.next_fire_at == at(STRIDE + 1)


@settings(max_examples=60, deadline=None)
@given(
    every=st.integers(1, 40),
    first=st.integers(1, 50),
    now=st.floats(0, 12_000),
    ahead=st.floats(0, 90),
    deadline=st.floats(0.001, 20_000),
    last=st.integers(1, 20_000),
)
def test_every_slot_up_to_the_horizon_is_covered_exactly_once(
    every: int, first: int, now: float, ahead: float, deadline: float, last: int
) -> None:
    """However long the gap: one entry for each slot, and of those overdue only the latest runs."""
    misfire = Misfire(deadline=timedelta(seconds=deadline))
    horizon = timedelta(seconds=ahead)
    watermark: datetime | None = at(first * every)
    last = max(last, first * every)
    covered: list[datetime] = []
    runs: list[Slot] = []
    step = periodic(every, last)
    while watermark is not None and watermark <= at(now) + horizon:
        plan = account(misfire, step, watermark, at(now), horizon, LATE)
        for slot in plan.slots:
            covered += _covered(slot, step)
        runs += [slot for slot in plan.slots if slot.cause is not None]
        watermark = plan.next_fire_at

    expected = [at(n) for n in range(first * every, last + 1, every)]
    assert covered == [slot for slot in expected if slot <= at(now) + horizon]
    overdue = [slot for slot in runs if slot.fire_at <= at(now)]
    assert misfire.deadline is not None
    assert all(at(now) - slot.fire_at <= misfire.deadline for slot in overdue)
    past = [slot for slot in covered if slot <= at(now)]
    runnable = bool(past) and at(now) - past[-1] <= misfire.deadline
    assert [slot.fire_at for slot in overdue] == (past[-1:] if runnable else [])
    assert [slot.fire_at for slot in runs if slot.fire_at > at(now)] == [
        slot for slot in covered if slot > at(now)
    ]


def _covered(slot: Slot, next_after: NextAfter) -> list[datetime]:
    """Return the slots that one entry says it accounts for."""
    if slot.covers == 1:
        assert slot.covers_from is None
        return [slot.fire_at]
    assert slot.covers_from is not None
    assert slot.cause is None, "only misfires are summed"
    found = [slot.covers_from]
    while found[-1] < slot.fire_at:
        following = next_after(found[-1])
        assert following is not None
        found.append(following)
    assert len(found) == slot.covers
    return found


def test_policy_all_runs_every_slot_in_turn() -> None:
    """The oldest first, one after another; none is skipped."""
    plan = accounted(10, 29, every=10, misfire=Misfire(policy="all"))

    assert plan.slots == (
        Slot(at(10), Cause.CATCH_UP, in_turn=True),
        Slot(at(20), Cause.CATCH_UP, in_turn=True),
    )
    assert plan.next_fire_at == at(30)


def test_policy_all_does_not_run_what_is_older_than_the_deadline() -> None:
    """Those are skipped."""
    misfire = Misfire(policy="all", deadline=timedelta(seconds=15))

    assert accounted(10, 30, every=10, misfire=misfire).slots == (
        skipped(10),
        Slot(at(20), Cause.CATCH_UP, in_turn=True),
        Slot(at(30), Cause.SCHEDULE, in_turn=True),
    )


@pytest.mark.parametrize("gap", [CAUGHT_UP + 1, STRIDE, STRIDE + 1, STRIDE + CAUGHT_UP, 12_345])
def test_policy_all_runs_the_newest_of_very_many(gap: int) -> None:
    """However long the gap, and whatever portions it is accounted for in."""
    misfire = Misfire(policy="all", deadline=None)
    watermark: datetime | None = at(1)
    rows: list[Slot] = []
    while watermark is not None and watermark <= at(gap):
        plan = account(misfire, periodic(1), watermark, at(gap), timedelta(0), LATE)
        rows += plan.slots
        watermark = plan.next_fire_at

    assert [row.fire_at for row in rows if row.cause] == [
        at(n) for n in range(gap - CAUGHT_UP + 1, gap + 1)
    ]
    assert sum(row.covers for row in rows) == gap


def test_policy_skip_runs_nothing_that_is_late() -> None:
    """Every slot is recorded as skipped."""
    plan = accounted(10, 29, every=10, misfire=Misfire(policy="skip"))

    assert plan == Accounting((skipped(10), skipped(20)), at(30))


def test_policy_skip_runs_a_slot_that_is_hardly_late() -> None:
    """A moment's delay is no misfire."""
    plan = accounted(10, 20.9, every=10, misfire=Misfire(policy="skip"))

    assert plan.slots == (skipped(10), Slot(at(20), Cause.SCHEDULE))


def test_policy_latest_is_policy_once() -> None:
    """Two names."""
    plans = [accounted(10, 29, every=10, misfire=Misfire(policy=p)) for p in ("once", "latest")]

    assert plans[0] == plans[1]
    assert plans[0].slots == (skipped(10), Slot(at(20), Cause.CATCH_UP))


def test_without_a_deadline_nothing_is_too_late() -> None:
    """A year later it is still caught up."""
    plan = accounted(10, 3e7, until=10, misfire=Misfire(deadline=None))

    assert plan.slots == (Slot(at(10), Cause.CATCH_UP),)


@pytest.mark.parametrize(("now", "caught_up"), [(21, True), (39.5, True), (40, False), (59, False)])
def test_a_catch_up_may_depend_on_how_far_the_next_slot_is(now: float, caught_up: bool) -> None:
    """With little time left until the next regular one, nothing is caught up."""
    misfire = Misfire(only_if_next_later_than=timedelta(seconds=20))

    plan = accounted(0, now, every=60, misfire=misfire, ahead=timedelta(0))

    assert plan.slots == (Slot(at(0), Cause.CATCH_UP if caught_up else None),)


def test_a_single_slot_is_never_summed_up() -> None:
    """An entry that counts slots counts several."""
    plan = accounted(1, LISTED + 2, ahead=timedelta(0))

    assert plan.slots == (*map(skipped, range(1, LISTED + 2)), Slot(at(LISTED + 2), Cause.SCHEDULE))
