"""What the end of a run demands: repetitions, dependents, failure handlers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from executor.domain.following import Repeat, begin_of, failed, repeat_of, starts, too_late
from executor.domain.run import Cause, Reason, Run, RunState
from tests.builders import a_claim, a_definition, a_job, at

STEADY = {"delay": "10s", "backoff": "fixed", "jitter": 0}


def ended(state: RunState = RunState.FAILED, seconds: float = 100, **fields: Any) -> Run:
    """Return a run that was due at the start and ended so many seconds later."""
    run = a_claim(a_job(), at(0), state=state)
    return replace(run, **{"started_at": at(1), "finished_at": at(seconds), **fields})


def retried_at(run: Run, **retry: Any) -> datetime | None:
    repeat = repeat_of(run, a_job(retry={**STEADY, **retry}))
    assert repeat is None or repeat.cause is Cause.RETRY
    return repeat.due_at if repeat else None


def test_without_a_retry_policy_a_failure_is_final() -> None:
    """Nothing is repeated."""
    assert repeat_of(ended(), a_job()) is None


def test_a_failure_is_tried_again_after_the_delay() -> None:
    """Counted from its end, as often as the policy says."""
    assert retried_at(ended(), attempts=2) == at(110)
    assert retried_at(ended(attempt=2), attempts=2) == at(110)
    assert retried_at(ended(attempt=3), attempts=2) is None


def test_lost_attempts_do_not_use_up_the_retries() -> None:
    """They have a count of their own."""
    assert retried_at(ended(attempt=3, retriggers=1), attempts=2) == at(110)
    assert retried_at(ended(attempt=4, retriggers=1), attempts=2) is None


@pytest.mark.parametrize(("attempt", "delay"), [(1, 10), (2, 20), (3, 40), (6, 300), (900, 300)])
def test_exponential_delays_double_up_to_the_greatest(attempt: int, delay: int) -> None:
    """However many attempts there were."""
    policy = {"attempts": 1000, "backoff": "exponential", "max_delay": "5m"}

    assert retried_at(ended(attempt=attempt), **policy) == at(100 + delay)


def test_jitter_shortens_a_delay_always_in_the_same_way() -> None:
    """Different runs differ; the same run asked twice does not."""
    policy = {"attempts": 1, "jitter": 0.5}
    due = [retried_at(ended(id=f"run-{n}"), **policy) for n in range(100)]

    assert due == [retried_at(ended(id=f"run-{n}"), **policy) for n in range(100)]
    assert len(set(due)) > 90
    assert all(at(105) <= one <= at(110) for one in due if one)


def test_no_attempt_begins_after_the_window() -> None:
    """It is counted from the fire time; a run on request counts from the request."""
    assert retried_at(ended(), attempts=1, window="110s") == at(110)
    assert retried_at(ended(), attempts=1, window="109s") is None
    manual = ended(fire_at=None, scheduled=False, created_at=at(50), since=at(20))
    assert begin_of(manual) == at(20)
    assert retried_at(manual, attempts=1, window="89s") is None


@pytest.mark.parametrize(
    ("asked_for", "delay"), [(None, 10), (0, 10), (3, 10), (60, 60), (3600, 3600), (86_400, 3600)]
)
def test_no_attempt_is_due_before_the_target_wants_it(asked_for: int | None, delay: int) -> None:
    """It puts one off, for an hour at most, and never brings one forward."""
    assert retried_at(ended(retry_after=asked_for), attempts=1) == at(100 + delay)


def test_what_a_target_puts_off_beyond_the_window_is_not_tried() -> None:
    """Neither earlier than the target wants nor later than the job allows."""
    assert retried_at(ended(retry_after=50), attempts=1, window="150s") == at(150)
    assert retried_at(ended(retry_after=51), attempts=1, window="150s") is None


def test_what_a_target_asks_for_makes_no_retries() -> None:
    """A job without them stays failed."""
    assert repeat_of(ended(retry_after=60), a_job()) is None


@pytest.mark.parametrize(
    ("state", "on", "again"),
    [
        (RunState.FAILED, ["failed"], True),
        (RunState.FAILED, ["timed_out", "lost"], False),
        (RunState.TIMED_OUT, ["timed_out"], True),
        (RunState.LOST, ["lost"], True),
        (RunState.LOST, ["failed"], False),
        (RunState.SUCCEEDED, ["failed", "timed_out", "lost"], False),
        (RunState.CANCELLED, ["failed", "timed_out", "lost"], False),
    ],
)
def test_only_the_chosen_ends_are_tried_again(state: RunState, on: list[str], again: bool) -> None:
    """A success and a cancellation never."""
    run = ended(state, retriggers=1, attempt=2)

    assert (retried_at(run, attempts=1, on=on) is not None) is again


@pytest.mark.parametrize(
    ("facts", "policy", "again"),
    [
        ({"exit_code": 75}, {"exit_codes": [75]}, True),
        ({"exit_code": 1}, {"exit_codes": [75]}, False),
        ({"exit_code": None}, {"exit_codes": [75]}, True),
        ({"http_status": 503}, {"statuses": ["5xx"]}, True),
        ({"http_status": 429}, {"statuses": ["5xx", 429]}, True),
        ({"http_status": 404}, {"statuses": ["5xx", 429]}, False),
        ({"http_status": None}, {"statuses": ["5xx"]}, True),
    ],
)
def test_exit_codes_and_statuses_choose_among_failures(
    facts: dict[str, Any], policy: dict[str, Any], again: bool
) -> None:
    """A failure that has neither (no connection, no such program) is always worth it."""
    assert (retried_at(ended(**facts), attempts=1, **policy) is not None) is again


@pytest.mark.parametrize(
    ("run", "retrigger", "again"),
    [
        (ended(RunState.LOST), 1, True),
        (ended(RunState.LOST), 0, False),
        (ended(RunState.LOST, retriggers=1, attempt=2), 1, False),
        (ended(RunState.CANCELLED, reason=Reason.SHUTDOWN), 1, True),
        (ended(RunState.CANCELLED, reason=Reason.SHUTDOWN), 0, False),
        (ended(RunState.CANCELLED, reason=Reason.SUPERSEDED), 0, False),
        (ended(RunState.CANCELLED, reason=Reason.SUPERSEDED, started_at=None), 0, True),
        (ended(RunState.CANCELLED, reason=Reason.REQUESTED), 9, False),
        (ended(RunState.LOST, reason=Reason.REQUESTED), 9, False),
        (ended(RunState.CANCELLED, reason=Reason.REPLACED), 9, False),
    ],
)
def test_what_its_executor_left_undone_is_repeated_at_once(
    run: Run, retrigger: int, again: bool
) -> None:
    """Never oftener than allowed, unless it certainly never started; never what was cancelled."""
    expected = Repeat(Cause.RETRIGGER) if again else None

    assert repeat_of(run, a_job(retrigger=retrigger)) == expected


@pytest.mark.parametrize("change", [{"enabled": False}, {"deleted": True}])
def test_a_job_that_is_disabled_or_deleted_repeats_nothing(change: dict[str, Any]) -> None:
    """Whatever its policies say."""
    job = a_job(retry={"attempts": 9}, **change)

    assert repeat_of(ended(), job) is None
    assert repeat_of(ended(RunState.LOST), job) is None


@pytest.mark.parametrize(
    ("state", "matching"),
    [
        (RunState.SUCCEEDED, {"success", "finished"}),
        (RunState.FAILED, {"failure", "finished"}),
        (RunState.TIMED_OUT, {"failure", "finished"}),
        (RunState.LOST, {"failure", "finished"}),
        (RunState.CANCELLED, {"finished"}),
        (RunState.SKIPPED, set()),
    ],
)
def test_dependents_follow_the_ends_they_ask_for(state: RunState, matching: set[str]) -> None:
    """A cancelled run is finished, and neither a success nor a failure."""
    for when in ("success", "failure", "finished"):
        child = a_job("child", after={"jobs": ["backup"], "when": when})

        assert starts(ended(state), child) is (when in matching)
        assert not starts(ended(state), replace(child, deleted=True))
    assert failed(ended(state)) is ("failure" in matching)


def test_a_disabled_dependent_follows_nothing() -> None:
    """Nor does a job that depends on none."""
    child = a_job("child", enabled=False, after={"jobs": ["backup"], "when": "finished"})

    assert not starts(ended(RunState.SUCCEEDED), child)
    assert not starts(ended(RunState.SUCCEEDED), a_job())


def test_a_run_waits_no_longer_than_its_start_timeout() -> None:
    """Counted from when it was due, or from the request."""
    run = a_claim(a_job(), at(0))
    patience = a_definition(start_timeout="5s")

    assert too_late(run, patience, at(5)) is None
    assert too_late(run, patience, at(5.001)) is Reason.START_TIMEOUT
    assert too_late(replace(run, due_at=at(10)), patience, at(15)) is None
    assert too_late(run, a_definition(), at(1e9)) is None


@pytest.mark.parametrize("cause", Cause)
def test_a_retry_waits_no_longer_than_its_window(cause: Cause) -> None:
    """Counted from the fire time, however late it was due itself; of no other run."""
    run = a_claim(a_job(), at(0), cause=cause, due_at=at(25))
    definition = a_definition(retry={"attempts": 1, "window": "30s"})

    assert too_late(run, definition, at(30)) is None
    late = too_late(run, definition, at(30.001))
    assert late is (Reason.RETRY_WINDOW if cause is Cause.RETRY else None)
