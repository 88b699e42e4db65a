"""The face of Kala where a running service cannot be brought to: races, silence, rights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from executor.domain.command import CommandKind
from executor.domain.errors import BrokerUnavailable, NoExecutor
from executor.domain.faces import Face
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import RunChange, RunState
from executor.ports.store import RunFilter
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import NIGHTLY, World, json_of, problem_of
from web.app import create_app
from web.compat.kala_changes import LONGEST_S

FAR = "R/2099-01-01T00:00:00Z/P1D"


def create(world: World, slash: str = "/", **job: Any) -> TestResponse:
    document = {"name": "job", "command": "true", "schedule": FAR, **job}
    return world.post(f"/api/v1/job{slash}", document)


def created(world: World, **job: Any) -> str:
    """Return the id of a new job."""
    response = create(world, **job)
    assert response.status_code == 201, response.text
    return str(json_of(response)["id"])


def own(job_id: str) -> str:
    """Return the id that the store knows."""
    return job_id.replace("-", "")


def error_of(response: TestResponse, status: int) -> str:
    """Return the text of a refusal in Kala's form."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/json;charset=UTF-8"
    [(name, text)] = json_of(response).items()
    assert name == "error"
    assert isinstance(text, str)
    return text


def sent(world: World) -> list[CommandKind]:
    """Return what the executor was asked for."""
    return [command.kind for command in world.executor.received]


# Making -----------------------------------------------------------------------------------


def test_the_first_run_is_asked_for_together_with_the_job(world: World) -> None:
    """By its id: should the job be refused, nothing else is run."""
    job_id = created(world, schedule="")

    made, first = world.executor.received
    assert (made.kind, first.kind) == (CommandKind.CREATE_JOB, CommandKind.TRIGGER_JOB)
    assert first.subject == own(job_id)


@pytest.mark.parametrize(("resume", "misfire"), [(True, ("skip", "PT1H")), (False, ("once", None))])
def test_missed_runs_are_made_up_for_or_not(
    world: World, resume: bool, misfire: tuple[str, str | None]
) -> None:
    """By one, however late; or the next scheduled time is waited for."""
    job_id = created(world, resume_at_next_scheduled_time=resume)

    policy = json_of(world.get(f"/v1/jobs/{own(job_id)}"))["misfire"]
    assert (policy["policy"], policy["deadline"]) == misfire
    job = json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]
    assert job["resume_at_next_scheduled_time"] is resume


@pytest.mark.parametrize(
    "job", [{"schedule": FAR}, {"schedule": "", "disabled": True}, {"parent_jobs": ["a"]}]
)
def test_nothing_else_is_run_at_once(world: World, job: dict[str, Any]) -> None:
    """Not what has a schedule or parents, nor what is disabled."""
    created(world, **job)

    assert sent(world) == [CommandKind.CREATE_JOB]


def test_a_template_knows_what_changes_by_edits_alone(world: World) -> None:
    """It is put in when the job is saved, and shown as it was written."""
    fields = "Type Disabled OnFailureJob RemoteProperties.Url RemoteProperties.Method"
    text = " ".join(f"{{{{.{field}}}}}" for field in fields.split())
    handler = created(world, name="handler", schedule=FAR)
    remote = {"url": "http://a/", "method": "put", "body": text}
    job_id = created(
        world,
        type=1,
        command="",
        schedule=FAR,
        on_failure_job=handler,
        remote_properties=remote,
        TemplateDelimiters="{{ }}",
    )

    target = json_of(world.get(f"/v1/jobs/{own(job_id)}"))["target"]
    assert target["body"] == f"1 false {handler} http://a/ PUT"
    shown = json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]
    assert shown["remote_properties"]["body"] == text


def test_a_taken_name_gets_a_piece_of_the_id(world: World) -> None:
    """Also one that is taken by a job from another door."""
    world.add(NIGHTLY)

    job_id = created(world, name="nightly")

    assert world.store.find_job(own(job_id)).name == f"nightly-{own(job_id)[:8]}"
    assert json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]["name"] == "nightly"


