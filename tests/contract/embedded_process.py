"""A process that uses a data folder until somebody kills it.

Run as ``python -m tests.contract.embedded_process ROLE FOLDER NAME``.  What it has done it
prints, a line for each thing; a line is printed only after the adapter has answered.
"""

import os
import resource
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

from executor.adapters.local import LocalIntake, LocalToken
from executor.adapters.sqlite import SqliteStore
from executor.adapters.sqlite.data_folder import DATABASE
from executor.domain.errors import StoreUnavailable
from executor.domain.run import RunChange, RunState
from executor.domain.writes import JobProgress, JobWrite
from executor.ports.broker import TokenNews, TokenWon
from tests.contract.store_world import a_claim, a_job, a_run, an_answer, slot


def say(*words: object) -> None:
    """Print a line, whole or not at all."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def hold(folder: Path, name: str) -> None:
    """Compete for the token."""
    LocalToken(folder, name).start(_say_news)
    say("competing")


def hold_with_program(folder: Path, name: str) -> None:
    """Compete for the token; once won, start a program that outlives us."""

    def on_news(news: TokenNews) -> None:
        program = subprocess.Popen(["sleep", "600"], close_fds=False, stdout=subprocess.DEVNULL)
        say("child", program.pid)
        _say_news(news)

    LocalToken(folder, name).start(on_news)


def hold_with_fork(folder: Path, name: str) -> None:
    """Compete for the token; once won, fork a copy that outlives us."""
    won = threading.Event()
    LocalToken(folder, name).start(lambda news: won.set())
    won.wait()
    pid = os.fork()
    if pid:
        say("child", pid)
        say("won")


def take(folder: Path, name: str) -> None:
    """Take commands and settle none."""
    intake = LocalIntake(folder)
    intake.start(lambda delivery: say("took", delivery.command.id))
    intake.open()


def write(folder: Path, name: str) -> None:
    """Write without end, everything that an executor writes."""
    store = SqliteStore(folder / DATABASE)
    for batch in count():
        try:
            store.prepare()
            _write_batch(store, f"{name}-{batch}")
        except StoreUnavailable as error:
            say("failed", error)


def _write_batch(store: SqliteStore, name: str) -> None:
    claims = [a_claim(f"{name}-{i}", slot(i), job_id=name) for i in range(20)]
    store.insert_runs(claims)
    say("claimed", *(claim.id for claim in claims))
    ends = [RunChange(run_id=claim.id, term=1, state=RunState.SUCCEEDED) for claim in claims]
    store.change_runs(ends)
    say("ended", *(end.run_id for end in ends))
    store.write_jobs([JobWrite(a_job(name, next_fire_at=slot(0)), None)])
    say("created", name)
    store.advance_jobs([JobProgress(job_id=f"job-{name}", revision=1, next_fire_at=slot(9))])
    say("advanced", name)
    store.save_results([an_answer(name)])
    say("answered", name)


def fill(folder: Path, name: str) -> None:
    """Write until there is no room, and once more when there is."""
    store = SqliteStore(folder / DATABASE)
    store.prepare()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Not a byte beyond this in any file: for the database that is a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    for batch in count():
        try:
            store.insert_runs([a_run(f"{name}-{batch}-{i}", error="x" * 500) for i in range(20)])
        except StoreUnavailable:
            say("full")
            break
        say("inserted", *(f"{name}-{batch}-{i}" for i in range(20)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.insert_runs([a_run(f"{name}-more")])
    say("inserted", f"{name}-more")
    say("healed")


def _say_news(news: TokenNews) -> None:
    say("won" if isinstance(news, TokenWon) else "lost")


def main() -> None:
    """Play the role named on the command line, for ever."""
    role, folder, name = sys.argv[1:]
    roles = (hold, hold_with_program, hold_with_fork, take, write, fill)
    {one.__name__: one for one in roles}[role](Path(folder), name)
    threading.Event().wait()


if __name__ == "__main__":
    main()
