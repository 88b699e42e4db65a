"""An instance that may not run programs takes no job that runs one."""

from dataclasses import replace

import pytest

from executor.domain.job import Job, definition_from_document
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.writes import JobWrite
from tests.web.world import PLAIN, World, faults_of, json_of

COMMAND = {"name": "backup", "target": {"kind": "command", "argv": ["/opt/backup"]}}
OTHER = {**COMMAND, "target": {"kind": "command", "command": "/opt/restore"}}


@pytest.fixture
def closed() -> World:
    """Return a web process whose operator has switched commands off."""
    return World(permitted=PermittedTargets(PermittedPrograms(CommandsMode.OFF)))


def saved_before(world: World) -> Job:
    """Let there be a command job that another instance, or another time, let through."""
    return world.put_job("backup", definition=definition_from_document(COMMAND))


def test_a_command_is_refused_with_the_field_and_the_setting(closed: World) -> None:
    """422 for POST and PUT; the executor hears nothing of it."""
    created = faults_of(closed.post("/v1/jobs", COMMAND), 422)
    put = faults_of(closed.send("PUT", "/v1/jobs/backup", OTHER), 422)

    assert "SOLOCRON_COMMANDS" in created["target.argv"]
    assert "SOLOCRON_COMMANDS" in put["target.command"]
    assert closed.executor.received == []


def test_a_request_is_taken_as_ever(closed: World) -> None:
    """The setting is about programs."""
    assert closed.post("/v1/jobs", PLAIN).status_code == 201


def test_a_job_saved_before_is_shown_and_can_be_changed_but_for_its_target(closed: World) -> None:
    """It can be read and disabled, by PATCH and by PUT; its program cannot be exchanged."""
    saved_before(closed)

    assert json_of(closed.get("/v1/jobs/backup"))["target"]["argv"] == ["/opt/backup"]
    patched = closed.send("PATCH", "/v1/jobs/backup", {"enabled": False})
    put = closed.send("PUT", "/v1/jobs/backup", {**COMMAND, "owner": "ops"})
    other = closed.send("PATCH", "/v1/jobs/backup", {"target": {"argv": ["/bin/sh"]}})

    assert (patched.status_code, put.status_code) == (200, 200)
    assert list(faults_of(other, 422)) == ["target.argv"]


def test_a_former_program_does_not_come_back_by_restoring(closed: World) -> None:
    """A revision from before is refused like a new definition."""
    former = saved_before(closed)
    closed.store.archive_jobs([former])
    request = definition_from_document({**PLAIN, "name": "backup"})
    closed.store.write_jobs([JobWrite(replace(former, definition=request, revision=2), 1)])

    refused = closed.post("/v1/jobs/backup/revisions/1/restore")

    assert list(faults_of(refused, 422)) == ["target.argv"]
