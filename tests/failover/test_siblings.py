"""The rules by which siblings live and die, shown on shell scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.failover.served import PATIENCE_S, ROOT
from tests.servers.process import end, launch
from tests.waiting import eventually

#: Runs until it is told to end.
OBEDIENT = "trap 'exit 0' TERM; sleep 4321 & wait"

#: Runs until it is killed.
DEAF = "trap '' TERM; while :; do sleep 4321; done"

#: Seconds that no test waits for.
FOR_EVER = "4321"


@contextmanager
def siblings(
    folder: Path, *arguments: str, prefix: str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run siblings in *folder*; yields the process and the file with its log."""
    log = folder / "log"
    command = [sys.executable, "-m", "tests.failover.shell_siblings", *arguments]
    if prefix:
        command = ["/bin/sh", "-c", f'{prefix}; exec "$@"', "sh", *command]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "FOLDER": str(folder)}
    with log.open("ab") as output:
        process = launch(command, env=environ, output=output)
    try:
        yield process, log
    finally:
        # Shell scripts have no lifeline: the parent must end them.
        process.terminate()
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        end(process)


def started(log: Path, count: int = 2) -> list[int]:
    """Wait until *count* programs run; return their process ids."""

    def pids() -> list[int]:
        text = log.read_text(encoding="utf-8")
        return [int(part.split()[0]) for part in text.split("pid=")[1:]][:count]

    eventually(lambda: len(pids()) == count, PATIENCE_S, "the programs are started")
    return pids()


def gone(pid: int) -> bool:
    """Tell whether no such process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("last_words", "status"), [("exit 0", 1), ("exit 3", 3), ("kill -9 $$", 1)]
)
def test_the_end_of_one_is_the_end_of_all(tmp_path: Path, last_words: str, status: int) -> None:
    """However one ends, the other is stopped, and the whole fails."""
    with siblings(tmp_path, FOR_EVER, last_words, OBEDIENT) as (process, log):
        assert process.wait(PATIENCE_S) == status, log.read_text()

        assert all(map(gone, started(log)))


def test_siblings_have_process_groups_of_their_own(tmp_path: Path) -> None:
    """Ctrl-C on a terminal reaches the parent alone."""
    with siblings(tmp_path, FOR_EVER, OBEDIENT, OBEDIENT) as (process, log):
        first, second = started(log)

        groups = {os.getpgid(first), os.getpgid(second), os.getpgid(process.pid)}

        assert groups == {first, second, process.pid}


def test_what_is_deaf_to_sigterm_is_killed_after_the_limit(tmp_path: Path) -> None:
    """The one that obeyed does not make up for the other: the whole fails."""
    with siblings(tmp_path, "0.5", OBEDIENT, DEAF) as (process, log):
        pids = started(log)
        process.terminate()

        assert process.wait(PATIENCE_S) == 1

        assert "process killed" in log.read_text()
        assert all(map(gone, pids))


def test_a_second_interrupt_does_not_wait_for_the_limit(tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    with siblings(tmp_path, FOR_EVER, DEAF, DEAF) as (process, log):
        pids = started(log)
        process.send_signal(signal.SIGINT)
        eventually(lambda: "stopping" in log.read_text(), PATIENCE_S, "it is stopping")

        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE_S) == 1
        assert all(map(gone, pids))


def test_what_a_sibling_leaves_behind_is_ended(tmp_path: Path) -> None:
    """A process that left both its group and its session is found all the same."""
    script = f"setsid sh -c 'echo $$ > $FOLDER/daemon; sleep {FOR_EVER}' & {OBEDIENT}"
    with siblings(tmp_path, FOR_EVER, script, OBEDIENT) as (process, log):
        daemon = tmp_path / "daemon"
        eventually(
            lambda: daemon.exists() and daemon.read_text().strip(), PATIENCE_S, "the daemon runs"
        )
        started(log)
        process.terminate()

        assert process.wait(PATIENCE_S) == 0

        assert gone(int(daemon.read_text()))


def test_a_hangup_that_the_parent_shall_ignore_is_ignored(tmp_path: Path) -> None:
    """Under nohup the service outlives its terminal."""
    with siblings(tmp_path, FOR_EVER, OBEDIENT, OBEDIENT, prefix="trap '' HUP") as (process, log):
        started(log)
        process.send_signal(signal.SIGHUP)
        process.terminate()

        assert process.wait(PATIENCE_S) == 0

        assert "reason=SIGTERM" in log.read_text()
