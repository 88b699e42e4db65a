"""Jobs that are declared in code, brought into line with what is stored; and the precondition.

When an executor knows every job it asks what the code declares, and gives itself a command
for each job that is not as declared.  These go the way of all commands: they are decided in
order, fenced, and make revisions.  Those that are refused are given again when a secret, a calendar
or a channel is put: it may be what they lacked.

The precondition is asked first of all.  Until it is met nothing is handed off and no second
is opened; what comes due meanwhile is caught up as the jobs say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Final

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.declared import Declaration, Declarations, in_order
from executor.domain.identity import declaring_command_id
from executor.domain.job import Job
from executor.engine.answers import Own
from executor.engine.desk import Desk
from executor.engine.effects import AskPrecondition, ReadDeclarations
from executor.engine.roster import Roster

#: Pause before a precondition that is not met is asked again, seconds: first, at most.
ASK_AGAIN_S: Final = (1.0, 60.0)

#: Who asks for what is declared, as the audit names him.
_ACTOR: Final = "code"

#: Faults of the code that are named in the list of instances, and characters of each.
_NAMED: Final = 3
_SHOWN: Final = 300


class Precondition:
    """Whether scheduling may begin; belongs to one term."""

    def __init__(self, desk: Desk, wanted: bool) -> None:
        self._desk = desk
        self.met = not wanted
        self._asked: AskPrecondition | None = None
        self._next = -inf
        self._pause_s = ASK_AGAIN_S[0]
        self._fault = "" if self.met else "the precondition is being asked"

    def answered(self, request: AskPrecondition, fault: str | None) -> None:
        """Take the answer: *fault* None if it is met, else why not."""
        if request is not self._asked:
            return
        self._asked = None
        if fault is None:
            self.met = True
            self._fault = ""
            self._desk.note("precondition_met", "the precondition is met; scheduling begins")
            return
        self._fault = f"the precondition is not met: {fault[:_SHOWN]}"
        self._next = self._desk.monotonic + self._pause_s
        self._desk.note(
            "precondition_failed",
            "nothing is scheduled: the precondition is not met",
            "ERROR",
            error=fault,
            seconds=self._pause_s,
        )
        self._pause_s = min(self._pause_s * 2, ASK_AGAIN_S[1])

    def advance(self) -> None:
        """Ask if it is time."""
        if not self.met and self._asked is None and self._desk.monotonic >= self._next:
            self._asked = AskPrecondition()
            self._desk.emit(self._asked)

    def ailing(self) -> list[str]:
        """Say why nothing is scheduled, for the list of instances."""
        return [] if self.met else [f"nothing is scheduled: {self._fault}"]

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next question."""
        return inf if self.met or self._asked is not None else self._next


