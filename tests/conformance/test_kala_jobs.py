"""What Kala's jobs do, against a running service: runs, retries, families, requests, templates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.kala_client import SOON_S, KalaClient, kala_service, later
from tests.fakes.recording_target import RecordingTarget, Request
from tests.waiting import eventually

#: Never due within a test.
FAR = "R/2099-01-01T00:00:00Z/P1D"


@pytest.fixture(scope="module")
def kala(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KalaClient]:
    with kala_service(tmp_path_factory.mktemp("kala")) as client:
        yield client


@pytest.fixture(scope="module")
def target() -> Iterator[RecordingTarget]:
    with RecordingTarget() as server:
        yield server


# When -------------------------------------------------------------------------------------


def test_a_job_without_a_schedule_runs_once_at_once(kala: KalaClient) -> None:
    """Then it is done, and stays."""
    job = kala.await_done(kala.create(command="echo hello"))

    assert [stat["success"] for stat in job["stats"]] == [True]
    assert job["schedule"] == ""
    assert kala.output(job["id"]) == "hello"


def test_n_repeats_are_n_plus_one_runs(kala: KalaClient) -> None:
    """R2 runs three times, a second apart from START on, and is done."""
    start = later(1)

    job = kala.await_done(kala.create(schedule=f"R2/{start}/PT1S"))

    began = [datetime.fromisoformat(stat["ran_at"]) for stat in job["stats"]]
    assert len(began) == 3
    # Fire times are whole seconds: the one after START.
    assert 0 <= (began[0] - datetime.fromisoformat(start)).total_seconds() < 3
    for before, after in pairwise(began):
        assert 0.5 < (after - before).total_seconds() < 2.5
    assert job["metadata"]["number_of_finished_runs"] == 3
    assert job["schedule"] == f"R2/{start}/PT1S"


def test_a_start_beside_the_schedule_leaves_the_schedule_alone(kala: KalaClient) -> None:
    """The next run is at START, as before."""
    job_id = kala.create(schedule=FAR)
    kala.post(f"job/start/{job_id}/")

    job = kala.job(job_id)

    assert (job["next_run_at"], job["is_done"]) == ("2099-01-01T00:00:00Z", False)
    assert len(job["stats"]) == 1


def test_a_deleted_job_stays_away_though_it_was_running(kala: KalaClient) -> None:
    """Kala brings it back when the run ends; here it is gone."""
    job_id = kala.create(command="sleep 1")

    assert kala.ask("DELETE", f"/api/v1/job/{job_id}/").status == 204

    assert kala.ask("GET", f"/api/v1/job/{job_id}/").status == 404


def test_names_may_be_the_same(kala: KalaClient) -> None:
    """Each job has an id of its own and the name it was given; elsewhere they differ."""
    ids = [kala.create(name="two of us", schedule=FAR) for _ in range(3)]

    assert len(set(ids)) == 3
    assert {kala.job(job_id)["name"] for job_id in ids} == {"two of us"}
    _, native = kala.served.request("GET", "/v1/jobs?q=two+of+us")
    assert len({job["name"] for job in native["items"]}) == 3


@pytest.mark.parametrize("name", [" ", "a/b", "93b65499b21149ce57e019e735cc5abd", "x" * 300, "ü"])
def test_any_name_will_do(kala: KalaClient, name: str) -> None:
    """What cannot be a name here is kept beside it."""
    assert kala.job(kala.create(name=name, schedule=FAR))["name"] == name


# Whether again ----------------------------------------------------------------------------


def test_a_failing_job_is_retried_and_counted_as_one_run(kala: KalaClient) -> None:
    """Every attempt is an error; the handler is not asked before the last."""
    job_id = kala.create(command="false", retries=2)

    [stat] = kala.await_runs(job_id)

    assert (stat["number_of_retries"], stat["success"]) == (2, False)
    metadata = kala.job(job_id)["metadata"]
    assert (metadata["error_count"], metadata["number_of_finished_runs"]) == (3, 1)


def test_epsilon_ends_the_retries(kala: KalaClient) -> None:
    """No attempt begins later than that after the time of the run."""
    job_id = kala.create(
        command="bash -c 'sleep 1; false'",
        schedule=f"R0/{later(1)}/",
        retries=200,
        epsilon="PT2S",
    )

    [stat] = kala.await_runs(job_id)

    assert stat["number_of_retries"] == 1
    assert stat["execution_duration"] >= 2_000_000_000
    job = kala.job(job_id)
    assert (job["metadata"]["error_count"], job["epsilon"], job["retries"]) == (2, "PT2S", 200)


def test_epsilon_means_nothing_without_a_schedule(kala: KalaClient) -> None:
    """All retries are made."""
    job_id = kala.create(command="bash -c 'sleep 0.6; false'", retries=2, epsilon="PT1S")

    [stat] = kala.await_runs(job_id)

    assert stat["number_of_retries"] == 2
    assert kala.job(job_id)["epsilon"] == "PT1S"


def test_the_failure_job_runs_after_the_last_attempt(kala: KalaClient) -> None:
    """Once for each failed run."""
    handler = kala.create(command="true", schedule=FAR)
    job_id = kala.create(command="false", retries=1, schedule=FAR, on_failure_job=handler)

    kala.post(f"job/start/{job_id}/")

    assert len(kala.await_runs(handler)) == 1
    assert kala.job(job_id)["on_failure_job"] == handler


# Families ---------------------------------------------------------------------------------


def test_children_run_after_their_parents_success_and_before_the_start_is_answered(
    kala: KalaClient,
) -> None:
    """Grandchildren too; the parents say who their children are, in the order of creation."""
    parent = kala.create(schedule=FAR)
    first, second = kala.create(parent_jobs=[parent]), kala.create(parent_jobs=[parent])
    grandchild = kala.create(parent_jobs=[first], schedule="garbage", epsilon="more of it")

    kala.post(f"job/start/{parent}/")

    assert [len(kala.stats(one)) for one in (parent, first, second, grandchild)] == [1] * 4
    assert kala.job(parent)["dependent_jobs"] == [first, second]
    assert kala.job(first)["parent_jobs"] == [parent]
    assert kala.job(grandchild)["schedule"] == "garbage"
    assert kala.job(first)["is_done"]


def test_children_of_a_failure_do_not_run_nor_do_disabled_ones(kala: KalaClient) -> None:
    """The parent's success counts, and whether the child may."""
    bad, good = kala.create(command="false", schedule=FAR), kala.create(schedule=FAR)
    child, disabled = kala.create(parent_jobs=[bad]), kala.create(parent_jobs=[good], disabled=True)

    for parent in (bad, good):
        kala.post(f"job/start/{parent}/")

    assert (kala.stats(child), kala.stats(disabled)) == ([], [])