def test_a_job_whose_creation_was_not_answered_has_its_id(world: World) -> None:
    """202: it is made, or will be; whoever asks for it finds it."""
    world.executor.silent = True

    response = create(world)

    assert response.status_code == 202
    assert world.get(f"/api/v1/job/{json_of(response)['id']}/").status_code == 200


@pytest.mark.parametrize("verb", ["start", "disable", "delete"])
def test_a_change_that_was_not_answered_is_202(world: World, verb: str) -> None:
    """It is not said to be made."""
    job_id = created(world)
    world.executor.silent = True

    if verb == "delete":
        response = world.send("DELETE", f"/api/v1/job/{job_id}/")
    else:
        response = world.post(f"/api/v1/job/{verb}/{job_id}/")

    assert "will be made" in error_of(response, 202)


@pytest.mark.parametrize("away", [NoExecutor("nobody executes"), BrokerUnavailable("no broker")])
def test_without_an_executor_nothing_is_changed(
    world: World, away: NoExecutor | BrokerUnavailable
) -> None:
    """503 with Retry-After, and the reason."""
    world.executor.away = away

    response = create(world)

    assert error_of(response, 503) == str(away)
    assert "Retry-After" in response.headers


def test_without_a_store_nothing_is_read(world: World) -> None:
    """503 in Kala's form too."""
    world.store.down = True

    assert error_of(world.get("/api/v1/job/"), 503)


def test_programs_that_are_not_permitted_are_refused() -> None:
    """Commands are switched off for this face as for all others."""
    world = World(permitted=PermittedTargets(PermittedPrograms(CommandsMode.OFF)))

    assert error_of(create(world), 400).startswith("command: ")
    assert sent(world) == []


def test_a_body_that_is_too_long_is_refused() -> None:
    """413, and how long it may be."""
    assert "1,000 bytes" in error_of(create(World(max_body=1_000), name="x" * 2_000), 413)


# Changing ---------------------------------------------------------------------------------


def test_a_change_that_was_overtaken_is_made_again(world: World) -> None:
    """Nobody's change is lost."""
    job_id = created(world)

    def another() -> None:
        world.executor.before = lambda: None
        world.send("PATCH", f"/v1/jobs/{own(job_id)}", {"owner": "somebody"})

    world.executor.before = another

    assert world.post(f"/api/v1/job/disable/{job_id}/").status_code == 204
    job = json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]
    assert (job["disabled"], job["owner"]) == (True, "somebody")


def test_what_is_so_already_is_not_changed(world: World) -> None:
    """No revision without a reason."""
    job_id = created(world)

    assert world.post(f"/api/v1/job/enable/{job_id}/").status_code == 204

    assert sent(world) == [CommandKind.CREATE_JOB]


def test_a_job_that_cannot_be_read_is_left_out_of_the_list(world: World) -> None:
    """Alone it is a conflict that says what to do."""
    job_id = created(world)
    world.store.break_job(own(job_id))

    assert json_of(world.get("/api/v1/job/")) == {"jobs": {}}
    assert "replace or delete it" in error_of(world.get(f"/api/v1/job/{job_id}/"), 409)


# Starting ---------------------------------------------------------------------------------


def finish(world: World, **facts: Any) -> None:
    """Let the newest run end."""
    page = world.store.list_runs(RunFilter(), 10, None)
    [run, *_] = [one for one in page.items if one.is_live]
    now = world.clock.now()
    change = RunChange(run_id=run.id, term=run.term, state=RunState.SUCCEEDED, finished_at=now)
    world.store.change_runs([replace(change, started_at=now, **facts)])


def test_a_start_waits_for_the_end_of_the_run(world: World) -> None:
    """It looks again and again, ever more rarely, and takes a place meanwhile."""
    job_id = created(world)
    world.followers.plan.extend([lambda: None, lambda: None, lambda: finish(world)])

    assert world.post(f"/api/v1/job/start/{job_id}/").status_code == 204

    assert len(world.followers.rests) == 3
    assert world.followers.rests == sorted(world.followers.rests)


