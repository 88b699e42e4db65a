"""Programs for the tests to run, and what the kernel knows of their processes."""

import sys
from contextlib import suppress
from pathlib import Path

from executor.domain.run import Outcome
from executor.domain.targets import CommandTarget, Target
from executor.ports.target import Launcher
from tests.contract.launcher_contract import make_work
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually


def shell(script: str) -> CommandTarget:
    """Return a target that runs *script* in a shell."""
    return CommandTarget(argv=("/bin/sh", "-c", script))


def python(script: str) -> CommandTarget:
    """Return a target that runs *script* in a bare interpreter."""
    return CommandTarget(argv=(sys.executable, "-I", "-S", "-c", script))


def state_of(pid: int) -> str:
    """Return the kernel's letter for the state of a process, Z for a zombie, empty if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Say whether the process exists and is more than a zombie."""
    return state_of(pid) not in {"", "Z"}


def children() -> set[int]:
    """Return the processes that this one has started and not yet reaped."""
    found: set[int] = set()
    for thread in list(Path("/proc/self/task").iterdir()):
        # One that was joined a moment ago may be about to go.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.update(map(int, (thread / "children").read_text().split()))
    return found


def written_pids(path: Path, count: int) -> list[int]:
    """Return the process ids that *count* processes write into *path*, once they have."""

    def read() -> list[int]:
        pids = [int(line) for line in path.read_text().split()] if path.exists() else []
        return pids if len(pids) == count else []

    return eventually(read, 10, f"{count} processes have written their ids")


def run(launcher: Launcher, log: WorkLog, target: Target, timeout_s: float = 60) -> Outcome:
    """Start *target* and return how it ended."""
    launcher.start([make_work(target, timeout_s=timeout_s)])
    return log.wait_for_end("run", timeout_s=20)


def said(outcome: Outcome) -> str:
    """Return the whole output."""
    assert outcome.output is not None
    assert outcome.output.tail == ""
    return outcome.output.head
