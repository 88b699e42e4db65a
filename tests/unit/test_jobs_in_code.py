"""Jobs that code declares: when they are made and changed, and what survives that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.declared import CodeOrigin, Declaration, Declarations, in_order
from executor.domain.job import Job
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import RunState
from executor.engine.effects import ReadDeclarations
from executor.engine.events import DeclarationsRead
from executor.engine.store_requests import WriteJobs
from tests.builders import a_command, a_job, at, create, every, update
from tests.unit.desk_driver import Driver, with_jobs

MODULE = "reports.jobs"
TARGET = {"kind": "python", "callable": "reports.jobs:backup"}


#: What the operator permits.
PERMITTED = PermittedTargets(PermittedPrograms(modules=(MODULE,)))


def declared(name: str = "backup", module: str = MODULE, **fields: Any) -> Declaration:
    document = {"name": name, "target": TARGET, "schedule": every(10), **fields}
    return Declaration(module=module, name=name, document=document)


def executing(*jobs: Job) -> Driver:
    """Return a driver whose engine executes and has asked what the code declares."""
    driver = Driver(with_jobs(*jobs), permitted=PERMITTED, code=True)
    driver.take_over()
    return driver


def restarted(driver: Driver) -> Driver:
    """Return the executor that takes over from *driver*, and asks as well."""
    successor = Driver(
        driver.store,
        f"after {driver.instance}",
        permitted=PERMITTED,
        code=True,
    )
    successor.take_over()
    return successor


def tell(driver: Driver, *jobs: Declaration, **failures: str) -> None:
    """Answer what the code declares, and wait until that is written."""
    (request,) = driver.wanted(ReadDeclarations)
    read = Declarations(jobs=jobs, failures=failures)
    driver.tell(DeclarationsRead(request, read))
    driver.advance(0.1)


def detail(driver: Driver) -> str:
    """Return what is said of the executor in the list of instances."""
    driver.advance(6)
    (instance,) = driver.store.list_instances()
    return instance.detail


def test_what_the_code_declares_is_made_and_runs() -> None:
    """As by a PUT: revision 1, a first slot in the future, and it says where it comes from."""
    driver = executing()

    tell(driver, declared())
    job = driver.job()

    assert (job.revision, job.next_fire_at) == (1, at(10))
    assert job.code == CodeOrigin(module=MODULE, digest=declared().digest)
    assert job.last_command is not None
    assert job.last_command.kind is CommandKind.DECLARE_JOB
    driver.advance(10)
    assert [run.job for run in driver.handed_off] == ["backup"]


def test_the_same_declaration_writes_nothing() -> None:
    """However many executors come and go: one revision."""
    driver = executing()
    tell(driver, declared())
    for _ in range(3):
        driver = restarted(driver)
        tell(driver, declared())
        assert driver.called(WriteJobs) == []

    assert driver.job().revision == 1


def test_changes_through_the_api_survive_until_the_code_changes() -> None:
    """Then the code's definition counts as a whole; the former one is a revision."""
    driver = executing()
    tell(driver, declared())
    driver.ask(update(target=TARGET, schedule=every(20), owner="ops"))
    driver = restarted(driver)
    tell(driver, declared())
    assert (driver.job().definition.owner, driver.job().revision) == ("ops", 2)

    driver = restarted(driver)
    tell(driver, declared(description="new"))

    job = driver.job()
    assert (job.definition.owner, job.definition.description, job.revision) == ("", "new", 3)
    assert driver.store.get_revision(job.id, 2).definition.owner == "ops"


def test_a_pause_and_a_switch_survive_a_change_of_the_code() -> None:
    """Nobody's stop is undone by a change of something else; only by saying so."""
    driver = executing()
    tell(driver, declared())
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", arguments={"reason": "broken"}))
    driver.ask(update(target=TARGET, schedule=every(10), enabled=False))
    driver = restarted(driver)
    tell(driver, declared(description="new"))

    job = driver.job()
    assert job.definition.description == "new"
    assert job.paused is not None
    assert not job.definition.enabled
    driver = restarted(driver)
    tell(driver, declared(enabled=True))
    assert driver.job().definition.enabled


