"""The life of a run: every pair of states, and what merging two changes means."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.run import LIVE, TRANSITIONS, Output, Reason, RunChange, RunState, sources
from tests.builders import a_job, a_run, at

#: What may follow each state, written down from the contract and not from the code.
FOLLOWING = {
    "pending": "pending running cancelling skipped succeeded failed timed_out cancelled lost",
    "running": "pending running cancelling succeeded failed timed_out cancelled lost",
    "cancelling": "cancelling succeeded failed timed_out cancelled lost",
    "succeeded": "",
    "failed": "",
    "timed_out": "",
    "cancelled": "",
    "lost": "",
    "skipped": "",
}

PAIRS = list(product(RunState, RunState))


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_every_pair_of_states_is_as_agreed(before: RunState, after: RunState) -> None:
    """Each of the 81 pairs is allowed or forbidden as the list above says, seen from both ends."""
    allowed = after in FOLLOWING[before].split()

    assert (after in TRANSITIONS[before]) == allowed
    assert (before in sources(after)) == allowed


def test_the_table_knows_every_state() -> None:
    """A new state cannot be forgotten in the table or in the list of this test."""
    assert set(TRANSITIONS) == set(RunState) == set(FOLLOWING)


def test_a_run_is_live_until_nothing_can_follow() -> None:
    """Live are exactly the states that something may follow; they occupy the job."""
    assert {state for state in FOLLOWING if FOLLOWING[state]} == LIVE


@pytest.mark.parametrize("state", RunState)
def test_a_row_is_open_while_it_lives_or_demands_a_follow_up(state: RunState) -> None:
    """A row that is over is still open when it demands a run that is not written yet."""
    row = a_run(a_job(), state=state)
    demanding = a_run(a_job(), state=state, follow_up=True)

    assert row.is_live == row.is_open == bool(FOLLOWING[state])
    assert demanding.is_live == row.is_live
    assert demanding.is_open


#: Values for each field of a change that may be left alone.
INSTANTS = st.integers(0, 10_000).map(at)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "reason": st.sampled_from(Reason),
    "trigger_id": st.text(max_size=3),
    "executor": st.text(max_size=3),
    "revision": st.integers(0, 5),
    "attempt": st.integers(1, 5),
    "retriggers": st.integers(0, 5),
    "started_at": INSTANTS,
    "finished_at": INSTANTS,
    "lease_s": st.floats(0, 60),
    "remote": st.booleans(),
    "follow_up": st.booleans(),
    "exit_code": st.integers(0, 255),
    "http_status": st.integers(100, 599),
    "retry_after": st.integers(0, 10_000),
    "error": st.text(max_size=3),
    "details": st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    "output": st.builds(Output, head=st.text(max_size=3)),
}
CHANGES = st.builds(
    RunChange,
    run_id=st.just("run"),
    term=st.just(3),
    state=st.sampled_from(RunState),
    **{name: st.none() | values for name, values in VALUES.items()},
)


def applied(*changes: RunChange) -> dict[str, object]:
    """Return what a row's fields are after *changes*, none of them refused."""
    row: dict[str, object] = {}
    for change in changes:
        row |= {
            field.name: value
            for field in fields(RunChange)
            if (value := getattr(change, field.name)) is not None
        }
    return row


def test_the_strategy_knows_every_field_of_a_change() -> None:
    """A field added to RunChange is merged by the property below as well."""
    always = {"run_id", "term", "state"}

    assert {field.name for field in fields(RunChange)} == always | set(VALUES)


@settings(max_examples=50, deadline=None)
@given(CHANGES, CHANGES)
def test_one_merged_change_does_what_the_two_did(first: RunChange, second: RunChange) -> None:
    """Writing the merged change leaves the row as writing both, one after the other, does."""
    assert applied(first.merged_with(second)) == applied(first, second)


@settings(max_examples=50, deadline=None)
@given(CHANGES, CHANGES, CHANGES)
def test_it_does_not_matter_which_changes_are_merged_first(
    first: RunChange, second: RunChange, third: RunChange
) -> None:
    """Merging is associative: a batch can be collected in any grouping."""
    left = first.merged_with(second).merged_with(third)

    assert left == first.merged_with(second.merged_with(third))


def test_a_start_and_an_end_become_one_change() -> None:
    """A short run is written once, with everything that is known of it."""
    began: datetime = at(1)
    start = RunChange(
        run_id="run", term=3, state=RunState.RUNNING, started_at=began, executor="here", lease_s=10
    )
    end = RunChange(run_id="run", term=3, state=RunState.SUCCEEDED, finished_at=at(2), exit_code=0)

    assert start.merged_with(end) == RunChange(
        run_id="run",
        term=3,
        state=RunState.SUCCEEDED,
        started_at=began,
        finished_at=at(2),
        executor="here",
        lease_s=10,
        exit_code=0,
    )


def test_a_later_no_is_not_taken_for_silence() -> None:
    """False, zero and the empty text are news; only None leaves a field as it is."""
    first = RunChange(
        run_id="run", term=3, state=RunState.RUNNING, follow_up=True, exit_code=7, error="so far"
    )
    second = RunChange(
        run_id="run", term=3, state=RunState.FAILED, follow_up=False, exit_code=0, error=""
    )

    merged = first.merged_with(second)

    assert (merged.follow_up, merged.exit_code, merged.error) == (False, 0, "")