def test_a_child_of_two_runs_after_each_of_them(kala: KalaClient) -> None:
    """And stays when one of them is deleted, but not when both are."""
    parents = [kala.create(schedule=FAR) for _ in range(2)]
    child = kala.create(parent_jobs=parents)
    grandchild = kala.create(parent_jobs=[child])

    for parent in parents:
        kala.post(f"job/start/{parent}/")
    assert len(kala.stats(child)) == 2

    kala.ask("DELETE", f"/api/v1/job/{parents[0]}/")
    assert kala.job(child)["parent_jobs"] == [parents[1]]
    kala.ask("DELETE", f"/api/v1/job/{parents[1]}/")
    for gone in (child, grandchild):
        assert kala.ask("GET", f"/api/v1/job/{gone}/").status == 404


# Requests ---------------------------------------------------------------------------------


def request_of(kala: KalaClient, target: RecordingTarget, **properties: Any) -> Request:
    """Return the request that a job of these *properties* sends."""
    number = len(target.requests)
    kala.create(name="remote", type=1, command="", remote_properties=properties)
    eventually(lambda: len(target.requests) > number, SOON_S, "the request arrives")
    return target.requests[number]


def test_a_remote_job_sends_what_it_says(kala: KalaClient, target: RecordingTarget) -> None:
    """Method in capitals, the body as it is, every value of a header."""
    request = request_of(
        kala,
        target,
        url=f"{target.url}/echo",
        method="post",
        body='{"a": "{{.Name}}"}',
        headers={"X-A": ["1", "2"], "Content-Type": ["text/plain"]},
        timeout=5,
    )

    assert (request.method, request.body) == ("POST", b'{"a": "{{.Name}}"}')
    assert (request.headers["x-a"], request.headers["content-type"]) == ("1, 2", "text/plain")


def test_what_a_remote_job_does_not_say_is_kalas_default(
    kala: KalaClient, target: RecordingTarget
) -> None:
    """GET, JSON, half a minute, 200; no id of the job, which is the fork's."""
    request = request_of(kala, target, url=f"{target.url}/echo")

    assert (request.method, request.headers["content-type"]) == ("GET", "application/json")
    assert "jobid" not in request.headers
    _, run = kala.served.request("GET", f"/v1/runs/{request.run_id}")
    shown = kala.job(run["job_id"])["remote_properties"]
    assert (shown["method"], shown["timeout"]) == ("GET", 30)
    assert shown["expected_response_codes"] == [200]
    assert shown["headers"] == {"Content-Type": ["application/json"]}