def test_what_is_not_in_the_code_any_more_stays_and_says_so() -> None:
    """It goes on running; a declaration of it later takes it up again."""
    driver = executing()
    tell(driver, declared())
    driver = restarted(driver)
    tell(driver)

    assert driver.job().code == replace(declared().origin, present=False)
    (facts,) = driver.noted("job_not_in_code")
    assert (facts["job"], facts["module"]) == ("backup", MODULE)
    driver = restarted(driver)
    tell(driver)
    assert driver.called(WriteJobs) == []
    driver = restarted(driver)
    tell(driver, declared())
    assert driver.job().code == declared().origin


def test_jobs_of_a_module_that_cannot_be_imported_are_left_alone() -> None:
    """Nobody knows of them; the error is in the log and in the list of instances."""
    driver = executing()
    tell(driver, declared())
    driver = restarted(driver)
    tell(driver, **{MODULE: "SyntaxError: invalid syntax"})

    assert driver.job().code == declared().origin
    (facts,) = driver.noted("code_refused")
    assert (facts["subject"], facts["error"]) == (f"module {MODULE}", "SyntaxError: invalid syntax")
    words = f"jobs in code: module {MODULE}: SyntaxError: invalid syntax"
    assert words in {one.detail for one in driver.store.list_instances()} or words in detail(driver)


def test_one_faulty_declaration_stops_no_other() -> None:
    """Each refusal names its job and the field."""
    driver = executing()

    tell(
        driver,
        declared("odd", shcedule="* * * * *"),
        declared("foreign", target={"kind": "python", "callable": "os:system"}),
        declared("sound"),
    )

    assert {facts["subject"] for facts in driver.noted("code_refused")} == {
        "job odd",
        "job foreign",
    }
    assert driver.job("sound").revision == 1
    assert "shcedule: unknown field" in detail(driver)


def test_a_job_of_somebody_else_is_not_taken_over() -> None:
    """Unless it calls the very function: then it was that job before."""
    driver = executing(a_job())
    tell(driver, declared())
    assert driver.job().code is None
    (facts,) = driver.noted("code_refused")
    assert "a job named 'backup' exists that was not made by this code" in str(facts["error"])

    driver = executing(a_job(target=TARGET))
    tell(driver, declared(description="mine"))
    assert driver.job().code == declared(description="mine").origin
    assert driver.job().definition.description == "mine"


def test_a_name_that_is_declared_twice_is_the_first_ones() -> None:
    """The second one is named, with both modules."""
    driver = executing()

    tell(driver, declared(), declared(module="other.jobs"))

    assert driver.job().code == declared().origin
    (facts,) = driver.noted("code_refused")
    assert facts["error"] == "declared in other.jobs and in reports.jobs"


def test_jobs_that_name_each_other_may_stand_in_any_order() -> None:
    """Each is saved after those that it names; a circle is refused as ever."""
    first = declared("last", after={"jobs": ["middle"]}, schedule=None)
    second = declared("middle", on_failure="handler")
    third = declared("handler", schedule=None)
    driver = executing()

    tell(driver, first, second, third)

    assert driver.noted("code_refused") == []
    assert {job.name for job in map(driver.job, ("last", "middle", "handler"))} == {
        "last",
        "middle",
        "handler",
    }
    circle = {name: declared(name, on_failure=other) for name, other in ("ab", "ba")}
    assert sorted(one.name for one in in_order(circle)) == ["a", "b"]


WORKS = {"name": "works", "dates": []}
OPS = {"kind": "webhook", "url": "https://example.com/"}


