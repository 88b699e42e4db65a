"""Many changes in one request: judged together, made one by one."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.errors import NoExecutor
from executor.domain.job import definition_from_document
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from tests.web.world import NIGHTLY, PLAIN, World, faults_of, json_of


def batch(world: World, *items: dict[str, Any], dry_run: bool = False) -> list[dict[str, Any]]:
    """Send *items* and return what became of each."""
    response = world.post("/v1/batch", {"items": list(items), "dry_run": dry_run})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = json_of(response)["items"]
    return found


def names(world: World) -> list[str]:
    """Return the names of all jobs."""
    return [job["name"] for job in json_of(world.get("/v1/jobs"))["items"]]


def test_a_batch_creates_changes_and_deletes(world: World) -> None:
    """In its order; each item is answered with its revision."""
    world.add(PLAIN)
    world.add(NIGHTLY)

    answers = batch(
        world,
        {"put": {**PLAIN, "name": "new"}},
        {"put": {**PLAIN, "owner": "me"}, "revision": 1},
        {"delete": "nightly", "revision": 1},
    )

    assert [(one["name"], one["status"]) for one in answers] == [
        ("new", "created"),
        ("plain", "done"),
        ("nightly", "done"),
    ]
    assert [one["revision"] for one in answers][:2] == [1, 2]
    assert names(world) == ["new", "plain"]


def test_items_are_refused_alone(world: World) -> None:
    """A name that is taken, a revision that has passed, a job that does not exist."""
    world.add(PLAIN)

    answers = batch(
        world,
        {"put": PLAIN},
        {"put": {**PLAIN, "owner": "me"}, "revision": 7},
        {"delete": "nobody"},
        {"put": NIGHTLY},
    )

    assert [one["status"] for one in answers] == [
        "conflict",
        "precondition_failed",
        "not_found",
        "created",
    ]
    assert all(one["message"] for one in answers[:3])
    assert names(world) == ["nightly", "plain"]


def test_a_dry_run_judges_every_item_and_changes_nothing(world: World) -> None:
    """Sound ones are answered in the service's form, faulty ones with all their faults."""
    answers = batch(
        world,
        {"put": NIGHTLY},
        {"put": {"name": "a/b", "target": {"kind": "http"}, "shedule": "x"}},
        {"delete": "nobody"},
        dry_run=True,
    )

    assert [one["status"] for one in answers] == ["sound", "faulty", "sound"]
    assert answers[0]["definition"]["timeout"] == "PT1H"
    assert {fault["field"] for fault in answers[1]["errors"]} == {
        "put.name",
        "put.target.url",
        "put.shedule",
    }
    assert names(world) == []
    assert world.executor.received == []


def test_nothing_is_sent_if_one_item_is_faulty(world: World) -> None:
    """The faults say in which item they are."""
    response = world.post("/v1/batch", {"items": [{"put": NIGHTLY}, {"put": {"name": "x"}}]})

    assert "items.1.put.target" in faults_of(response, 422)
    assert world.executor.received == []


@pytest.mark.parametrize(
    "item",
    [{}, {"put": PLAIN, "delete": "x"}, {"revision": 1}],
)
def test_an_item_either_puts_or_deletes(world: World, item: dict[str, Any]) -> None:
    """One of both, and not nothing."""
    response = world.post("/v1/batch", {"items": [item]})

    assert "either `put`" in faults_of(response, 422)["items.0"]


def test_unknown_fields_and_empty_batches_are_refused(world: World) -> None:
    """A misspelt `revision` would undo what somebody else has done."""
    bodies: list[dict[str, Any]] = [
        {"items": []},
        {"items": [{"put": PLAIN, "revison": 1}]},
        {"itmes": [1]},
    ]
    for body in bodies:
        assert world.post("/v1/batch", body).status_code == 422


def test_names_that_do_not_exist_are_found_before_anything_is_sent(world: World) -> None:
    """Calendars, secrets and channels, with the field that names them."""
    document = {
        **NIGHTLY,
        "calendars": [{"name": "works"}],
        "notify": [{"channel": "ops", "on": ["failure"]}],
        "target": {**NIGHTLY["target"], "url": "https://x/{{ secret.KEY }}"},  # type: ignore[dict-item]
    }
    (answer,) = batch(world, {"put": document}, dry_run=True)

    assert [fault["field"] for fault in answer["errors"]] == [
        "put.calendars.0.name",
        "put.target.url",
        "put.notify.0.channel",
    ]


def test_programs_that_may_not_run_are_found_too() -> None:
    """Unless the job has that target already."""
    world = World(permitted=PermittedTargets(PermittedPrograms(CommandsMode.OFF)))
    document = {"name": "old", "target": {"kind": "command", "argv": ["/bin/true"]}}
    world.put_job("old", definition=definition_from_document(document))

    new, kept = batch(
        world,
        {"put": {**document, "name": "new"}},
        {"put": {**document, "owner": "me"}, "revision": 1},
        dry_run=True,
    )

    assert [fault["field"] for fault in new["errors"]] == ["put.target.argv"]
    assert kept["status"] == "sound"


def test_a_schedule_may_have_begun_and_one_that_is_over_is_a_warning(world: World) -> None:
    """What was kept in a file for a year can still be applied."""
    begun = {**PLAIN, "name": "begun", "schedule": "R/2020-01-01T00:00:00Z/PT1H"}
    over = {**PLAIN, "name": "over", "schedule": {"kind": "once", "at": "2020-01-01T00:00:00Z"}}

    answers = batch(world, {"put": begun}, {"put": over}, dry_run=True)

    assert [one["status"] for one in answers] == ["sound", "sound"]
    assert answers[0]["warnings"] == []
    assert "is over" in answers[1]["warnings"][0]
    batch(world, {"put": begun})
    assert world.executor.received[-1].arguments["begun"] is True


def test_a_repeated_batch_has_one_effect(world: World) -> None:
    """By its Idempotency-Key, each item by itself."""
    body = {"items": [{"put": PLAIN}, {"put": NIGHTLY}]}
    first = world.post("/v1/batch", body, Idempotency_Key="k")
    again = world.post("/v1/batch", body, Idempotency_Key="k")

    assert json_of(first) == json_of(again)
    assert [one["status"] for one in json_of(again)["items"]] == ["created", "created"]
    assert len({command.id for command in world.executor.received}) == 2


def test_without_an_answer_in_time_each_item_is_pending(world: World) -> None:
    """With the id under which its outcome is found."""
    world.executor.silent = True
    (answer,) = batch(world, {"put": PLAIN})

    assert answer["status"] == "pending"
    outcome = world.get(f"/v1/commands/{answer['command']}")
    assert json_of(outcome)["status"] == "created"


def test_without_an_executor_nothing_is_done(world: World) -> None:
    """503, as for every change."""
    world.executor.away = NoExecutor("no instance is executing")

    assert world.post("/v1/batch", {"items": [{"put": PLAIN}]}).status_code == 503
