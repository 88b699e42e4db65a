"""POST /v1/jobs/{job}/backfill: asked of the executor, or counted in a dry run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.job import definition_from_document
from executor.domain.schedule import schedule_from_document
from executor.engine.run_decisions import BACKFILL_MOST
from tests.web.world import NIGHTLY, PLAIN, World, faults_of, json_of, problem_of
from web.backfills import MOST, SHOWN

#: Three nights before the world begins.
NIGHTS = {"from": "2026-11-27T02:30:00Z", "to": "2026-11-29T02:30:00Z"}

URL = "/v1/jobs/nightly/backfill"


def plan(world: World, **asked: Any) -> dict[str, Any]:
    """Return what a dry run answers."""
    response = world.post(URL, {**NIGHTS, "dry_run": True, **asked})
    assert response.status_code == 200, response.text
    return json_of(response)


def test_a_backfill_is_answered_with_what_was_made(world: World) -> None:
    """201 with figures; the executor is told the stretch in UTC."""
    world.add(NIGHTLY)

    response = world.post(URL, {**NIGHTS, "to": "2026-11-29T03:30:00+01:00"})

    assert response.status_code == 201
    assert json_of(response) == {"slots": 3, "backfilled": 3, "recorded": 0}
    command = world.executor.received[-1]
    assert (command.kind, command.arguments) == (CommandKind.BACKFILL_JOB, NIGHTS)


def test_what_has_a_record_is_not_run_again(world: World) -> None:
    """A second backfill of the same stretch makes nothing."""
    world.add(NIGHTLY)
    world.post(URL, {**NIGHTS, "to": NIGHTS["from"]})

    assert json_of(world.post(URL, NIGHTS)) == {"slots": 3, "backfilled": 2, "recorded": 1}
    assert json_of(world.post(URL, NIGHTS)) == {"slots": 3, "backfilled": 0, "recorded": 3}


def test_a_dry_run_tells_it_beforehand_and_changes_nothing(world: World) -> None:
    """The same figures, slot by slot, without an executor."""
    world.add({**NIGHTLY, "schedule": {"kind": "cron", "expression": "30 2 * * *"}})
    world.post(URL, {**NIGHTS, "to": NIGHTS["from"]})
    sent = len(world.executor.received)

    assert plan(world) == {
        "slots": [
            {"fire_at": f"{day}Z", "local": f"{day}+00:00", "recorded": recorded}
            for day, recorded in (
                ("2026-11-27T02:30:00", True),
                ("2026-11-28T02:30:00", False),
                ("2026-11-29T02:30:00", False),
            )
        ],
        "total": 3,
        "recorded": 1,
        "would_run": 2,
    }
    assert len(world.executor.received) == sent


def test_a_dry_run_shows_the_first_and_counts_all(world: World) -> None:
    """At most 100 are listed."""
    world.add(NIGHTLY, schedule="*/5 * * * *")

    found = plan(world)

    assert len(found["slots"]) == SHOWN
    assert (found["total"], found["would_run"]) == (577, 577)


def test_a_dry_run_ends_where_regular_firing_begins(world: World) -> None:
    """Neither the future nor what the executor has yet to come to is counted."""
    world.add(NIGHTLY, schedule="0 * * * *")
    world.clock.advance(3 * 3600 + 1)

    found = plan(world, **{"from": "2026-11-30T23:30:00Z", "to": "2027-12-01T00:00:00Z"})

    assert [one["fire_at"] for one in found["slots"]] == ["2026-12-01T00:00:00Z"]


def test_rows_of_former_schedules_do_not_count(world: World) -> None:
    """Only those of the fire times asked for."""
    world.add(NIGHTLY, schedule="0 * * * *")
    world.post(URL, {"from": "2026-11-28T00:00:00Z", "to": "2026-11-29T12:00:00Z"})
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "0,30 3 * * *"})

    found = plan(world)

    assert (found["total"], found["recorded"], found["would_run"]) == (4, 1, 3)


def test_however_many_rows_lie_between_all_are_seen(world: World) -> None:
    """The store is asked in parts."""
    world.add(NIGHTLY, schedule="* * * * *")
    world.post(URL, NIGHTS)
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "30 * * * *"})

    found = plan(world)

    assert (found["total"], found["recorded"], found["would_run"]) == (49, 49, 0)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ({"from": "2026-11-29T00:00:00Z", "to": "2026-11-28T00:00:00Z"}, "to", "before `from`"),
        ({"from": "2027-01-01T00:00:00Z", "to": "2027-01-02T00:00:00Z"}, "from", "future"),
        ({"from": "2026-11-28"}, "from", "zone"),
        ({"from": None}, "from", "write an instant"),
        ({"to": "now"}, "to", "RFC 3339"),
        ({"since": "2026-11-28T00:00:00Z"}, "since", "the fields here are from, to, dry_run"),
        ({"dry_run": "perhaps"}, "dry_run", "true or false"),
    ],
)
def test_a_wrong_stretch_is_refused(
    world: World, dry_run: bool, asked: dict[str, Any], field: str, says: str
) -> None:
    """422 names the field and what to write; nothing is sent."""
    world.add(NIGHTLY)

    faults = faults_of(world.post(URL, {**NIGHTS, "dry_run": dry_run, **asked}), 422)

    assert list(faults) == [field]
    assert says in faults[field]
    assert len(world.executor.received) == 1


def test_every_fault_is_told_at_once(world: World) -> None:
    """Missing, wrong and unknown fields together."""
    world.add(NIGHTLY)

    faults = faults_of(world.post(URL, {"to": 5, "til": 1}), 422)

    assert set(faults) == {"from", "to", "til"}


def test_a_dry_run_of_too_many_names_the_field(world: World) -> None:
    """As many as the executor takes, and not one more."""
    world.add(NIGHTLY, schedule="* * * * *")
    stretch = {"from": "2026-11-29T00:01:00Z", "to": "2026-11-29T16:40:00Z"}

    assert plan(world, **stretch)["total"] == MOST == BACKFILL_MOST
    response = world.post(URL, {**stretch, "to": "2026-11-29T16:41:00Z", "dry_run": True})
    assert "more than 1,000 fire times" in faults_of(response, 422)["from"]


def test_a_job_without_schedule_has_no_past(world: World) -> None:
    """409, as the executor would say."""
    world.add(NIGHTLY, schedule=None)

    assert "no schedule" in problem_of(world.post(URL, {**NIGHTS, "dry_run": True}), 409)["detail"]


def test_a_backfill_checks_the_revision_that_was_read(world: World) -> None:
    """If-Match holds for both kinds."""
    world.add(NIGHTLY)

    problem_of(world.post(URL, NIGHTS, If_Match='"9"'), 412)
    problem_of(world.post(URL, {**NIGHTS, "dry_run": True}, If_Match='"9"'), 412)
    assert world.post(URL, NIGHTS, If_Match='"1"').status_code == 201


def test_a_backfill_that_was_not_answered_in_time_is_looked_up(world: World) -> None:
    """The figures are at the address of the 202."""
    world.add(NIGHTLY)
    world.executor.silent = True

    response = world.post(URL, NIGHTS)

    assert response.status_code == 202
    found = json_of(world.get(response.headers["Location"]))
    assert found["facts"] == {"slots": 3, "backfilled": 3, "recorded": 0}


def test_the_beginning_of_time_is_no_failure(world: World) -> None:
    """A yearly job has hundreds of slots since then, each counted."""
    world.add(NIGHTLY, schedule="0 0 1 1 *")

    assert plan(world, **{"from": "1900-01-01T00:00:00Z"})["total"] == 127
    response = world.post(URL, {**NIGHTS, "from": "0001-01-01T00:00:00Z", "dry_run": True})
    assert "from" in faults_of(response, 422)


def test_a_dry_run_for_a_finished_job_reaches_its_last_fire_time(world: World) -> None:
    """Its schedule has none left for the regular way, as the executor knows."""
    schedule = schedule_from_document("R1/2026-11-28T02:30:00Z/P1D")
    plain = definition_from_document({**PLAIN, "name": "nightly"})
    world.put_job("nightly", definition=replace(plain, schedule=schedule))

    assert [slot["fire_at"] for slot in plan(world)["slots"]] == [
        "2026-11-28T02:30:00Z",
        "2026-11-29T02:30:00Z",
    ]
