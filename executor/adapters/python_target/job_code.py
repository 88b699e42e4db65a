"""Asking the modules with jobs, each in a process of its own, all at the same time.

The processes are interpreters with ``executor.job_process.inquiry``.  They see the same
environment as runs do.  What they print goes to this process's standard error.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from executor.adapters.command_target.surroundings import inherited
from executor.adapters.python_target.lifeline import Lifeline
from executor.domain.declared import Declaration, Declarations

#: Seconds that the imports may take: longer ones would delay each of their runs as well.
IMPORT_S: Final = 60.0

#: Seconds that the precondition may take: it may have to change a database.
PRECONDITION_S: Final = 600.0

#: Longest answer of one module, bytes; more is no list of jobs.
_LONGEST: Final = 16 * 1024**2

#: Standard output is for log lines, which may have to be JSON.
_STANDARD_ERROR: Final = 2

_PROGRAM: Final = ("-X", "faulthandler", "-m", "executor.job_process.inquiry")


@dataclass(frozen=True, slots=True)
class _Inquiry:
    process: subprocess.Popen[bytes]
    answer: IO[bytes]


class PythonJobCode:
    """A :class:`~executor.ports.code.JobCode`.

    Args:
        modules: those with jobs.
        precondition: the function to ask, as ``module:function``; None if there is none.
        environ: the executor's environment; the code sees it without settings and secrets.
        import_s, precondition_s: seconds after which an answer is not waited for any more.
    """

    def __init__(
        self,
        modules: Sequence[str],
        precondition: str | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        import_s: float = IMPORT_S,
        precondition_s: float = PRECONDITION_S,
    ) -> None:
        self._modules = tuple(modules)
        self._precondition = precondition
        self._environment = inherited(environ)
        self._import_s = import_s
        self._precondition_s = precondition_s
        self._lifeline = Lifeline()

    def declarations(self) -> Declarations:
        """Import the modules and return what they declare."""
        asked: dict[str, _Inquiry | str] = {}
        for module in self._modules:
            asked[module] = self._ask("declarations", module)
        deadline = time.monotonic() + self._import_s
        jobs: list[Declaration] = []
        failures: dict[str, str] = {}
        for module, inquiry in asked.items():
            answer = self._answer(inquiry, deadline, self._import_s)
            if answer["error"] is not None:
                failures[module] = str(answer["error"])
            for document in answer["jobs"]:
                name = str(document.get("name"))
                jobs.append(Declaration(module=module, name=name, document=document))
        return Declarations(jobs=tuple(jobs), failures=failures)

    def precondition(self) -> str | None:
        """Call the precondition; None if it returned, else why not."""
        if self._precondition is None:
            return None
        inquiry = self._ask("precondition", self._precondition)
        deadline = time.monotonic() + self._precondition_s
        error = self._answer(inquiry, deadline, self._precondition_s)["error"]
        return None if error is None else str(error)

    def stop(self) -> None:
        """Let the kernel kill what is under way; nothing more is started."""
        self._lifeline.close()

    def _ask(self, kind: str, subject: str) -> _Inquiry | str:
        """Start a process with a question; why not, if it cannot be started."""
        answer = os.fdopen(os.memfd_create("answer"), "r+b")
        try:
            with self._lifeline.end() as lifeline:
                ends = (answer.fileno(), lifeline)
                process = subprocess.Popen(
                    (sys.executable, *_PROGRAM, kind, subject, *map(str, ends)),
                    stdin=subprocess.DEVNULL,
                    stdout=_STANDARD_ERROR,
                    env=self._environment,
                    start_new_session=True,
                    pass_fds=ends,
                )
        except OSError as error:
            answer.close()
            return f"its process cannot be started: {error}"
        return _Inquiry(process, answer)

    def _answer(self, inquiry: _Inquiry | str, deadline: float, limit_s: float) -> dict[str, Any]:
        """Wait for the answer to a question; its ``error`` says what went wrong instead."""
        if isinstance(inquiry, str):
            return _no_answer(inquiry)
        process = inquiry.process
        with inquiry.answer as answer:
            try:
                status = process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                # Not waited for, so the number is still its own.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return _no_answer(f"no answer within {limit_s:g} s")
            answer.seek(0)
            return _read(answer.read(_LONGEST + 1), status)


def _read(text: bytes, status: int) -> dict[str, Any]:
    if len(text) > _LONGEST:
        return _no_answer(f"its answer is longer than {_LONGEST:,} bytes")
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        return _no_answer(f"its process died ({how})")
    return found


def _no_answer(error: str) -> dict[str, Any]:
    return {"error": error, "jobs": []}