@pytest.mark.parametrize(
    ("status", "expected", "success"),
    [(200, None, True), (201, None, False), (204, [200, 204], True), (500, [500], True)],
)
def test_a_remote_job_succeeds_with_the_expected_statuses(
    kala: KalaClient,
    target: RecordingTarget,
    status: int,
    expected: list[int] | None,
    success: bool,
) -> None:
    """200 alone if none are given."""
    properties = {"url": f"{target.url}/status/{status}", "expected_response_codes": expected}
    job_id = kala.create(type=1, command="", remote_properties=properties)

    [stat] = kala.await_runs(job_id)

    assert stat["success"] is success


# Templates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "delimiters", "said"),
    [
        ("echo mr.{{$.Owner}}", "{{ }}", "mr.jedi@master.com"),
        ("echo mr.${$.Owner}", "${ }", "mr.jedi@master.com"),
        ("echo {{.Owner}}", "", "{{.Owner}}"),
        ("echo <.Name> < .Retries > <.Schedule>", "< >", "the name 0"),
        ("bash -c 'echo {{.Owner}}'", "{{ }}", "jedi@master.com"),
        ("echo hi > f; ls", "", "hi > f; ls"),
    ],
)
def test_templates_are_filled_in(
    kala: KalaClient, command: str, delimiters: str, said: str
) -> None:
    """And shown as they were written; without delimiters text is text."""
    job_id = kala.create(
        name="the name", owner="jedi@master.com", command=command, TemplateDelimiters=delimiters
    )

    assert kala.output(job_id) == said
    job = kala.job(job_id)
    assert (job["command"], job["TemplateDelimiters"]) == (command, delimiters)


def test_a_template_knows_the_id_that_kala_knows(kala: KalaClient, target: RecordingTarget) -> None:
    """With its dashes, in the address and in the body."""
    properties = {"url": f"{target.url}/echo?id={{{{.Id}}}}", "method": "PUT", "body": "{{.Id}}"}
    number = len(target.requests)
    job_id = kala.create(
        type=1, command="", remote_properties=properties, TemplateDelimiters="{{ }}"
    )
    eventually(lambda: len(target.requests) > number, SOON_S, "the request arrives")

    request = target.requests[number]

    assert (request.path, request.body) == (f"/echo?id={job_id}", job_id.encode())
    assert kala.job(job_id)["remote_properties"]["url"] == properties["url"]


# What Kala publishes ----------------------------------------------------------------------


def test_the_example_for_the_shell(kala: KalaClient, tmp_path: Path) -> None:
    """What curl sends with -d, then with -X: made, listed, read, deleted."""
    script = tmp_path / "example-command.sh"
    script.write_text("date\n", encoding="utf-8")
    body = (
        f'{{"epsilon": "PT5S", "command": "bash {script}", "name": "test_job", '
        f'"schedule": "R2/{later(1)}/PT1S"}}'
    )
    answer = kala.ask("POST", "/api/v1/job/", body)
    job_id = answer.document["id"]

    assert answer.status == 201
    assert kala.get("job/")["jobs"][job_id]["name"] == "test_job"
    assert len(kala.await_runs(job_id, 3)) == 3
    assert kala.post(f"job/start/{job_id}/").status == 204
    assert len(kala.stats(job_id)) == 4
    assert kala.ask("DELETE", f"/api/v1/job/{job_id}").status == 204
    assert kala.ask("GET", f"/api/v1/job/{job_id}").status == 404


def test_the_example_for_python(kala: KalaClient, tmp_path: Path) -> None:
    """A parent on a schedule with a local offset and microseconds, a child, both deleted."""
    mark = tmp_path / "mark"
    start = datetime.fromisoformat(later(1)).astimezone().isoformat()
    parent = kala.create(name="test_job", epsilon="PT5S", schedule=f"R2/{start}/PT1S")
    child = kala.create(
        name="my_child_job", command=f"touch {mark}", epsilon="PT5S", parent_jobs=[parent]
    )

    kala.await_runs(child, 3)

    assert mark.exists()
    for job_id in (child, parent):
        assert kala.ask("DELETE", f"/api/v1/job/{job_id}").status == 204
    assert not {child, parent} & set(kala.get("job/")["jobs"])
