"""Records with some of their fields changed."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from executor.domain.once_schedule import OnceSchedule
from executor.domain.replacement import replace
from executor.domain.run import Cause, Run, RunState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = Run(
    id="r",
    job_id="j",
    job="job",
    cause=Cause.MANUAL,
    state=RunState.PENDING,
    term=1,
    clear_at=NOON,
    created_at=NOON,
)


def test_a_replaced_record_is_what_the_standard_library_makes_of_it() -> None:
    """Only the named fields differ, and the original stays as it was."""
    replaced = replace(RUN, state=RunState.RUNNING, attempt=2)

    assert replaced == dataclasses.replace(RUN, state=RunState.RUNNING, attempt=2)
    assert (RUN.state, RUN.attempt) == (RunState.PENDING, 1)


def test_a_replaced_record_can_be_replaced_again_and_stays_frozen() -> None:
    """It is a record like any other."""
    replaced = replace(replace(RUN, term=2), term=3)

    assert replaced.term == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        replaced.term = 4  # type: ignore[misc]


@pytest.mark.parametrize("name", ["colour", "due"])
def test_what_is_no_field_is_refused(name: str) -> None:
    """Neither an unknown name nor that of a property is taken."""
    changes: dict[str, Any] = {name: NOON}

    with pytest.raises(AttributeError, match=name):
        replace(RUN, **changes)


def test_records_that_check_themselves_are_refused() -> None:
    """Their check would be passed over."""
    with pytest.raises(TypeError, match="OnceSchedule"):
        replace(OnceSchedule(at="2026-03-01T12:00:00Z"), at="2026-03-02T12:00:00Z")
