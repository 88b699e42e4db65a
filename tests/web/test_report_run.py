"""POST /v1/runs/{run}/status: a service calls back about a run that it goes on with."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from executor.domain.callback import token_for
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import Reason, RunState
from tests.web.world import INSTANCE, World, json_of, problem_of


def token(world: World, run_id: str = "r1") -> str:
    """Return the token that comes with a run's request."""
    return token_for(world.store.callback_key(), run_id)


def tell(world: World, document: Any, run_id: str = "r1") -> TestResponse:
    """Report about a run as whoever was given it."""
    return world.post(f"/v1/runs/{run_id}/status", document, X_Solocron_Token=token(world, run_id))


@pytest.fixture
def going_on(world: World) -> World:
    """Return a world with a run that was handed over."""
    world.put_job("plain")
    world.put_run("r1", state=RunState.RUNNING, remote=True, finished_at=None)
    return world


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ("running", RunState.RUNNING, None),
        ("succeeded", RunState.SUCCEEDED, None),
        ("warning", RunState.SUCCEEDED, Reason.WARNING),
        ("no_action_needed", RunState.SUCCEEDED, Reason.NO_ACTION_NEEDED),
        ("skipped", RunState.SUCCEEDED, Reason.SKIPPED),
        ("failed", RunState.FAILED, None),
        ("cancelled", RunState.CANCELLED, None),
    ],
)
def test_every_state_is_reported_in_words(
    going_on: World, said: str, state: RunState, reason: Reason | None
) -> None:
    """200 carries the run as it is now."""
    response = tell(going_on, {"state": said})

    run = json_of(response)
    assert response.status_code == 200
    assert (run["state"], run["reason"], run["remote"]) == (state, reason, True)


def test_details_progress_and_error_are_shown_with_the_run(going_on: World) -> None:
    """Progress stands among the details; whatever was told before is replaced."""
    progress = {"done": 3, "total": 10, "message": "third file"}
    document = {"state": "failed", "details": {"a": 1}, "progress": progress, "error": "disk full"}

    run = json_of(tell(going_on, document))

    assert run["details"] == {"a": 1, "progress": progress}
    assert run["error"] == "disk full"


def test_an_empty_report_is_a_sign_of_life(going_on: World) -> None:
    """Nothing is told but that it goes on."""
    assert json_of(tell(going_on, {}))["state"] == "running"
    (asked,) = going_on.executor.received
    assert asked.arguments == {"status": None, "details": None, "error": None, "reason": None}


def test_the_token_may_come_as_a_bearer(going_on: World) -> None:
    """Many a client knows how to send that."""
    authorization = f"Bearer {token(going_on)}"

    response = going_on.post(
        "/v1/runs/r1/status", {"state": "succeeded"}, Authorization=authorization
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Solocron_Token": "guessed"},
        {"X_Solocron_Token": "\xe4"},
        {"Authorization": "Bearer guessed"},
        {"Authorization": "Basic Zm9vOmJhcg=="},
    ],
)
def test_whoever_was_not_given_the_run_is_refused(going_on: World, headers: dict[str, str]) -> None:
    """401 before anybody is asked, whether there is such a run or not, and whatever is told."""
    for run_id in ("r1", "r9"):
        response = going_on.post(f"/v1/runs/{run_id}/status", {"state": 7}, **headers)
        assert problem_of(response, 401)["status"] == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"

    assert going_on.executor.received == []


def test_the_token_of_another_run_is_refused(going_on: World) -> None:
    """It is good for its own run only."""
    response = going_on.post(
        "/v1/runs/r1/status", {"state": "failed"}, X_Solocron_Token=token(going_on, "r2")
    )

    problem_of(response, 401)


def test_a_run_that_is_gone_is_not_found(world: World) -> None:
    """404 to whoever was given it once."""
    problem_of(tell(world, {"state": "succeeded"}), 404)


def test_another_end_than_the_recorded_one_is_refused(going_on: World) -> None:
    """409: the first one counts."""
    tell(going_on, {"state": "succeeded"})

    assert "is over" in problem_of(tell(going_on, {"state": "failed"}), 409)["detail"]
    problem_of(tell(going_on, {"state": "running"}), 409)
    problem_of(tell(going_on, {}), 409)
    problem_of(tell(going_on, {"state": "warning"}), 409)


def test_the_same_end_again_is_answered_alike(going_on: World) -> None:
    """So a service may repeat a call of which it got no answer."""
    first = tell(going_on, {"state": "warning"})

    again = tell(going_on, {"state": "warning"})

    assert again.status_code == 200
    assert json_of(again) == json_of(first)


#: What a job with two secrets in its request may repeat.
REPEATED = {
    "state": "running",
    "details": {"horse": ["correct horse"], "correct horse": 1, "n": 7, "other": "battery staple"},
    "progress": {"done": 1, "message": "half of correct%20horse"},
    "error": "died of correct horse",
}


