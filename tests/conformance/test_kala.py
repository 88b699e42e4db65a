"""Every route of Kala, with and without the slash at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from time import monotonic
from typing import Any

import pytest

from tests.conformance.kala_client import (
    COUNT_KEYS,
    JOB_KEYS,
    METADATA_KEYS,
    NEVER,
    REMOTE_KEYS,
    STAT_KEYS,
    KalaClient,
    kala_service,
)

SLASHES = pytest.mark.parametrize("slash", ["/", ""])

#: Every route that names a job.
OF_ONE_JOB = [
    ("GET", "job/{}"),
    ("DELETE", "job/{}"),
    ("GET", "job/stats/{}"),
    ("POST", "job/start/{}"),
    ("POST", "job/disable/{}"),
    ("POST", "job/enable/{}"),
]

#: Never due within a test.
FAR = "R/2099-01-01T00:00:00Z/P1D"

UNKNOWN = "93b65499-b211-49ce-57e0-19e735cc5abd"


@pytest.fixture(scope="module")
def kala(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KalaClient]:
    with kala_service(tmp_path_factory.mktemp("kala")) as client:
        yield client


@SLASHES
def test_a_job_is_made_and_shown_in_exactly_kalas_shape(kala: KalaClient, slash: str) -> None:
    """201 with an id of 36 characters; every key in its order, zero times, nulls."""
    answer = kala.try_to_create(slash, name="backup", owner="a@example.com", schedule=FAR)

    assert answer.status == 201
    job_id = answer.document["id"]
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", job_id
    )
    job = kala.job(job_id)
    assert list(job)[: len(JOB_KEYS)] == JOB_KEYS
    assert list(job["metadata"]) == METADATA_KEYS
    assert list(job["remote_properties"]) == REMOTE_KEYS
    assert {key: job[key] for key in JOB_KEYS if key not in {"metadata", "remote_properties"}} == {
        "name": "backup",
        "id": job_id,
        "command": "true",
        "owner": "a@example.com",
        "disabled": False,
        "dependent_jobs": None,
        "parent_jobs": None,
        "on_failure_job": "",
        "schedule": FAR,
        "retries": 0,
        "epsilon": "",
        "next_run_at": "2099-01-01T00:00:00Z",
        "TemplateDelimiters": "",
        "resume_at_next_scheduled_time": False,
        "type": 0,
        "stats": None,
        "is_done": False,
    }
    assert job["metadata"] == {
        "success_count": 0,
        "last_success": NEVER,
        "error_count": 0,
        "last_error": NEVER,
        "last_attempted_run": NEVER,
        "number_of_finished_runs": 0,
    }
    assert set(job["remote_properties"].values()) == {"", None, 0}


def test_kalas_clients_see_kalas_keys_and_no_others(kala: KalaClient) -> None:
    """Through a path with a slash nothing is added."""
    assert list(kala.job(kala.create(schedule=FAR))) == JOB_KEYS


@SLASHES
def test_all_jobs_are_listed_by_id(kala: KalaClient, slash: str) -> None:
    """Also those that are disabled, done, or have no schedule."""
    ids = {
        kala.create(schedule=FAR),
        kala.create(schedule=FAR, disabled=True),
        kala.create(disabled=True),
    }

    jobs = kala.get(f"job{slash}")["jobs"]

    assert ids <= set(jobs)
    for job_id in ids:
        assert jobs[job_id]["id"] == job_id
        assert {key: jobs[job_id][key] for key in JOB_KEYS} == {
            key: kala.job(job_id)[key] for key in JOB_KEYS
        }


@SLASHES
def test_a_deleted_job_is_gone(kala: KalaClient, slash: str) -> None:
    """204 without a body; afterwards every route says 404."""
    job_id = kala.create(schedule=FAR)

    answer = kala.ask("DELETE", f"/api/v1/job/{job_id}{slash}")

    assert (answer.status, answer.body) == (204, b"")
    assert kala.ask("GET", f"/api/v1/job/{job_id}{slash}").status == 404
    assert job_id not in kala.get("job/")["jobs"]


@SLASHES
def test_all_jobs_are_deleted(kala: KalaClient, slash: str) -> None:
    """204, children and parents alike; then there is an empty map."""
    parent = kala.create(schedule=FAR)
    kala.create(parent_jobs=[parent])

    answer = kala.ask("DELETE", f"/api/v1/job/all{slash}")

    assert (answer.status, answer.body) == (204, b"")
    assert kala.get(f"job{slash}") == {"jobs": {}}


@SLASHES
def test_a_job_without_runs_has_null_stats(kala: KalaClient, slash: str) -> None:
    """As Go writes a slice that was never made."""
    assert kala.get(f"job/stats/{kala.create(schedule=FAR)}{slash}") == {"job_stats": None}


@SLASHES
def test_a_start_is_answered_when_the_run_has_ended(kala: KalaClient, slash: str) -> None:
    """204 without a body, and the run is there with nanoseconds."""
    job_id = kala.create(schedule=FAR, command="sleep 1")
    begun = monotonic()

    answer = kala.post(f"job/start/{job_id}{slash}")

    assert monotonic() - begun >= 1
    assert (answer.status, answer.body) == (204, b"")
    [stat] = kala.stats(job_id)
    assert list(stat) == STAT_KEYS
    assert (stat["job_id"], stat["number_of_retries"], stat["success"]) == (job_id, 0, True)
    assert 1_000_000_000 <= stat["execution_duration"] < 20_000_000_000
    assert datetime.fromisoformat(stat["ran_at"]).tzinfo is not None
    metadata = kala.job(job_id)["metadata"]
    assert (metadata["success_count"], metadata["number_of_finished_runs"]) == (1, 1)
    assert metadata["last_attempted_run"] == stat["ran_at"]
    assert NEVER not in {metadata["last_success"], metadata["last_attempted_run"]}
    assert kala.job(job_id)["stats"] == [stat]


@SLASHES
def test_a_start_that_fails_is_a_start(kala: KalaClient, slash: str) -> None:
    """204; the failure is in the stats and the counts."""
    job_id = kala.create(schedule=FAR, command="false")

    assert kala.post(f"job/start/{job_id}{slash}").status == 204

    assert [stat["success"] for stat in kala.stats(job_id)] == [False]
    metadata = kala.job(job_id)["metadata"]
    assert (metadata["success_count"], metadata["error_count"]) == (0, 1)
    assert (metadata["last_success"], metadata["last_error"]) != (NEVER, NEVER)


@SLASHES
def test_a_disabled_job_is_not_run(kala: KalaClient, slash: str) -> None:
    """204 all the same, and nothing happens."""
    job_id = kala.create(schedule=FAR, disabled=True)

    assert kala.post(f"job/start/{job_id}{slash}").status == 204

    assert kala.stats(job_id) == []


@SLASHES
def test_disabling_and_enabling_may_be_repeated(kala: KalaClient, slash: str) -> None:
    """204 each time, and the job says so."""
    job_id = kala.create(schedule=FAR)
    for verb, disabled in (("disable", True), ("disable", True), ("enable", False)) * 2:
        answer = kala.post(f"job/{verb}/{job_id}{slash}")
        assert (answer.status, answer.body) == (204, b"")
        assert kala.job(job_id)["disabled"] is disabled


@SLASHES
def test_the_figures_of_all_jobs(kala: KalaClient, slash: str) -> None:
    """Capital S, eight keys in their order; times of jobs that are over do not count."""
    kala.ask("DELETE", "/api/v1/job/all/")
    kala.create(schedule=FAR)
    kala.create(schedule=FAR, disabled=True)
    ran = kala.create(command="true")
    kala.await_runs(ran)

    document = kala.get(f"stats{slash}")

    assert list(document) == ["Stats"]
    counts = document["Stats"]
    assert list(counts) == COUNT_KEYS
    assert (counts["jobs"], counts["active_jobs"], counts["disabled_jobs"]) == (3, 2, 1)
    assert counts["next_run_at"] == "2099-01-01T00:00:00Z"
    assert counts["last_attempted_run"] == kala.stats(ran)[-1]["ran_at"]
    assert (counts["success_count"] >= 1, counts["created"] > counts["last_attempted_run"]) == (
        True,
        True,
    )


@SLASHES
@pytest.mark.parametrize(("method", "path"), OF_ONE_JOB)
@pytest.mark.parametrize("job_id", [UNKNOWN, "nix", "job"])
def test_an_unknown_job_is_404(
    kala: KalaClient, method: str, path: str, job_id: str, slash: str
) -> None:
    """With the reason; a name finds nothing."""
    kala.create(schedule=FAR)

    answer = kala.ask(method, f"/api/v1/{path.format(job_id)}{slash}")

    assert answer.status == 404
    assert answer.error == "The job you requested does not exist"


@SLASHES
def test_the_page_is_found_where_kalas_was(kala: KalaClient, slash: str) -> None:
    """A browser is led to the page of this service."""
    answer = kala.ask("GET", f"/webui{slash}")

    assert (answer.status, answer.headers["location"]) == (302, "/")
    assert kala.ask("GET", "/").status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("asdf", "not JSON"),
        ("", "JSON body is required"),
        ('{"name": "a"', "not JSON"),
        ("[]", "JSON object"),
        ('{"name": 5, "command": "true"}', "name: has to be a string"),
        ('{"name": "a", "command": "true", "retries": "2"}', "retries: has to be a whole number"),
        ('{"name": "a", "command": "true", "retries": -1}', "retries: has to be at least 0"),
        ('{"name": "a", "command": "true", "disabled": 1}', "disabled: has to be true or false"),
        ('{"name": "a", "command": "true", "parent_jobs": "x"}', "parent_jobs: has to be a list"),
    ],
)
def test_what_cannot_be_read_is_400_and_says_why(kala: KalaClient, body: str, words: str) -> None:
    """The field, and what it has to be."""
    answer = kala.ask("POST", "/api/v1/job/", body)

    assert answer.status == 400
    assert words in answer.error


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"name": ""}, "name: is required"),
        ({"command": ""}, "command: is required"),
        ({"command": "bash -c 'a"}, "command: cannot be split"),
        ({"type": 2}, "type: 2 is none; write 0 (a command) or 1 (a request)"),
        ({"type": 1}, "remote_properties.url: is required"),
        ({"type": 1, "remote_properties": {"url": "x"}}, "remote_properties.url: write an abs"),
        (
            {"type": 1, "remote_properties": {"url": "http://a/", "method": "BREW"}},
            "remote_properties.method: write 'GET'",
        ),
        (
            {"type": 1, "remote_properties": {"url": "http://a/", "expected_response_codes": [7]}},
            "remote_properties.expected_response_codes: ",
        ),
        (
            {"type": 1, "remote_properties": {"url": "http://a/", "headers": [{"key": "a"}]}},
            "remote_properties.headers: has to be an object",
        ),
        ({"schedule": "R/2014-03-08T20:00:00Z/PT2H"}, "schedule: "),
        ({"schedule": FAR, "epsilon": "soon"}, "epsilon: 'soon' is not a duration"),
        ({"parent_jobs": [UNKNOWN]}, "parent_jobs: there is no job"),
        ({"on_failure_job": UNKNOWN}, "on_failure_job: there is no job"),
        ({"TemplateDelimiters": "{{"}, "TemplateDelimiters: write two delimiters"),
        (
            {"command": "echo {{if .Name}}", "TemplateDelimiters": "{{ }}"},
            "command: `{{if .Name}}` is more than a field",
        ),
        (
            {"command": "echo {{.Metadata.ErrorCount}}", "TemplateDelimiters": "{{ }}"},
            "command: `{{.Metadata.ErrorCount}}` has no value here",
        ),
        (
            {"command": "echo {{.Mood}}", "TemplateDelimiters": "{{ }}"},
            "there are .Disabled, .Epsilon, .Id",
        ),
    ],
)
def test_a_job_that_cannot_be_is_400_and_leaves_nothing_behind(
    kala: KalaClient, job: dict[str, Any], words: str
) -> None:
    """Kala says only that there was an error; here its cause is told, of Kala's field."""
    before = set(kala.get("job/")["jobs"])

    answer = kala.try_to_create(**job)

    assert answer.status == 400
    assert words in answer.error
    assert set(kala.get("job/")["jobs"]) == before


