"""Kala's jobs through other doors, and the jobs of other doors through Kala's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kala_client import KalaClient, kala_service

#: Never due within a test.
FAR = "R/2099-01-01T00:00:00Z/P1D"


@pytest.fixture(scope="module")
def kala(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KalaClient]:
    with kala_service(tmp_path_factory.mktemp("kala")) as client:
        yield client


def test_kalas_jobs_are_seen_and_changed_through_the_other_door(kala: KalaClient) -> None:
    """What the client wrote is shown for as long as it is what the job does."""
    job_id = kala.create(
        name="seen", owner="o", command="echo {{.Owner}}", TemplateDelimiters="{{ }}", schedule=FAR
    )
    own_id = job_id.replace("-", "")
    status, native = kala.served.request("GET", f"/v1/jobs/{own_id}")
    assert (status, native["target"]["command"]) == (200, "echo {{ job.owner }}")

    patch = {
        "schedule": "30 2 * * *",
        "owner": "p",
        "target": {"command": "echo {{ job.owner }} {{ run.id }}"},
    }
    status, changed = kala.served.request("PATCH", f"/v1/jobs/{own_id}", patch)

    assert status == 200, changed
    job = kala.job(job_id)
    assert (job["schedule"], job["owner"]) == ("30 2 * * *", "p")
    assert job["command"] == "echo {{.Owner}} {{ run.id }}"


def test_jobs_of_other_doors_are_shown_as_kala_would_say_them(kala: KalaClient) -> None:
    """Cron expressions as they stand, with their zone; programs and functions as a text."""
    native = {
        "shown-cron": {
            "schedule": {"kind": "cron", "expression": "30 2 * * *", "timezone": "Asia/Tokyo"},
            "target": {"kind": "command", "argv": ["echo", "a b"]},
            "retry": {"attempts": 1, "window": "PT1M"},
            "misfire": {"policy": "skip"},
        },
        "shown-once": {
            "schedule": {"kind": "once", "at": "2099-01-01T00:00:00Z"},
            "target": {"kind": "http", "url": "http://a/", "expect": ["2xx", "404"]},
            "on_failure": "shown-cron",
        },
        "shown-child": {
            "after": {"jobs": ["shown-once"]},
            "target": {"kind": "command", "command": "true"},
        },
    }
    for name, document in native.items():
        status, made = kala.served.request("PUT", f"/v1/jobs/{name}", document)
        assert status == 201, made
    jobs = {job["name"]: job for job in kala.get("job/")["jobs"].values()}

    cron, once, child = (jobs[name] for name in native)

    assert (cron["schedule"], cron["command"]) == ("CRON_TZ=Asia/Tokyo 30 2 * * *", "echo 'a b'")
    assert (cron["retries"], cron["epsilon"]) == (1, "PT1M")
    assert cron["resume_at_next_scheduled_time"] is True
    assert (once["schedule"], once["type"]) == ("R0/2099-01-01T00:00:00Z/", 1)
    assert once["remote_properties"]["expected_response_codes"] == [200, 404]
    assert (once["on_failure_job"], once["dependent_jobs"]) == (cron["id"], [child["id"]])
    assert child["parent_jobs"] == [once["id"]]
    assert kala.post(f"job/disable/{cron['id']}/").status == 204
    assert kala.served.request("GET", "/v1/jobs/shown-cron")[1]["enabled"] is False


def test_a_paused_job_is_disabled_and_can_be_enabled(kala: KalaClient) -> None:
    """Kala knows no rest of its own."""
    job_id = kala.create(schedule=FAR)
    kala.served.request("POST", f"/v1/jobs/{job_id.replace('-', '')}/pause", {"reason": "tired"})
    assert kala.job(job_id)["disabled"] is True

    kala.post(f"job/enable/{job_id}/")

    assert kala.job(job_id)["disabled"] is False


def test_what_kalas_clients_do_is_in_the_audit(kala: KalaClient) -> None:
    """Like everything that changes a job."""
    job_id = kala.create(schedule=FAR)
    kala.post(f"job/disable/{job_id}/")

    _, audit = kala.served.request("GET", f"/v1/audit?job={job_id.replace('-', '')}")

    assert [one["action"] for one in audit["items"]] == ["update_job", "create_job"]
