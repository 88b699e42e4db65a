"""The keys of watched jobs: made when a job is saved, kept through changes, replaced on request."""

from __future__ import annotations

from typing import Any

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.watch import new_key
from tests.builders import a_command, a_document
from tests.unit.desk_driver import Driver, executing

WATCHED: dict[str, Any] = {"target": {"kind": "watched"}}


def save(driver: Driver, kind: CommandKind, nonce: str, **fields: Any) -> None:
    """Have the job saved."""
    answer = driver.ask(a_command(kind, "backup", definition=a_document(**fields), nonce=nonce))
    assert answer.status in {ResultStatus.CREATED, ResultStatus.DONE}


def test_a_watched_job_has_a_key_from_the_first() -> None:
    """It follows from what the sender drew and nobody else knows."""
    driver = executing()

    save(driver, CommandKind.CREATE_JOB, "drawn", **WATCHED)

    job = driver.job()
    assert job.ping_key == new_key("drawn", job.id)
    assert job.ping_key not in repr(job)


def test_a_job_that_is_run_here_needs_no_key() -> None:
    """It gets one when it is watched, and keeps it whatever it becomes."""
    driver = executing()
    save(driver, CommandKind.CREATE_JOB, "first")
    without = driver.job().ping_key
    save(driver, CommandKind.UPDATE_JOB, "second", **WATCHED)
    key = driver.job().ping_key

    changes: list[dict[str, Any]] = [{}, WATCHED, {**WATCHED, "description": "new"}]
    for fields in changes:
        save(driver, CommandKind.PUT_JOB, "third", **fields)
        assert driver.job().ping_key == key
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))

    assert (without, key) == ("", new_key("second", driver.job().id))
    assert driver.job().ping_key == key


def test_a_key_is_replaced_on_request() -> None:
    """By one that follows from another draw; the job has another revision then."""
    driver = executing()
    save(driver, CommandKind.CREATE_JOB, "first", **WATCHED)

    result = driver.ask(a_command(CommandKind.ROTATE_PING, "backup", nonce="second"))

    job = driver.job()
    assert (result.status, result.revision, job.revision) == (ResultStatus.DONE, 2, 2)
    assert job.ping_key == new_key("second", job.id)


def test_only_a_watched_job_has_a_key_to_be_replaced() -> None:
    """Nor does anything happen if the job is at another revision, or out of reach."""
    driver = executing()
    save(driver, CommandKind.CREATE_JOB, "first")
    rotate = a_command(CommandKind.ROTATE_PING, "backup", nonce="x")
    assert driver.ask(rotate).status is ResultStatus.CONFLICT

    save(driver, CommandKind.UPDATE_JOB, "second", **WATCHED)
    key = driver.job().ping_key
    refusals: list[tuple[dict[str, Any], ResultStatus]] = [
        ({"if_revision": 7}, ResultStatus.PRECONDITION_FAILED),
        ({"within": ("a",)}, ResultStatus.NOT_FOUND),
    ]
    for refused, status in refusals:
        again = a_command(CommandKind.ROTATE_PING, "backup", nonce="x", **refused)
        assert driver.ask(again).status is status
    assert driver.job().ping_key == key


def test_the_nonce_is_no_part_of_what_is_asked() -> None:
    """A request that is repeated draws again, and is the same request."""
    one, other = (a_command(CommandKind.CREATE_JOB, "a", nonce=nonce) for nonce in "xy")

    assert one.digest == other.digest
    assert "nonce" not in repr(one)
