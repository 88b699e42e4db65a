"""Kala's jobs as ours: every field, and a report of what is not as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.client.imported import Imported
from executor.client.kala import jobs_of
from executor.domain.job import definition_from_document
from tests.unit.test_document_reading import JSON_VALUES

START = "2026-12-01T00:00:00Z"


def imported(*jobs: dict[str, Any], **how: str) -> Imported:
    """Return what is made of *jobs*, whose ids are their places."""
    return jobs_of({"jobs": {f"id-{n}": {"id": f"id-{n}", **j} for n, j in enumerate(jobs)}}, **how)


def one(job: dict[str, Any], **how: str) -> dict[str, Any]:
    """Return the only job; it is a sound one."""
    (document,) = imported(job, **how).documents
    definition_from_document(document)
    return document


def said(found: Imported) -> set[str]:
    """Return what is reported of single jobs: ``kind code``."""
    return {f"{note.kind} {note.code}" for note in found.notes if note.subject}


LOCAL = {
    "name": "backup",
    "command": "bash -c 'backup | mail {{me}}'",
    "owner": "jo@example.com",
    "schedule": f"R/{START}/PT2H",
    "retries": 3,
    "epsilon": "PT5M",
    "type": 0,
    "disabled": False,
    "is_done": False,
}

REMOTE = {
    "name": "ping",
    "type": 1,
    "schedule": f"R2/{START}/P1D",
    "resume_at_next_scheduled_time": True,
    "remote_properties": {
        "url": "http://example.com/x",
        "method": "post",
        "body": '{"a": 1}',
        "headers": {"X-A": ["1", "2"], "X-B": ["3"]},
        "timeout": 5,
        "expected_response_codes": [200, 204],
    },
}


def test_a_local_job_keeps_its_command_retries_and_schedule() -> None:
    """Braces stay what they are; a missed run is caught up, and one that is late waits."""
    assert one(LOCAL) == {
        "name": "backup",
        "owner": "jo@example.com",
        "schedule": f"R/{START}/PT2H",
        "target": {"kind": "command", "command": "bash -c 'backup | mail {{{{me}}'"},
        "misfire": {"deadline": None},
        "overlap": {"policy": "queue", "queue": 1},
        "retry": {"attempts": 3, "delay": "PT0S", "backoff": "fixed", "window": "PT5M"},
        "timeout": "P7D",
    }
    assert said(imported(LOCAL)) == set()


def test_a_remote_job_keeps_its_request() -> None:
    """With the statuses that count; repeated headers are joined, and that is told."""
    assert one(REMOTE, timezone="Europe/Berlin") == {
        "name": "ping",
        "schedule": {
            "kind": "interval",
            "expression": f"R2/{START}/P1D",
            "timezone": "Europe/Berlin",
        },
        "target": {
            "kind": "http",
            "url": "http://example.com/x",
            "method": "POST",
            "headers": {"X-A": "1, 2", "X-B": "3"},
            "body": '{"a": 1}',
            "timeout": "5s",
            "expect": ["200", "204"],
        },
        "misfire": {"policy": "skip"},
        "overlap": {"policy": "queue", "queue": 1},
    }
    assert said(imported(REMOTE)) == {"told header", "differs repeats"}


def test_kalas_own_defaults_are_written_out() -> None:
    """GET, 30 seconds, and 200 alone."""
    target = one({"name": "a", "type": 1, "remote_properties": {"url": "http://x/"}})["target"]

    assert target == {"kind": "http", "url": "http://x/", "method": "GET", "expect": ["200"]}


def test_jobs_name_each_other_by_their_new_names() -> None:
    """Names that repeat get numbers; parents and failure jobs follow them."""
    found = imported(
        {"name": "same", "command": "a", "schedule": f"R/{START}/PT1H", "on_failure_job": "id-3"},
        {"name": "same", "command": "b", "parent_jobs": ["id-0", "gone"], "schedule": "garbage"},
        {"name": "c", "command": "c", "parent_jobs": ["id-1"], "on_failure_job": "gone"},
        {"name": "handler", "command": "d"},
    )

    by_name = {document["name"]: document for document in found.documents}
    assert by_name["same"]["on_failure"] == "handler"
    assert by_name["same-2"]["after"] == {"jobs": ["same"]}
    assert by_name["c"]["after"] == {"jobs": ["same-2"]}
    assert "schedule" not in by_name["handler"]
    assert said(found) == {
        "differs children",
        "differs handler",
        "differs once",
        "differs parent",
        "told name",
        "told schedule",
    }


def test_a_job_that_cannot_be_taken_leaves_no_dead_references() -> None:
    """Those that name it are taken without, and it is said why."""
    found = imported(
        {"name": "bad", "command": "'", "schedule": f"R/{START}/PT1H"},
        {"name": "child", "command": "a", "parent_jobs": ["id-0"]},
    )

    assert [document["name"] for document in found.documents] == ["child"]
    assert "after" not in found.documents[0]
    assert {"refused job", "differs reference"} <= said(found)
    assert found.refused == 1


@pytest.mark.parametrize(
    ("schedule", "expression", "code"),
    [
        (f"R-1/{START}/PT1H", f"R/{START}/PT1H", None),
        ("R/2026-11-30T23:59:59.5Z/PT1H", f"R/{START}/PT1H", "differs fraction"),
        ("R/2026-12-31T00:00:00Z/P1M", "R/2026-12-31T00:00:00Z/P1M", "differs month_end"),
        ("R/2026-12-31T00:00:00Z/P1D", "R/2026-12-31T00:00:00Z/P1D", None),
        (f"R0/{START}/", f"R0/{START}/", None),
        (f"R0/{START}/garbage", f"R0/{START}/", None),
        (f"R/{START}/PT0S", None, "refused job"),
        (f"R/{START}/garbage", None, "refused job"),
    ],
)
def test_schedules_are_taken_or_refused(
    schedule: str, expression: str | None, code: str | None
) -> None:
    """What Kala reads leniently is refused with the reason."""
    found = imported({"name": "a", "command": "true", "schedule": schedule})

    assert [document["schedule"] for document in found.documents] == (
        [expression] if expression else []
    )
    assert said(found) == ({code} if code else set())


def test_what_is_done_or_disabled_stays_off() -> None:
    """A finite schedule that is over would otherwise begin again."""
    schedule = {"schedule": f"R/{START}/PT1H"}

    assert one({"name": "a", "command": "true", "is_done": True, **schedule})["enabled"] is False
    assert one({"name": "a", "command": "true", "disabled": True, **schedule})["enabled"] is False


def test_templates_become_ours_where_there_is_an_equal() -> None:
    """A text with anything else stays as it is, with a note; so do dollars and backquotes."""
    remote = {"url": "http://x/${$.Name}?b={{c", "body": "${.Owner} ${.Metadata.SuccessCount}"}
    job = {"name": "a", "type": 1, "TemplateDelimiters": "${ }", "remote_properties": remote}

    target = one(job)["target"]
    assert (target["url"], target["body"]) == ("http://x/{{ job.name }}?b={{{{c", remote["body"])
    assert "differs template" in said(imported(job))
    assert "differs expansion" in said(imported({"name": "a", "command": "echo $HOME"}))


@pytest.mark.parametrize("document", [None, [], {}, {"jobs": []}, {"jobs": {"a": 1}}, "x"])
def test_what_is_no_answer_of_kala_is_refused(document: object) -> None:
    """In words that say what is wanted."""
    with pytest.raises(ValueError, match="is no answer of Kala"):
        jobs_of(document)


@given(
    st.dictionaries(
        st.sampled_from([*LOCAL, *REMOTE, "parent_jobs", "on_failure_job", "TemplateDelimiters"]),
        JSON_VALUES,
    )
)
def test_no_job_breaks_the_import(job: dict[str, Any]) -> None:
    """Whatever its fields hold, it is taken or refused."""
    imported(job, LOCAL)


def test_the_order_does_not_depend_on_kala() -> None:
    """Its answer is a map without an order of its own."""
    jobs = {"b": {"name": "y", "command": "x"}, "a": {"name": "x", "command": "x"}}

    there_and_back = [jobs_of({"jobs": dict(items)}).documents for items in
                      (jobs.items(), reversed(jobs.items()))]  # fmt: skip
    assert there_and_back[0] == there_and_back[1]