def test_a_start_does_not_wait_for_ever(world: World) -> None:
    """Routers would not; the run goes on."""
    job_id = created(world)

    assert world.post(f"/api/v1/job/start/{job_id}/").status_code == 204

    assert LONGEST_S <= sum(world.followers.rests) < LONGEST_S + 2
    assert json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]["stats"] is None


def test_a_start_does_not_wait_where_too_many_do(world: World) -> None:
    """Others have to be served."""
    job_id = created(world)
    places = [world.followers.take_place() for _ in range(world.followers.places)]

    assert world.post(f"/api/v1/job/start/{job_id}/").status_code == 204

    assert world.followers.rests == []
    for place in places:
        assert place is not None
        place.close()


def test_a_start_waits_while_the_store_is_silent(world: World) -> None:
    """What it does not say is not over."""
    job_id = created(world)

    def fall() -> None:
        world.store.down = True

    def rise() -> None:
        world.store.down = False
        finish(world)

    world.followers.plan.extend([fall, lambda: None, rise])

    assert world.post(f"/api/v1/job/start/{job_id}/").status_code == 204
    assert len(world.followers.rests) == 3


# Who may ----------------------------------------------------------------------------------


def test_refusals_at_the_gate_are_in_kalas_form() -> None:
    """With the challenge that programs read."""
    world = GuardedWorld()

    response = world.ask(None, "GET", "/api/v1/job/")

    assert "Authorization: Bearer" in error_of(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "runs:read" in error_of(world.ask(world.token("jobs:read"), "GET", "/api/v1/job/"), 403)


def test_whoever_is_narrowed_to_a_tag_makes_jobs_that_carry_it() -> None:
    """Kala's clients cannot say it; all other jobs are not there for him."""
    world = GuardedWorld()
    token = world.token("jobs:write#a", "runs:read#a")
    theirs = world.ask(
        ADMIN, "POST", "/api/v1/job/", {"name": "x", "command": "y", "schedule": FAR}
    )
    theirs_id = json_of(theirs)["id"]

    made = world.ask(token, "POST", "/api/v1/job/", {"name": "j", "command": "y", "schedule": FAR})

    assert made.status_code == 201, made.text
    assert set(json_of(world.ask(token, "GET", "/api/v1/job/"))["jobs"]) == {json_of(made)["id"]}
    assert error_of(world.ask(token, "GET", f"/api/v1/job/{theirs_id}/"), 404)


def test_a_page_of_another_site_is_refused(world: World) -> None:
    """Though any Content-Type is taken here."""
    response = world.client.post(
        "/api/v1/job/", data='{"name": "a"}', headers={"Origin": "https://evil.example"}
    )

    assert "another site" in error_of(response, 403)


# The switch -------------------------------------------------------------------------------


def test_a_face_that_is_switched_off_is_not_there(world: World) -> None:
    """Its paths lead nowhere, its routes are not described, and refusals are the service's."""
    services = replace(world.services, faces=())
    client = create_app(services).test_client()

    problem_of(client.get("/api/v1/job/"), 404)
    assert not any("/api/" in path for path in json_of(client.get("/openapi.json"))["paths"])


@pytest.mark.parametrize("face", Face)
def test_a_face_alone_can_be_switched_on(world: World, face: Face) -> None:
    """The others stay off."""
    paths = {
        Face.KALA: "/api/v1/job/",
        Face.SIMPLE_SCHEDULER: "/api/jobs",
        Face.HA_JOBS: "/jobs",
    }
    client = create_app(replace(world.services, faces=(face,))).test_client()

    found = {one for one, path in paths.items() if client.get(path).status_code == 200}

    assert found == {face}


def test_nothing_is_told_of_the_process_itself(world: World) -> None:
    """Where Kala, asked to, shows its profile."""
    problem_of(world.get("/debug/pprof/"), 404)
