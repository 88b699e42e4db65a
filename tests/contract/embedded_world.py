"""Processes on a data folder, as the tests of the embedded adapters see them."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import end, launch
from tests.waiting import eventually

_ROOT = Path(__file__).parents[2]

#: Seconds a process may take to say something, on a busy machine.
PATIENCE_S = 30.0


class Child:
    """One process of ``embedded_process``; leaving the context kills it."""

    def __init__(self, role: str, folder: Path, name: str = "child") -> None:
        self.said: list[list[str]] = []
        self._process = launch(
            [sys.executable, "-m", "tests.contract.embedded_process", role, str(folder), name],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            output=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, name=f"reader of {name}")
        self._reader.start()

    def await_word(self, word: str, number: int = 1) -> list[str]:
        """Wait until it has said *word* so often; return the rest of that line."""

        def lines() -> list[list[str]]:
            return [line for line in list(self.said) if line[0] == word]

        eventually(lambda: len(lines()) >= number, PATIENCE_S, f"{word}, after {self.said[-5:]}")
        return lines()[number - 1][1:]

    def kill_alone(self) -> None:
        """End it with SIGKILL and leave the children it has."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End it with SIGKILL; everything it had said is known afterwards."""
        self.kill_alone()
        self._reader.join(PATIENCE_S)
        end(self._process)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if words := line.decode().split():
                self.said.append(words)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