def put_secret(world: World, name: str, value: str) -> None:
    """Put a secret."""
    assert world.send("PUT", f"/v1/secrets/{name}", {"value": value}).status_code in {200, 201}


def hand_over(world: World, **target: Any) -> dict[str, Any]:
    """Make a job with *target*, and a run of it that was handed over; return the job."""
    url = "https://example.com/{{ secret.TOKEN | url }}"
    job = world.add(target={"kind": "http", "callback": True, "url": url, **target})
    world.put_run(
        "r1",
        job_id=job["id"],
        revision=job["revision"],
        state=RunState.RUNNING,
        remote=True,
        finished_at=None,
    )
    return job


def assert_replaced(world: World) -> dict[str, Any]:
    """Tell it, see nothing of the secret in the command, the row and the answer; return that."""
    run = json_of(tell(world, REPEATED))
    told = [world.executor.received[-1].arguments, world.store.get_run("r1"), run]
    assert not [one for one in told if "correct" in str(one)]
    return run


def test_secrets_that_the_run_was_given_are_replaced(world: World) -> None:
    """In error, progress and details, names too; what is no secret of this job stays."""
    put_secret(world, "TOKEN", "correct horse")
    put_secret(world, "OTHER", "battery staple")
    hand_over(world)

    run = assert_replaced(world)

    assert run["error"] == "died of [secret TOKEN]"
    assert run["details"] == {
        "horse": ["[secret TOKEN]"],
        "[secret TOKEN]": 1,
        "n": 7,
        "other": "battery staple",
        "progress": {"done": 1, "total": None, "message": "half of [secret TOKEN]"},
    }


def test_the_job_as_it_was_for_the_run_counts_as_well(world: World) -> None:
    """A change of the job since, or its deletion, does not show what its request held."""
    put_secret(world, "TOKEN", "correct horse")
    job = hand_over(world)
    world.send(
        "PUT", "/v1/jobs/plain", {"name": "plain", "target": {**job["target"], "url": "http://h"}}
    )

    assert "[secret TOKEN]" in assert_replaced(world)["error"]

    world.send("DELETE", "/v1/jobs/plain")

    assert "[secret TOKEN]" in assert_replaced(world)["error"]


def test_the_key_of_a_signature_is_replaced(world: World) -> None:
    """The service has that one by other ways."""
    put_secret(world, "TOKEN", "correct horse")
    hand_over(world, url="https://example.com/", sign={"secret": "TOKEN"})

    assert "[secret TOKEN]" in assert_replaced(world)["error"]


def test_what_cannot_be_cleared_is_not_kept(world: World) -> None:
    """The secret is gone: how the run stands counts, and its error says what is missing."""
    put_secret(world, "TOKEN", "correct horse")
    hand_over(world)
    world.send("DELETE", "/v1/secrets/TOKEN")

    run = assert_replaced(world)

    assert run["state"] == "running"
    assert run["details"] == {}
    assert "there is no secret 'TOKEN'" in run["error"]


def test_a_report_without_words_needs_no_secrets(world: World) -> None:
    """A sign of life costs no look at them."""
    hand_over(world)

    assert json_of(tell(world, {"state": "running"}))["error"] is None


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"state": "done"}, "state"),
        ({"status": "running"}, "status"),
        ({"details": [1]}, "details"),
        ({"details": {"long": "x" * 70_000}}, "details"),
        ({"progress": {"total": 3}}, "progress.done"),
        ({"progress": {"done": -1}}, "progress.done"),
        ({"error": "x" * 10_001}, "error"),
    ],
)
def test_what_makes_no_sense_is_refused(
    going_on: World, document: dict[str, Any], field: str
) -> None:
    """422 names the field."""
    problem = problem_of(tell(going_on, document), 422)

    assert [error["field"] for error in problem["errors"]] == [field]
    assert going_on.executor.received == []


def test_a_job_that_counts_on_call_backs_needs_a_place_to_call() -> None:
    """422 says which setting is missing."""
    world = World(permitted=PermittedTargets(call_backs=False))
    target = {"kind": "http", "url": "https://example.com/", "callback": True}

    problem = problem_of(world.post("/v1/jobs", {"name": "long", "target": target}), 422)

    (error,) = problem["errors"]
    assert error["field"] == "target.callback"
    assert "SOLOCRON_URL" in error["message"]


def test_status_counts_the_reports_of_the_present_term(world: World) -> None:
    """As of the executor's latest heartbeat; null while nobody executes."""
    assert json_of(world.get("/v1/status"))["reports"] is None
    world.clear()
    world.beat(INSTANCE, "executing", reports={"applied": 3, "illegal": 1})

    assert json_of(world.get("/v1/status"))["reports"] == {"applied": 3, "late": 0, "illegal": 1}
