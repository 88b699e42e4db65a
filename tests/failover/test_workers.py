"""Workers of both kinds and a real service: runs, cancellations, heartbeats, and their loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.contract.worker_side import WorkerSide
from tests.failover.cluster import Cluster
from tests.failover.served import PATIENCE_S
from tests.failover.workers import Worker, readme_worker, solocron_worker
from tests.fakes.tcp_proxy import TcpProxy
from tests.waiting import eventually

#: Functions for ``solocron worker``: what they do is told by the run's arguments.
MODULE = """
import os
import time

from executor.jobs import JobContext, job


@job(name="{job}")
def work(context: JobContext, seconds: float = 0, broken: bool = False, **rest):
    print("attempt", context.attempt, "by", os.environ.get("SOLOCRON_INSTANCE"))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        context.progress(round(seconds - until + time.monotonic(), 1), seconds)
        context.cancelled.wait(0.1)
        context.raise_if_cancelled()
    if broken:
        raise RuntimeError("it broke")
    return {{"rest": rest}}
"""


#: A function that takes its worker along.
DEADLY = """
import os
import signal

from executor.jobs import job


@job(name="{job}")
def work(context):
    os.kill(os.getppid(), signal.SIGKILL)
"""


#: A worker that knows what simple-scheduler publishes of its protocol, and nothing of ours.  It
#: has two beats in a second, and after the end says three things that it should not.
STRICT = """
import json, os, pika

JOB = {job!r}
NAME = "scheduler.job." + JOB
channel = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])).channel()
channel.exchange_declare(NAME, "topic", durable=True, auto_delete=False, internal=False)
for key in ("action", "status", "heartbeat"):
    channel.queue_declare(f"{{NAME}}.{{key}}", durable=True, exclusive=False, auto_delete=False)
    channel.queue_bind(f"{{NAME}}.{{key}}", NAME, key)
left = {{}}


def tell(key, run_id, **more):
    body = json.dumps({{"jobName": JOB, "runId": run_id, **more}}).encode()
    properties = pika.BasicProperties(content_type="application/json")
    channel.basic_publish(NAME, key, body, properties)


def obey(channel, method, properties, body):
    order = json.loads(body)
    run_id = order["runId"]
    if order["action"] == "run":
        left[run_id] = 2 * {seconds}
        tell("status", run_id, status="running")
    elif left.pop(run_id, None):
        tell("status", run_id, status="cancelled")
    channel.basic_ack(method.delivery_tag)


channel.basic_consume(f"{{NAME}}.action", obey)
while True:
    channel.connection.sleep(0.5)
    for run_id in list(left):
        left[run_id] -= 1
        tell("heartbeat", run_id)
        if not left[run_id]:
            del left[run_id]
            for status in ("completed", "failed", "running", "nonsense"):
                tell("status", run_id, status=status)
"""


class Scene:
    """A service with one job for workers, and what the tests do with it."""

    def __init__(self, cluster: Cluster, folder: Path, url: str, job: str, prefix: str) -> None:
        self.cluster, self.folder, self.job = cluster, folder, job
        self.environ = {"RABBITMQ_URL": url, "SOLOCRON_PREFIX": prefix}
        (folder / "worktasks.py").write_text(MODULE.format(job=job), encoding="utf-8")

    def define(self, **fields: Any) -> None:
        """Make the job, or make it another."""
        document = {"target": {"kind": "message"}, "keep_runs": 100_000, **fields}
        status, answer = self.cluster.request("PUT", f"/v1/jobs/{self.job}", document)
        assert status in {HTTPStatus.CREATED, HTTPStatus.OK}, answer

    def trigger(self) -> str:
        """Ask for a run and return its id."""
        status, run = self.cluster.request("POST", f"/v1/jobs/{self.job}/trigger")
        assert status == HTTPStatus.CREATED, run
        return str(run["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run as any instance shows it."""
        return dict(self.cluster.request("GET", f"/v1/runs/{run_id}")[1])

    def await_run(self, run_id: str, timeout_s: float = PATIENCE_S, **facts: Any) -> dict[str, Any]:
        """Wait until these are the run's, and return all of them."""

        def look() -> dict[str, Any] | None:
            self.seen = run = self.run(run_id)
            return run if all(run[name] == value for name, value in facts.items()) else None

        try:
            found = eventually(look, timeout_s, f"{facts} of {run_id}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nlast seen: {self.seen}") from None
        assert found is not None
        return found

    def cancel(self, run_id: str) -> None:
        """Have a run cancelled while it goes on."""
        self.await_run(run_id, state="running")
        status, _ = self.cluster.request("POST", f"/v1/runs/{run_id}/cancel")
        assert status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}
        self.await_run(run_id, state="cancelled", reason="requested")

    def strict_worker(self, name: str, seconds: int) -> Worker:
        """Start a worker that knows only what simple-scheduler publishes; works so long."""
        code = STRICT.format(job=self.job, seconds=seconds)
        return Worker(self.folder, name, ["-c", code], self.environ)

    @contextmanager
    def worker(self, name: str, *arguments: str, url: str = "") -> Iterator[Worker]:
        """Run ``solocron worker``, with the broker at *url* if not at its own address."""
        environ = {**self.environ, "RABBITMQ_URL": url or self.environ["RABBITMQ_URL"]}
        with solocron_worker(self.folder, name, environ, "worktasks", *arguments) as worker:
            yield worker


