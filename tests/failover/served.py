"""An instance as operators run it: ``solocron serve`` on the embedded default."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil  # type: ignore[import-untyped]

from tests.servers.process import end, launch
from tests.servers.reservation import reserve_port
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance runs.

    Attributes:
        launch: starts a process there; takes what :func:`~tests.servers.process.launch` takes.
        address: where its web is reached.
        environ: what an instance must be told there.
    """

    launch: Callable[..., subprocess.Popen[bytes]]
    address: str
    environ: Mapping[str, str]


#: On this machine's own network.
HERE = Place(launch, "127.0.0.1", {})

#: Seconds that a process may take to start or end on a machine with much else to do.
PATIENCE_S = 30.0


class Served:
    """A command of ours as a process, with its own data folder and port; nothing survives it.

    Args:
        folder: for data and log.
        command: ``serve``, or one of its two halves.
        settings: more environment variables.
        program: what Python is to run.
        place: where it runs.
    """

    def __init__(
        self,
        folder: Path,
        command: str = "serve",
        settings: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "executor.cli"),
        place: Place = HERE,
    ) -> None:
        self._port = reserve_port()
        self._log = folder / f"{command}.log"
        self.url = f"http://{place.address}:{self._port.number}"
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PORT": str(self._port.number),
            "SOLOCRON_DATA": str(folder / "data"),
            "SOLOCRON_GRACE": "2s",
            **(settings or {}),
            **place.environ,
        }
        with self._log.open("ab") as log:
            argv = [sys.executable, *program, command]
            self.process = place.launch(argv, env=environ, output=log)
        self._known: dict[int, psutil.Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.descendants()
        end(self.process)
        for process in self._known.values():
            if alive(process):
                process.kill()
        self._port.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port.number

    @property
    def log(self) -> str:
        """Everything that it and its children have written."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def descendants(self) -> list[psutil.Process]:
        """Return every process seen below it now or earlier that still lives."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            found = []
        self._known.update({process.pid: process for process in found})
        return [process for process in self._known.values() if alive(process)]

    def find(self, *words: str) -> psutil.Process:
        """Return its oldest descendant with these *words* in its command line, once it is there."""

        def look() -> psutil.Process | None:
            matching = [p for p in self.descendants() if set(words) <= set(_words(p))]
            return min(matching, key=lambda p: p.pid) if matching else None

        found = eventually(look, PATIENCE_S, f"a process with {words} below {self.process.pid}")
        assert found is not None
        return found

    def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return status and JSON document of an answer.

        Raises:
            OSError: there is no answer, or it broke off.
        """
        body = None if document is None else json.dumps(document).encode()
        own = {"Content-Type": "application/json"} if body else {}
        own |= headers or {}
        request = urllib.request.Request(self.url + path, body, own, method=method)
        try:
            with _answered(request) as answer:
                return answer.status, json.load(answer)
        except HTTPException as error:
            # Killed between the head of its answer and the body.
            raise ConnectionResetError(f"{method} {path} broke off") from error

    def fetch(self, path: str) -> bytes:
        """Return the body of a successful GET."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return bytes(answer.read())

    def await_executing(self) -> Self:
        """Wait until its executor executes."""

        def executing() -> bool:
            assert self.process.poll() is None, self.log
            status, document = self.request("GET", "/v1/status")
            return status == HTTPStatus.OK and document["state"] == "executing"

        eventually(executing, PATIENCE_S, "the instance executes", ignoring=(OSError,))
        return self

    def run_command(self, command: str) -> None:
        """Create a job with this *command* and run it now."""
        job = {"name": "errand", "target": {"kind": "command", "command": command}}
        status, document = self.request("POST", "/v1/jobs", job)
        assert status == HTTPStatus.CREATED, document
        status, document = self.request("POST", "/v1/jobs/errand/trigger")
        assert status == HTTPStatus.CREATED, document

    def await_end(self) -> int:
        """Return its exit status."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended:\n{self.log}") from None

    def await_nothing_left(self) -> None:
        """Wait until no process that was ever seen below it lives."""
        eventually(lambda: not self.descendants(), PATIENCE_S, "nothing is left running")


def alive(process: psutil.Process) -> bool:
    """Tell whether *process* runs; one that has ended and was not reaped does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return []


def _answered(request: urllib.request.Request) -> Any:
    """Return the answer, whatever its status."""
    try:
        return urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as refusal:
        return refusal
