"""Workers as processes of their own: ``solocron worker``, and the one that the README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.failover.served import PATIENCE_S, ROOT
from tests.servers.process import end, launch


class Worker:
    """A process that takes runs; a context manager.

    Args:
        name: of its log file in *folder*.
        argv: what Python is to run.
    """

    def __init__(
        self, folder: Path, name: str, argv: list[str], environ: Mapping[str, str]
    ) -> None:
        self._log = folder / f"{name}.log"
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{folder}",
            "SOLOCRON_INSTANCE": name,
            **environ,
        }
        with self._log.open("ab") as log:
            self.process = launch([sys.executable, *argv], env=variables, output=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(f"--- {self._log.name}\n{self.log[-4000:]}")
        end(self.process)

    @property
    def log(self) -> str:
        """Everything that it has written."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Kill it with -9 and wait until it is gone."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """Ask it to end, and return its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended:\n{self.log}") from None


def solocron_worker(folder: Path, name: str, environ: Mapping[str, str], *arguments: str) -> Worker:
    """Start ``solocron worker``; its modules may lie in *folder*."""
    return Worker(folder, name, ["-m", "executor.cli", "worker", *arguments], environ)


def readme_worker(folder: Path, name: str, environ: Mapping[str, str], job: str) -> Worker:
    """Start the worker that the README shows, for *job*."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"(?ms)^    import json, os, pika$.*?^(?=\S)", readme)
    assert found is not None
    program = textwrap.dedent(found[0]).replace('JOB = "resize"', f"JOB = {job!r}")
    assert job in program
    return Worker(folder, name, ["-c", program], environ)
