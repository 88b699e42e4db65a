"""What a Python job is written with: the decorator, the context, and a test of a job."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from executor.domain.job import definition_from_document
from executor.jobs import (
    DETAILS_LIMIT,
    Cancellation,
    JobCancelled,
    JobContext,
    context_for_test,
    declaration_of,
    job,
)


@job(
    name="nightly",
    schedule="30 2 * * *",
    lock="database",
    retrigger=2,
    timeout=timedelta(minutes=90),
    overlap={"policy": "queue"},
    tags=("reports",),
    arguments={"region": "{{ job.owner }}"},
    limits={"memory": "1GiB"},
    user="nobody",
)
def report(context: JobContext, region: str = "eu") -> str:
    context.progress(1, 2, "half of it")
    context.raise_if_cancelled()
    return region


@job(continuous=True)
async def consumer(context: JobContext) -> None:
    while not context.cancelled:
        await asyncio.sleep(0)
        context.cancelled.set()


def test_a_declaration_is_the_document_of_a_job() -> None:
    """Fields of the job and of its target stand where the API has them."""
    declaration = declaration_of(report)
    assert declaration is not None

    document = declaration.document
    document["target"]["callable"] = "reports:report"
    definition = definition_from_document(document)

    assert (definition.name, definition.lock, definition.retrigger) == ("nightly", "database", 2)
    assert definition.timeout == timedelta(minutes=90)
    assert definition.overlap.policy == "queue"
    assert (
        definition.target
        == definition_from_document(
            {
                "name": "x",
                "target": {
                    "kind": "python",
                    "callable": "reports:report",
                    "arguments": {"region": "{{ job.owner }}"},
                    "limits": {"memory": "1GiB"},
                    "user": "nobody",
                },
            }
        ).target
    )


def test_what_is_not_given_is_not_declared() -> None:
    """So that it has the default of the service, and a change of that is no change of the code."""
    declaration = declaration_of(consumer)
    assert declaration is not None
    assert declaration.document == {
        "name": "consumer",
        "target": {"kind": "python"},
        "schedule": {"kind": "continuous"},
    }


def test_null_can_be_declared() -> None:
    """Where it means something other than the default."""

    def declared() -> object:
        declaration = declaration_of(job(start_timeout=None)(report_of_nothing))
        return declaration and declaration.document

    assert declared() == {
        "name": "report_of_nothing",
        "target": {"kind": "python"},
        "start_timeout": None,
    }


def report_of_nothing(context: JobContext) -> None:
    """A function that is a job only in a test."""


def test_only_a_function_at_the_top_of_a_module_can_be_a_job() -> None:
    """Nobody could find any other one."""

    def inner(context: JobContext) -> None: ...

    with pytest.raises(TypeError, match="at the top of a module"):
        job()(inner)
    with pytest.raises(ValueError, match="one of both"):
        job(continuous=True, schedule="* * * * *")


def test_a_job_can_be_called_in_a_test() -> None:
    """It is the function that it was; the context remembers what was written."""
    context = context_for_test(attempt=2, fire_time=datetime(2026, 12, 1, tzinfo=UTC))

    assert report(context, region="us") == "us"
    assert context.statuses == [("running", {"done": 1, "total": 2, "message": "half of it"})]
    assert (context.attempt, context.trigger_id, context.state) == (2, "run", "running")


def test_a_job_can_be_cancelled_in_a_test() -> None:
    """The exception passes whoever catches every Exception."""
    context = context_for_test()
    context.cancelled.set()

    with pytest.raises(JobCancelled):
        report(context)
    assert not issubclass(JobCancelled, Exception)
    asyncio.run(consumer(context_for_test()))


def test_a_cancellation_can_be_waited_for_and_is_false_before() -> None:
    """By any number of threads; a wait ends with its time as well."""
    cancelled = Cancellation()
    assert not cancelled
    assert not cancelled.is_set()
    assert not cancelled.wait(0.01)
    came: list[bool] = []
    waiting = [Thread(target=lambda: came.append(cancelled.wait(10))) for _ in range(3)]
    for thread in waiting:
        thread.start()

    cancelled.set()
    for thread in waiting:
        thread.join()

    assert came == [True] * 3
    assert cancelled


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"a": {1, 2}}, "details have to be JSON"),
        ({"a": float("nan")}, "details have to be JSON"),
        ({"a": "x" * DETAILS_LIMIT}, "at most 65,536 are kept"),
    ],
)
def test_details_that_cannot_be_kept_are_refused_where_they_are_written(
    details: dict[str, object], words: str
) -> None:
    """The state is what it was."""
    context = context_for_test()
    with pytest.raises(ValueError, match=words):
        context.write_status("warning", details)
    assert (context.state, context.statuses) == ("running", [])


def test_progress_that_nobody_could_see_is_dropped_but_not_the_last() -> None:
    """A million steps cost a million comparisons, not a million messages."""
    context = context_for_test()
    for number in range(100_001):
        context.progress(number, 100_000)

    assert len(context.statuses) < 5_000
    assert context.statuses[-1] == ("running", {"done": 100_000, "total": 100_000})
