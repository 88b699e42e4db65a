"""``solocron worker``: its options and faults, and what it makes of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from executor.cli import main
from executor.config.variables import VARIABLES
from executor.domain.errors import ConfigError
from executor.domain.filling import filled_in
from executor.domain.run import Cause
from executor.domain.targets import PythonTarget
from executor.ports.work_queue import Taken
from executor.worker.declared import declared_targets
from executor.worker.service import TIMEOUT_MARGIN, WorkerService
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_work_queue import MemoryWorkQueue
from tests.unit.quick_launcher import QuickLauncher
from tests.unit.worker_driver import an_assignment

MODULE = """
from executor.jobs import job

@job(name="resize", arguments={"size": 3, "name": "x"}, schedule="* * * * *",
     limits={"memory": "1GiB"})
def resize(context, size=1, name=""):
    pass

@job(name="mail")
async def send(context):
    pass

def helper():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where modules can be put; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    (tmp_path / "shopjobs.py").write_text(MODULE, encoding="utf-8")
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def worker(*arguments: str, **environ: str) -> Result:
    """Run the command with these variables and none of our own."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    return CliRunner().invoke(main, ["worker", *arguments], env={**ours, **environ})


def faults(modules: list[str], wanted: tuple[str, ...] = ()) -> dict[str, str]:
    with pytest.raises(ConfigError) as refused:
        declared_targets(modules, wanted)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_the_functions_of_a_module_are_for_the_jobs_they_declare(folder: Path) -> None:
    """What is called, with limits and arguments; when it is called is not a worker's business."""
    targets = declared_targets(["shopjobs"], ())
    assert sorted(targets) == ["mail", "resize"]
    assert targets["mail"] == PythonTarget(callable="shopjobs:send")
    assert targets["resize"].callable == "shopjobs:resize"
    assert targets["resize"].arguments == {"size": 3, "name": "x"}
    assert targets["resize"].limits.memory == 1024**3
    assert list(declared_targets(["shopjobs"], ["mail"])) == ["mail"]


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    """Modules that do not import, functions for the same job, jobs that nobody has."""
    (folder / "brokenjobs.py").write_text("1 / 0", encoding="utf-8")
    (folder / "otherjobs.py").write_text(MODULE.replace("resize", "paste"), encoding="utf-8")
    found = faults(["shopjobs", "otherjobs", "brokenjobs", "nojobs"], ("paint",))
    assert "ZeroDivisionError" in found["brokenjobs"]
    assert "nojobs" in found["nojobs"]
    assert "shopjobs:send already" in found["otherjobs"]
    assert found["--jobs"] == "there is no job 'paint'; there are mail, paste, resize"


def test_a_module_without_jobs_is_told(folder: Path) -> None:
    """There would be nothing to do."""
    (folder / "emptyjobs.py").write_text("", encoding="utf-8")
    assert "@job" in faults(["emptyjobs"])["MODULE"]


def test_a_worker_needs_a_broker_and_nothing_else(folder: Path) -> None:
    """Without one it ends with status 2 and the variable's name; no store is asked for."""
    result = worker("shopjobs")
    assert result.exit_code == 2
    assert "RABBITMQ_URL" in result.output
    assert "MONGODB" not in result.output
    with_broker = worker("shopjobs", "--jobs", "paint", RABBITMQ_URL="amqp://localhost")
    assert with_broker.exit_code == 2
    assert "there is no job 'paint'" in with_broker.output


@pytest.mark.parametrize(
    "options", [["--grace", "soon"], ["--prefetch", "0"], ["--prefetch", "many"]]
)
def test_options_that_make_no_sense_are_refused(folder: Path, options: list[str]) -> None:
    """With status 2 and the option's name."""
    result = worker("shopjobs", *options, RABBITMQ_URL="amqp://localhost")
    assert result.exit_code == 2
    assert options[0] in result.output


# What it makes of a run ---------------------------------------------------------------------


class Scene:
    """A worker of one job whose runs succeed at once, run until it has done one."""

    def __init__(self, target: PythonTarget, **fields: Any) -> None:
        self.queue = MemoryWorkQueue()
        self.launchers: list[QuickLauncher] = []
        clock = FakeClock()

        def launcher(listener: Any) -> QuickLauncher:
            self.launchers.append(QuickLauncher(listener))
            return self.launchers[-1]

        service = WorkerService(
            queue=self.queue,
            launchers=launcher,
            targets={"resize": target},
            clock=clock,
            grace_s=1,
        )
        self.queue.on_acknowledged = service.stop
        self.queue.put(Taken("tag", an_assignment(**fields), doubtful=False))
        self.status = service.run()
        (self.work,) = self.launchers[0].works


def test_a_run_reaches_the_launcher_as_the_executor_would_send_it() -> None:
    """Ids, attempt, term, cause and fire time; its time is the executor's and a margin."""
    scene = Scene(
        PythonTarget(callable="shop:resize"),
        attempt=2,
        term=7,
        trigger_id="t",
        cause="schedule",
        fire_time="2026-12-01T12:00:00Z",
        timeout_s=5.0,
    )
    run = scene.work.run
    assert (run.id, run.job, run.attempt, run.term) == ("r1", "resize", 2, 7)
    assert (run.trigger_id, run.cause) == ("t", Cause.SCHEDULE)
    assert run.fire_at == datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert scene.work.definition.timeout == timedelta(seconds=5) + TIMEOUT_MARGIN
    assert scene.status == 0
    assert [status.value for _, status, _ in scene.queue.told] == ["running", "completed"]


def test_a_message_that_tells_little_or_oddly_is_a_run_all_the_same() -> None:
    """Whoever speaks the bare protocol sends no more than an id; a newer executor may say more."""
    scene = Scene(PythonTarget(callable="shop:resize"), cause="omen", fire_time="noon")
    assert (scene.work.run.cause, scene.work.run.fire_at) == (Cause.MANUAL, None)
    assert scene.work.definition.timeout > timedelta(days=1000)


def test_arguments_of_the_run_replace_those_of_the_function_and_are_not_filled_in_again() -> None:
    """Braces in them are the executor's last word."""
    scene = Scene(
        PythonTarget(callable="shop:resize", arguments={"size": 3, "name": "{{ run.id }}"}),
        arguments={"size": 4, "odd": ["{{ x }}", "{{{{", 1]},
    )
    target = filled_in(scene.work.run, scene.work.definition, {})
    assert isinstance(target, PythonTarget)
    assert json.loads(json.dumps(target.arguments)) == {
        "size": 4,
        "name": "r1",
        "odd": ["{{ x }}", "{{{{", 1],
    }
