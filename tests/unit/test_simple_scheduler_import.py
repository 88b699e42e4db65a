"""simple-scheduler's jobs as ours: messages for workers, with every limit kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.client.imported import Imported
from executor.client.simple_scheduler import jobs_of
from tests.unit.test_document_reading import JSON_VALUES

JOB: dict[str, Any] = {
    "name": "report",
    "enabled": True,
    "nextRunAt": "2026-12-01T00:00:00Z",
    "interval": 60_000,
    "runExecutionTimeout": 90_500,
    "runStartTimeout": 30_000,
    "maxQueueCount": 5,
    "allowConcurrentRuns": False,
    "heartbeatTimeout": 10_000,
    "managerId": "000000000000000000000000",
}


def said(found: Imported) -> list[str]:
    """Return what is reported of single jobs: ``kind code``."""
    return [f"{note.kind} {note.code}" for note in found.notes if note.subject]


def test_a_job_becomes_a_message_with_its_limits() -> None:
    """Milliseconds become durations, and the queue keeps its length."""
    found = jobs_of([JOB])

    assert found.documents == [
        {
            "name": "report",
            "schedule": "R/2026-12-01T00:00:00Z/PT60S",
            "target": {"kind": "message"},
            "misfire": {"deadline": None},
            "overlap": {"policy": "queue", "queue": 5},
            "timeout": "PT1M30.5S",
            "start_timeout": "PT30S",
            "heartbeat_timeout": "PT10S",
        }
    ]
    assert said(found) == []


def test_limits_that_are_off_are_left_out() -> None:
    """And a job without an interval runs once; concurrent runs are allowed where they were."""
    (document,) = jobs_of(
        [{"name": "a", "nextRunAt": "2026-12-01T00:00:00.000+02:00", "enabled": False,
          "allowConcurrentRuns": True}]
    ).documents  # fmt: skip

    assert document == {
        "name": "a",
        "enabled": False,
        "schedule": {"kind": "once", "at": "2026-12-01T00:00:00+02:00"},
        "target": {"kind": "message"},
        "misfire": {"deadline": None},
        "overlap": {"policy": "allow"},
        "timeout": "P7D",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"interval": 1_500}, "1500 ms: runs are whole seconds apart"),
        ({"interval": "x"}, "is no number of milliseconds"),
        ({"interval": 10**15}, "is too long; write at most 1000000000000"),
        ({"runExecutionTimeout": 10**15}, "is too long; write at most 1000000000000"),
        ({"maxQueueCount": 10**15}, "is too many; write at most 1000000000000"),
        ({"nextRunAt": "2026-12-01T00:00:00.25Z"}, "fire times are whole seconds"),
    ],
)
def test_what_cannot_be_said_in_seconds_is_refused(change: dict[str, Any], words: str) -> None:
    """Nothing is rounded."""
    found = jobs_of([{**JOB, **change}])

    assert not found.documents
    assert words in found.notes[-1].message


@pytest.mark.parametrize("name", ["\u00e9 x", "re(port)", "-", "x" * 200])
def test_a_name_that_is_one_here_stays(name: str) -> None:
    """Workers would hear nothing more of a job that is called otherwise."""
    found = jobs_of([{**JOB, "name": name}])

    assert [document["name"] for document in found.documents] == [name]
    assert said(found) == []


def test_another_name_is_another_exchange() -> None:
    """Told as a difference, with the exchange; one that is kept is not given to another job."""
    found = jobs_of([{**JOB, "name": "a/b"}, {**JOB, "name": "a-b"}])

    assert sorted(document["name"] for document in found.documents) == ["a-b", "a-b-2"]
    (note,) = [note for note in found.notes if note.subject]
    assert (note.kind, note.subject) == ("differs", "a-b-2")
    assert note.message == (
        "was 'a/b' there: its workers have to listen to the exchange scheduler.job.a-b-2 "
        "from now on"
    )


def test_no_jobs_are_no_jobs() -> None:
    """Its API answers null for an empty list."""
    assert jobs_of(None).documents == []


@pytest.mark.parametrize("document", [{}, {"jobs": []}, [1], "x"])
def test_what_is_no_answer_of_it_is_refused(document: object) -> None:
    """In words that say what is wanted."""
    with pytest.raises(ValueError, match="is no answer of simple-scheduler"):
        jobs_of(document)


@given(st.lists(st.dictionaries(st.sampled_from([*JOB]), JSON_VALUES), max_size=3))
def test_no_job_breaks_the_import(jobs: list[dict[str, Any]]) -> None:
    """Whatever its fields hold, it is taken or refused."""
    jobs_of([*jobs, JOB])