@pytest.mark.parametrize(
    ("fields", "put"),
    [
        (
            {"target": {**TARGET, "arguments": {"key": "{{ secret.TOKEN }}"}}},
            a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=f"v1:0123abcd:{'A' * 44}"),
        ),
        (
            {"calendars": [{"name": "works"}]},
            a_command(CommandKind.PUT_CALENDAR, "works", calendar=WORKS),
        ),
        (
            {"notify": [{"channel": "ops"}]},
            a_command(CommandKind.PUT_CHANNEL, "ops", channel=OPS),
        ),
    ],
)
def test_what_lacked_something_is_made_once_that_is_there(
    fields: dict[str, Any], put: Command
) -> None:
    """With the jobs that come after it; nobody has to restart anything."""
    driver = executing()
    tell(driver, declared(**fields), declared("next", after={"jobs": ["backup"]}, schedule=None))
    assert len(driver.noted("code_refused")) == 2
    assert driver.store.count().jobs == 0
    assert "jobs in code" in detail(driver)

    assert driver.ask(put).status is ResultStatus.CREATED
    driver.advance(0.1)

    assert (driver.job().revision, driver.job("next").revision) == (1, 1)
    assert detail(driver) == ""


def test_what_still_lacks_something_is_not_complained_about_again() -> None:
    """Another secret is put: the log says once what is wrong."""
    driver = executing()
    tell(driver, declared(target={**TARGET, "arguments": {"key": "{{ secret.TOKEN }}"}}))

    sealed = f"v1:0123abcd:{'A' * 44}"
    for name in ("OTHER", "OTHER", "MORE"):
        driver.ask(a_command(CommandKind.PUT_SECRET, name, sealed=sealed))
    driver.advance(0.1)

    assert len(driver.noted("code_refused")) == 1
    assert "TOKEN" in detail(driver)


def test_what_was_deleted_meanwhile_is_not_made_again_by_a_secret() -> None:
    """Only what was refused is given once more."""
    driver = executing()
    tell(driver, declared())
    driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))

    driver.ask(a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=f"v1:0123abcd:{'A' * 44}"))
    driver.advance(0.1)

    assert driver.store.count().jobs == 0


def test_a_start_that_lies_in_the_past_is_no_fault_in_code() -> None:
    """It lay ahead when the code was written; slots are those that follow."""
    driver = executing()

    tell(driver, declared(schedule="R/2020-01-01T00:00:00Z/PT1M"))

    assert driver.noted("code_refused") == []
    assert driver.job().next_fire_at == at(60)


def test_commands_that_were_dropped_with_the_token_are_given_again() -> None:
    """The term stands, so the declarations are brought into line all the same, once."""
    driver = executing()
    driver.hold(WriteJobs)
    (request,) = driver.wanted(ReadDeclarations)
    driver.tell(DeclarationsRead(request, Declarations(jobs=(declared(),), failures={})))

    driver.lose_token()
    driver.release()
    driver.advance(1)

    assert driver.job().revision == 1
    assert driver.noted("code_refused") == []


def test_a_late_answer_to_a_former_term_does_nothing() -> None:
    """Whoever executes now has asked for himself."""
    driver = executing()
    (request,) = driver.wanted(ReadDeclarations)
    driver = restarted(driver)

    driver.tell(DeclarationsRead(request, Declarations(jobs=(declared(),), failures={})))
    driver.advance(1)

    assert driver.called(WriteJobs) == []


def test_an_executor_without_code_asks_nothing() -> None:
    """As in all other tests."""
    driver = Driver(with_jobs())
    driver.take_over()
    assert driver.wanted(ReadDeclarations) == []


@pytest.mark.parametrize("state", [RunState.SUCCEEDED])
def test_other_commands_go_on_beside_them(state: RunState) -> None:
    """A job made through the API at the same time is made as well."""
    driver = executing()
    (request,) = driver.wanted(ReadDeclarations)
    driver.hold(WriteJobs)
    driver.tell(DeclarationsRead(request, Declarations(jobs=(declared(),), failures={})))
    (tag,) = driver.send(create("other"))
    driver.release()
    driver.advance(0.5)

    assert driver.answers[tag].job_id == driver.job("other").id
    assert driver.job().code is not None
    assert list(driver.answers) == [tag]