class CodeJobs:
    """The declarations of one term."""

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        receive: Callable[[object, Command, bool], None],
        term: int,
        wanted: bool,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._receive = receive
        self._term = term
        self._request = ReadDeclarations() if wanted else None
        self._sent = False
        self._declarations: Declarations | None = None
        self._numbers = 0
        #: Not sent yet: each with the job (name or id) and the module that it is about.
        self._waiting: deque[tuple[str, str, Declaration | None]] = deque()
        self._out: set[str] = set()
        self._faults: dict[str, str] = {}
        self._refused: dict[str, Declaration] = {}

    def advance(self) -> None:
        """Ask once, when every job is known."""
        if self._request is not None and not self._sent:
            self._sent = True
            self._desk.emit(self._request)

    def read(self, request: ReadDeclarations, declarations: Declarations) -> None:
        """Take what the code declares."""
        if request is not self._request:
            return
        self._declarations = declarations
        self._desk.note(
            "code_read",
            "the declarations of jobs are read",
            term=self._term,
            jobs=len(declarations.jobs),
            failed=len(declarations.failures),
        )
        for module, error in declarations.failures.items():
            self._complain(f"module {module}", error)
        self._bring_into_line(declarations)

    def again(self) -> None:
        """Begin anew: the commands that were on their way are forgotten."""
        self._out.clear()
        self._waiting.clear()
        self._refused.clear()
        if self._declarations is not None:
            self._bring_into_line(self._declarations)

    def retry(self) -> None:
        """Give again what was refused: something that it may name is there now."""
        refused = in_order(self._refused)
        self._refused = {}
        self._waiting.extend((one.name, one.module, one) for one in refused)
        self._send()

    def _bring_into_line(self, declarations: Declarations) -> None:
        declared: dict[str, Declaration] = {}
        for one in declarations.jobs:
            if declared.setdefault(one.name, one) is not one:
                other = declared[one.name].module
                self._complain(f"job {one.name}", f"declared in {one.module} and in {other}")
        for declaration in in_order(declared):
            job = self._roster.find(declaration.name)
            if job is None or job.code != declaration.origin:
                self._waiting.append((declaration.name, declaration.module, declaration))
        for job_id in self._roster.ids():
            job = self._roster.get(job_id)
            if job is not None and self._has_vanished(job, declared, declarations):
                assert job.code is not None
                self._waiting.append((job.id, job.code.module, None))
                self._desk.note(
                    "job_not_in_code",
                    "a job that was declared in code is not any more; it goes on until deleted",
                    "WARNING",
                    job=job.name,
                    job_id=job.id,
                    module=job.code.module,
                )
        self._send()

    def _send(self) -> None:
        """Give the next commands, up to one that names a job of another; then wait for answers."""
        sent: set[str] = set()
        while self._waiting and (sent or not self._out):
            subject, _, declaration = self._waiting[0]
            if declaration is not None and sent.intersection(declaration.names()):
                return
            sent.add(subject)
            self._command(*self._waiting.popleft())

    def _has_vanished(
        self, job: Job, declared: dict[str, Declaration], declarations: Declarations
    ) -> bool:
        code = job.code
        if code is None or not code.present or job.name in declared:
            return False
        # Of a module that cannot be imported nobody knows.
        return code.module not in declarations.failures

    def _command(self, subject: str, module: str, declaration: Declaration | None) -> None:
        self._numbers += 1
        arguments: dict[str, object] = {"by": "code", "module": module}
        if declaration is not None:
            arguments |= {"digest": declaration.digest, "definition": dict(declaration.document)}
        command = Command(
            id=declaring_command_id(self._term, self._numbers),
            kind=CommandKind.DECLARE_JOB,
            subject=subject,
            arguments=arguments,
            sent_at=self._desk.now,
            repeatable=False,
            actor=_ACTOR,
        )
        self._out.add(command.id)
        answered = partial(self._answered, subject, declaration)
        self._receive(Own(answered), command, True)

    def _answered(
        self, subject: str, declaration: Declaration | None, result: CommandResult
    ) -> None:
        if result.command_id not in self._out:
            return
        self._out.discard(result.command_id)
        if result.status in {ResultStatus.CREATED, ResultStatus.DONE}:
            self._faults.pop(f"job {subject}", None)
        else:
            self._complain(f"job {subject}", result.message)
            if declaration is not None:
                self._refused[subject] = declaration
        self._send()

    def _complain(self, subject: str, error: str) -> None:
        if self._faults.get(subject) == error:
            return
        self._faults[subject] = error
        self._desk.note(
            "code_refused",
            "jobs in code cannot be taken over; every other one is",
            "ERROR",
            subject=subject,
            error=error,
        )

    def ailing(self) -> list[str]:
        """Say what is wrong with the code, for the list of instances."""
        if not self._faults:
            return []
        named = [f"{one}: {error[:_SHOWN]}" for one, error in self._faults.items()][:_NAMED]
        more = f"; and {len(self._faults) - _NAMED} more" if len(self._faults) > _NAMED else ""
        return [f"jobs in code: {'; '.join(named)}{more}"]