@pytest.fixture
def scene(
    make_cluster: Callable[..., Cluster], tmp_path: Path, rabbitmq_url: str, queue_prefix: str
) -> Iterator[Scene]:
    """A cluster of two; the job's queues are removed afterwards."""
    with ExitStack() as stack:
        job = f"{queue_prefix}-job"
        cluster = make_cluster(size=2)
        yield Scene(cluster, tmp_path, rabbitmq_url, job, queue_prefix)
        for member in cluster.members:
            member.close()
        stack.enter_context(WorkerSide(rabbitmq_url, job))


@pytest.mark.timeout(300)
def test_the_worker_of_the_readme_works(scene: Scene) -> None:
    """It runs, beats, and is cancelled."""
    steps = {"kind": "message", "arguments": {"steps": 2}}
    scene.define(target=steps, heartbeat_timeout="PT4S")
    with readme_worker(scene.folder, "plain", scene.environ, scene.job):
        done = scene.await_run(scene.trigger(), state="succeeded")
        assert done["details"] == {"resized": 42}
        assert done["started_at"] is not None

        scene.define(target={"kind": "message", "arguments": {"steps": 1000}})
        scene.cancel(scene.trigger())


@pytest.mark.timeout(300)
def test_a_worker_that_knows_the_published_protocol_alone_is_enough(scene: Scene) -> None:
    """No field of ours, nothing persistent: it beats for longer than silence may last, is told to
    stop, and when it is killed its run is sent to another.  What it says too much is counted."""
    scene.define(heartbeat_timeout="PT2S")
    with scene.strict_worker("first", seconds=3) as first:
        done = scene.await_run(scene.trigger(), state="succeeded")
        assert (done["attempt"], done["details"]) == (1, {})
        begun, ended = (datetime.fromisoformat(done[at]) for at in ("started_at", "finished_at"))
        assert ended - begun > timedelta(seconds=2.5)

        def counted() -> bool:
            status = scene.cluster.status()
            return bool(status["reports"]["late"] >= 2 and status["dead_letters"] == 1)

        eventually(counted, PATIENCE_S, "what it said too much is counted")
        scene.cancel(scene.trigger())
        run_id = scene.trigger()
        scene.await_run(run_id, state="running", attempt=1)
        first.kill()
    with scene.strict_worker("second", seconds=3):
        assert scene.await_run(run_id, state="succeeded")["attempt"] == 2


@pytest.mark.timeout(300)
def test_solocron_worker_does_runs_and_tells_of_them(scene: Scene) -> None:
    """Arguments, progress, details, output and error: as if the run had been here."""
    arguments = {"seconds": 1, "name": "{{ job.name }}", "braces": "{{{{ x }}"}
    scene.define(target={"kind": "message", "arguments": arguments})
    with scene.worker("one"):
        run_id = scene.trigger()
        done = scene.await_run(run_id, state="succeeded")
        assert done["details"] == {"rest": {"name": scene.job, "braces": "{{ x }}"}}
        _, output = scene.cluster.request("GET", f"/v1/runs/{run_id}/output")
        assert "attempt 1 by" in output["head"]

        scene.define(target={"kind": "message", "arguments": {"seconds": 600}})
        run_id = scene.trigger()
        eventually(
            lambda: (scene.run(run_id)["details"] or {}).get("total") == 600, PATIENCE_S, "progress"
        )
        scene.cluster.request("POST", f"/v1/runs/{run_id}/cancel")
        scene.await_run(run_id, state="cancelled", reason="requested")

        scene.define(target={"kind": "message", "arguments": {"broken": True}})
        failed = scene.await_run(scene.trigger(), state="failed")
        assert "it broke" in failed["error"]


