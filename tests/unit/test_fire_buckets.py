"""Which job is due in which second, against a plain dictionary."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from executor.domain.buckets import FireBuckets

#: Few jobs in few seconds, so that they meet.
JOBS = st.sampled_from([f"job-{number}" for number in range(12)])
SECONDS = st.integers(-3, 12)


class BucketsAndDictionary(RuleBasedStateMachine):
    """Does everything to both, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets = FireBuckets()
        self.model: dict[str, int] = {}

    @rule(job=JOBS, second=SECONDS)
    def arm(self, job: str, second: int) -> None:
        self.buckets.arm(job, second)
        self.model[job] = second

    @rule(job=JOBS)
    def disarm(self, job: str) -> None:
        self.buckets.disarm(job)
        self.model.pop(job, None)

    @rule(until=st.floats(-4, 14), limit=st.integers(0, 15))
    def pop_due(self, until: float, limit: int) -> None:
        due = sorted(second for second in self.model.values() if second <= until)

        popped = self.buckets.pop_due(until, limit)

        assert len(set(popped)) == len(popped)
        # Earliest first; who of the last second comes is left open.
        assert [self.model.pop(job) for job in popped] == due[:limit]

    @invariant()
    def agree(self) -> None:
        assert len(self.buckets) == len(self.model)
        assert self.buckets.earliest() == min(self.model.values(), default=None)
        assert all(job in self.buckets for job in self.model)

    @invariant()
    def do_not_invent(self) -> None:
        assert not any(
            f"job-{number}" in self.buckets
            for number in range(12)
            if f"job-{number}" not in self.model
        )


def test_nothing_tells_the_buckets_from_a_dictionary() -> None:
    """Arming, disarming and taking in any order leave them as a dictionary would be."""
    run_state_machine_as_test(
        BucketsAndDictionary,
        settings=settings(max_examples=30, stateful_step_count=25, deadline=None),
    )


def test_a_limit_splits_a_second_and_loses_nobody() -> None:
    """What the limit leaves stays due, in the same second."""
    buckets = FireBuckets()
    jobs = {f"job-{number}" for number in range(10)}
    for job in jobs:
        buckets.arm(job, 5)

    first = buckets.pop_due(5, 4)
    left = len(buckets)
    second = buckets.pop_due(5, 100)

    assert (len(first), left, buckets.earliest()) == (4, 6, None)
    assert {*first, *second} == jobs


def test_the_second_that_is_still_to_come_is_not_touched() -> None:
    """A whole second is due only when it has come, fractions do not count."""
    buckets = FireBuckets()
    buckets.arm("job", 5)

    assert buckets.pop_due(4.999, 10) == []
    assert buckets.pop_due(5.0, 10) == ["job"]


def test_a_job_is_due_once_however_often_it_is_moved() -> None:
    """The last word counts: neither the former second nor the gap it left yields the job."""
    buckets = FireBuckets()
    for second in (9, 3, 7, 3, 5):
        buckets.arm("job", second)

    assert buckets.earliest() == 5
    assert buckets.pop_due(100, 10) == ["job"]
    assert buckets.pop_due(100, 10) == []