@pytest.mark.parametrize("path", ["", "/", "/jobs", "/job/a/b/c/", "/nix/"])
def test_what_is_not_there_is_told_in_kalas_form(kala: KalaClient, path: str) -> None:
    """Also addresses that nobody serves answer JSON."""
    answer = kala.ask("GET", f"/api/v1{path}")

    assert answer.status == 404
    assert answer.error


def test_a_method_that_is_not_possible_is_told_in_kalas_form(kala: KalaClient) -> None:
    """It says which are."""
    answer = kala.ask("PUT", "/api/v1/job/", "{}")

    assert answer.status == 405
    assert "possible: GET" in answer.error


def test_fields_are_found_whatever_their_letter_case_and_others_left_alone(
    kala: KalaClient,
) -> None:
    """As Go reads JSON; what only the server knows is not believed."""
    body = (
        '{"NAME": "big", "Command": "true", "SCHEDULE": "' + FAR + '", "owner": null, "x": [1], '
        '"id": "mine", "is_done": true, "metadata": {"success_count": 99}, "stats": [{}], '
        '"dependent_jobs": ["y"], "template_delimiters": "no"}'
    )
    answer = kala.ask("POST", "/api/v1/job/", body)

    assert answer.status == 201
    job = kala.job(answer.document["id"])
    assert (job["name"], job["schedule"], job["owner"]) == ("big", FAR, "")
    assert job["id"] == answer.document["id"] != "mine"
    assert (job["metadata"]["success_count"], job["stats"], job["is_done"]) == (0, None, False)
    assert (job["dependent_jobs"], job["TemplateDelimiters"]) == (None, "")