@pytest.mark.timeout(300)
def test_a_cancellation_finds_the_right_one_of_several_workers(scene: Scene) -> None:
    """Three workers, a run each: the one that is meant ends, and the others go on."""
    scene.define(
        target={"kind": "message", "arguments": {"seconds": 600}}, overlap={"policy": "allow"}
    )
    with (
        scene.worker("a", "--prefetch", "1"),
        scene.worker("b", "--prefetch", "1"),
        scene.worker("c", "--prefetch", "1"),
    ):
        runs = [scene.trigger() for _ in range(3)]
        for run_id in runs:
            scene.await_run(run_id, state="running")
        scene.cluster.request("POST", f"/v1/runs/{runs[1]}/cancel")
        scene.await_run(runs[1], state="cancelled", reason="requested")
        assert [scene.run(run_id)["state"] for run_id in (runs[0], runs[2])] == ["running"] * 2


@pytest.mark.timeout(300)
def test_a_run_whose_worker_is_killed_is_done_by_another(scene: Scene) -> None:
    """The broker passes it on; nobody needs to be patient for it, and it ends once."""
    scene.define(target={"kind": "message", "arguments": {"seconds": 4}})
    with scene.worker("first") as first:
        run_id = scene.trigger()
        scene.await_run(run_id, state="running")
        with scene.worker("second") as second:
            first.kill()
            done = scene.await_run(run_id, state="succeeded")
    assert done["attempt"] == 1
    assert "run taken" in second.log


@pytest.mark.timeout(300)
def test_a_worker_that_is_stopped_lets_its_runs_end_or_gives_them_back(scene: Scene) -> None:
    """A short run ends within the grace period; a long one is somebody else's then."""
    scene.define(
        target={"kind": "message", "arguments": {"seconds": 3}}, overlap={"policy": "allow"}
    )
    with scene.worker("first", "--grace", "20s") as first:
        short = scene.trigger()
        scene.await_run(short, state="running")
        assert first.terminate() == 0
    scene.await_run(short, state="succeeded")

    scene.define(
        target={"kind": "message", "arguments": {"seconds": 9}}, overlap={"policy": "allow"}
    )
    with scene.worker("second", "--grace", "1s") as second:
        long = scene.trigger()
        scene.await_run(long, state="running")
        assert second.terminate() == 0
    assert scene.run(long)["state"] == "running"
    with scene.worker("third"):
        assert scene.await_run(long, state="succeeded", timeout_s=60)["attempt"] == 1


@pytest.mark.timeout(300)
def test_a_run_goes_on_while_its_worker_has_no_broker(scene: Scene) -> None:
    """Its message goes to another worker, which listens, hears that it goes on, and leaves it."""
    scene.define(target={"kind": "message", "arguments": {"seconds": 12}})
    with (
        TcpProxy(scene.environ["RABBITMQ_URL"]) as proxy,
        scene.worker("first", url=proxy.url) as first,
    ):
        run_id = scene.trigger()
        scene.await_run(run_id, state="running")
        with scene.worker("second") as second:
            eventually(lambda: "taking runs" in second.log, PATIENCE_S, "the second is there")
            proxy.lead_to("amqp://127.0.0.1:1")
            eventually(lambda: first.log.count("no broker") > 1, PATIENCE_S, "it is cut off")
            proxy.lead_to(scene.environ["RABBITMQ_URL"])
            done = scene.await_run(run_id, state="succeeded", timeout_s=60)
    assert done["attempt"] == 1
    assert "run taken" in first.log
    assert "run taken" not in second.log


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_run_that_kills_every_worker_fails_and_is_a_dead_letter(scene: Scene) -> None:
    """Five workers are lost with it; the sixth tells so instead of dying too."""
    (scene.folder / "worktasks.py").write_text(DEADLY.format(job=scene.job), encoding="utf-8")
    scene.define()
    run_id = scene.trigger()
    for number in range(5):
        with scene.worker(f"w{number}") as worker:
            worker.process.wait(60)
    with scene.worker("last") as last:
        failed = scene.await_run(run_id, state="failed", timeout_s=60)
    assert "lost 5 times" in failed["error"]
    assert "run taken" not in last.log
    assert scene.cluster.status()["dead_letters"] == 1


@pytest.mark.timeout(300)
def test_runs_go_on_while_the_executor_moves(scene: Scene) -> None:
    """The executor is killed with -9: its successor supervises the run and hears its end."""
    scene.define(target={"kind": "message", "arguments": {"seconds": 6}}, heartbeat_timeout="PT9S")
    with scene.worker("one"):
        run_id = scene.trigger()
        scene.await_run(run_id, state="running")
        leader = scene.cluster.leader()
        leader.member.kill()
        scene.cluster.leader(other_than=leader.term)
        done = scene.await_run(run_id, state="succeeded")
        assert (done["attempt"], done["term"] > leader.term) == (1, True)
