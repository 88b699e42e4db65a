"""Names for things: the same cause gives the same id, another cause another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.fields import is_job_id
from executor.domain.identity import (
    command_id,
    continuous_run_id,
    following_run_id,
    fraction,
    job_id,
    manual_run_id,
    retrigger_run_id,
    retry_run_id,
    slot_run_id,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)

#: What ids are derived from: printable text, as ids and idempotency keys are.
NAMES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=40)

ONE_PART = [job_id, manual_run_id, retrigger_run_id]


@pytest.mark.parametrize("derive", ONE_PART)
@settings(max_examples=50, deadline=None)
@given(one=NAMES, other=NAMES)
def test_ids_differ_exactly_when_their_causes_do(
    derive: Callable[[str], str], one: str, other: str
) -> None:
    """Doing a step twice meets the row of the first time, and never somebody else's."""
    assert (derive(one) == derive(other)) == (one == other)


@settings(max_examples=50, deadline=None)
@given(NAMES, NAMES, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_slot_is_its_job_and_its_fire_time(one: str, other: str, at: int, later: int) -> None:
    """Every instance that claims a slot gives its run the same id."""
    first = slot_run_id(one, NOON + timedelta(seconds=at))
    second = slot_run_id(other, NOON + timedelta(seconds=later))

    assert (first == second) == ((one, at) == (other, later))


def test_a_slot_is_an_instant_in_whatever_zone_it_is_written() -> None:
    """The id does not depend on how the fire time was expressed."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))

    assert slot_run_id("job", elsewhere) == slot_run_id("job", NOON)


@settings(max_examples=50, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
def test_an_idempotency_key_counts_for_one_request_only(
    key: str, request: str, other_key: str, other_request: str
) -> None:
    """The same key on another path is another command; key and path are not run together."""
    first, second = command_id(key, request), command_id(other_key, other_request)

    assert (first == second) == ((key, request) == (other_key, other_request))


def test_things_of_different_kinds_never_share_an_id() -> None:
    """A command's job, its run and the repetition of a run of the same name are three things."""
    ids = {derive("x") for derive in ONE_PART} | {slot_run_id("x", NOON), command_id("x", "")}

    assert len(ids) == 5


@pytest.mark.parametrize(
    "made",
    [
        job_id("x"),
        slot_run_id("x", NOON),
        continuous_run_id("x", 1, 1),
        manual_run_id("x"),
        retrigger_run_id("x"),
        following_run_id("x", "y", "dependency"),
        retry_run_id("x"),
    ],
)
def test_jobs_and_runs_are_known_by_random_uuids(made: str) -> None:
    """As far as a client can see that asks for the version and the variant."""
    assert (UUID(made).version, UUID(made).variant) == (4, RFC_4122)


def test_what_is_spread_by_chance_is_not_touched_by_that() -> None:
    """A digit that is always the same would gather what is to be spread."""
    thirds = {int(fraction("x", str(number)) * 16**13) % 16 for number in range(500)}

    assert len(thirds) == 16


def test_every_id_looks_like_one() -> None:
    """32 hexadecimal digits, which no job's name may be."""
    for made in (job_id("x"), manual_run_id(""), slot_run_id("x", NOON), command_id("k", "POST /")):
        assert is_job_id(made)
