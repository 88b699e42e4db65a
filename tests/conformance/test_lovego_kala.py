"""What lovego's fork adds to Kala, against a running service; its paths end without a slash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kala_client import (
    JOB_KEYS,
    SOON_S,
    STAT_KEYS,
    KalaClient,
    kala_service,
)
from tests.fakes.recording_target import RecordingTarget
from tests.waiting import eventually

#: Never due within a test.
FAR = "R/2099-01-01T00:00:00Z/P1D"

#: What is shown of a job and of a run besides.
MORE_OF_JOBS = ["job_type", "groupName", "content", "deleted", "created_at", "is_running"]
MORE_OF_STATS = ["duration", "finish_at", "error", "response"]


@pytest.fixture(scope="module")
def kala(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KalaClient]:
    with kala_service(tmp_path_factory.mktemp("kala")) as client:
        yield client


def test_the_forks_fields_come_after_kalas(kala: KalaClient) -> None:
    """Group and content come back, the type under both names, the second of creation."""
    job_id = kala.create("", groupName="g", content="any text", schedule=FAR)

    job = kala.job(job_id, slash="")

    assert list(job) == JOB_KEYS + MORE_OF_JOBS
    assert (job["groupName"], job["content"], job["deleted"]) == ("g", "any text", False)
    assert (job["type"], job["job_type"], job["is_running"]) == (0, 0, False)
    assert job["owner"] == "default"
    assert len(job["created_at"]) == len("2026-12-01T00:00:00Z")


def test_what_a_job_said_is_told(kala: KalaClient) -> None:
    """Output, error, end and length of each run, besides Kala's nanoseconds."""
    good = kala.create("", command="echo hello", schedule=FAR)
    bad = kala.create("", command="bash -c 'echo no; exit 3'", schedule=FAR)
    for job_id in (good, bad):
        kala.post(f"job/start/{job_id}")

    [said], [failed] = kala.stats(good, slash=""), kala.stats(bad, slash="")

    assert list(said) == STAT_KEYS + MORE_OF_STATS
    assert (said["response"], said["error"]) == ("hello\n", "")
    assert failed["response"] == "no\n"
    assert "3" in failed["error"]
    assert said["duration"].endswith("s")
    assert said["finish_at"] >= said["ran_at"]
    assert said["execution_duration"] > 1_000


def test_a_running_job_says_so_and_cannot_be_deleted(kala: KalaClient) -> None:
    """409 with the fork's words; the job goes on."""
    job_id = kala.create("", command="sleep 30")
    eventually(lambda: kala.job(job_id, slash="")["is_running"], SOON_S, "it runs")

    answer = kala.ask("DELETE", f"/api/v1/job/{job_id}")

    assert (answer.status, answer.error) == (409, "running job can not delete")
    assert kala.job(job_id, slash="")["is_running"]
    assert kala.ask("DELETE", f"/api/v1/job/{job_id}/").status == 204


def test_a_job_that_has_run_is_only_marked_as_deleted(kala: KalaClient) -> None:
    """It is off and keeps its history; enabling brings it back, force removes it."""
    job_id = kala.create("", schedule=FAR)
    kala.post(f"job/start/{job_id}")

    assert kala.ask("DELETE", f"/api/v1/job/{job_id}").status == 200
    job = kala.job(job_id, slash="")
    assert (job["deleted"], job["disabled"], len(job["stats"])) == (True, True, 1)

    assert kala.post(f"job/enable/{job_id}").status == 200
    job = kala.job(job_id, slash="")
    assert (job["deleted"], job["disabled"]) == (False, False)

    assert kala.ask("DELETE", f"/api/v1/job/{job_id}?force=true").status == 200
    assert kala.ask("GET", f"/api/v1/job/{job_id}").status == 404


def test_a_job_that_never_ran_is_deleted_at_once(kala: KalaClient) -> None:
    """There is nothing to keep."""
    job_id = kala.create("", schedule=FAR)

    assert kala.ask("DELETE", f"/api/v1/job/{job_id}").status == 200

    assert kala.ask("GET", f"/api/v1/job/{job_id}").status == 404


def test_kalas_own_jobs_stay_kalas_whatever_the_path(kala: KalaClient) -> None:
    """Made with a slash: 204 and gone, also for who leaves the slash out later."""
    job_id = kala.create("/", schedule=FAR)

    assert kala.post(f"job/start/{job_id}").status == 204
    assert kala.ask("DELETE", f"/api/v1/job/{job_id}").status == 204

    assert kala.ask("GET", f"/api/v1/job/{job_id}").status == 404


@pytest.mark.parametrize("verb", ["start", "disable", "enable"])
def test_the_fork_answers_200(kala: KalaClient, verb: str) -> None:
    """Where Kala answers 204; a client of Kala's still gets that for the same job."""
    job_id = kala.create("", schedule=FAR)

    assert kala.post(f"job/{verb}/{job_id}").status == 200
    assert kala.post(f"job/{verb}/{job_id}/").status == 204


def test_a_job_with_an_id_is_changed(kala: KalaClient) -> None:
    """All that the fork's clients can say is as they say it now; an unknown id is 404."""
    job_id = kala.create("", name="before", groupName="g", retries=2, schedule=FAR)
    _, native = kala.served.request(
        "PATCH", f"/v1/jobs/{job_id.replace('-', '')}", {"description": "d", "labels": {"a": "b"}}
    )
    assert native["description"] == "d"

    answer = kala.try_to_create(
        "", id=job_id, name="after", command="echo {{.Name}}", TemplateDelimiters="{{ }}"
    )

    assert (answer.status, answer.document) == (201, {"id": job_id})
    job = kala.job(job_id, slash="")
    assert (job["name"], job["command"], job["schedule"]) == ("after", "echo {{.Name}}", "")
    assert (job["retries"], job["groupName"]) == (0, "")
    _, native = kala.served.request("GET", f"/v1/jobs/{job_id.replace('-', '')}")
    assert (native["description"], native["labels"]["a"]) == ("d", "b")
    unknown = kala.try_to_create("", id="93b65499-b211-49ce-57e0-19e735cc5abd")
    assert (unknown.status, unknown.error) == (404, "The job you requested does not exist")


def test_a_request_brings_the_jobs_id(kala: KalaClient) -> None:
    """In the query and in a header; the address is shown as it was written."""
    with RecordingTarget() as target:
        url = f"{target.url}/echo?a=b"
        job_id = kala.create("", job_type=1, command="", remote_properties={"url": url})
        eventually(lambda: target.requests, SOON_S, "the request arrives")
        [request] = target.requests

    assert request.path == f"/echo?a=b&jobId={job_id}"
    assert request.headers["jobid"] == job_id
    job = kala.job(job_id, slash="")
    assert (job["remote_properties"]["url"], job["type"], job["job_type"]) == (url, 1, 1)
