"""Python jobs over HTTP: what may be named, and what is shown of those that code declares."""

from __future__ import annotations

import pytest

from executor.domain.declared import CodeOrigin
from executor.domain.job import definition_from_document
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from tests.web.world import World, faults_of, json_of

TARGET = {"kind": "python", "callable": "reports.jobs:nightly", "arguments": {"region": "eu"}}
JOB = {"name": "nightly", "target": TARGET}


@pytest.fixture
def world() -> World:
    """Return a web process whose operator permits one module."""
    return World(permitted=PermittedTargets(PermittedPrograms(modules=("reports.jobs",))))


def test_a_function_of_a_permitted_module_makes_a_job(world: World) -> None:
    """Its document comes back in full."""
    answer = world.post("/v1/jobs", JOB)

    assert answer.status_code == 201
    assert json_of(answer)["target"] == {
        **TARGET,
        "limits": {"cpu": None, "memory": None, "processes": None, "output": None},
        "user": None,
        "umask": None,
    }
    assert json_of(answer)["managed_by"] == "api"


def test_no_other_module_can_be_named(world: World) -> None:
    """422 for POST, PUT and PATCH: running whatever can be imported would be running anything."""
    other = {**JOB, "target": {**TARGET, "callable": "os:system"}}
    world.post("/v1/jobs", JOB)

    posted = faults_of(world.post("/v1/jobs", other), 422)
    put = faults_of(world.send("PUT", "/v1/jobs/nightly", other), 422)
    patch = {"target": {"callable": "reports.other:nightly"}}
    patched = faults_of(world.send("PATCH", "/v1/jobs/nightly", patch), 422)

    for faults in (posted, put, patched):
        assert list(faults) == ["target.callable"]
        assert "SOLOCRON_JOBS" in faults["target.callable"]


def test_without_modules_there_are_no_python_jobs() -> None:
    """The refusal says which setting is missing."""
    faults = faults_of(World().post("/v1/jobs", JOB), 422)

    assert "SOLOCRON_JOBS is not set" in faults["target.callable"]


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("callable", "reports.jobs", "write package.module:function"),
        ("callable", "reports.jobs:a.b", "write package.module:function"),
        ("callable", "reports jobs:a", "write package.module:function"),
        ("arguments", {"a b": 1}, "cannot be the name of an argument"),
        ("arguments", {"a": "{{ nothing }}"}, "which does not exist"),
        ("arguments", {"a": ["x" * 70_000]}, "longer than 65,536 characters"),
        ("arguments", {"a": 2**64}, "more than 64 bits"),
        ("arguments", [1], "has to be an object"),
        ("cwd", "/tmp", "unknown field"),
    ],
)
def test_what_is_wrong_with_a_target_is_named(
    world: World, field: str, value: object, fault: str
) -> None:
    """With the field and the fix."""
    answer = world.post("/v1/jobs", {**JOB, "target": {**TARGET, field: value}})

    faults = faults_of(answer, 422)
    assert list(faults) == [f"target.{field}"]
    assert fault in faults[f"target.{field}"]


def test_a_job_says_that_it_comes_from_code_and_whether_it_is_still_there(world: World) -> None:
    """What GET shows may be PUT back."""
    definition = definition_from_document(JOB)
    world.put_job(
        "nightly", definition=definition, code=CodeOrigin(module="reports.jobs", digest="")
    )
    gone = CodeOrigin(module="reports.jobs", digest="", present=False)
    other = definition_from_document({**JOB, "name": "other"})
    world.put_job("other", definition=other, code=gone)

    shown = json_of(world.get("/v1/jobs/nightly"))

    assert (shown["managed_by"], shown["in_code"]) == ("code", True)
    assert json_of(world.get("/v1/jobs/other"))["in_code"] is False
    assert world.send("PUT", "/v1/jobs/nightly", shown).status_code == 200


def test_a_continuous_job_is_shown_without_fire_times(world: World) -> None:
    """It is neither done nor due; a preview and an explanation say what it is."""
    schedule = {"kind": "continuous"}
    shown = json_of(world.post("/v1/jobs", {**JOB, "schedule": schedule}))

    assert (shown["done"], shown["next_fire_at"], shown["timeout"]) == (False, None, "P36525D")
    assert shown["schedule"] == {**schedule, "delay": "PT1S", "max_delay": "PT1M", "engine": 1}
    assert json_of(world.get("/v1/jobs/nightly/upcoming"))["items"] == []
    preview = json_of(world.post("/v1/schedules/preview", {"schedule": schedule}))
    assert preview == {
        "description": "For ever: started again PT1S after it ends",
        "fire_times": [],
        "warnings": [],
    }
    at = world.later(minutes=1).isoformat().replace("+00:00", "Z")
    told = json_of(world.get(f"/v1/jobs/nightly/explain?at={at}"))
    assert "continuous: it has no fire times" in told["sentence"]
    assert world.get("/").status_code == 200
