"""Users: the owner of one job, a crowd that shares one, and the editor of the steady jobs.

The definition that a command carries says by which command it came (its description),
and so does a pause (its reason): who made a revision can be read off it.
"""

from __future__ import annotations

from typing import Any, Final

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from tests.simulation.correspondence import Correspondence
from tests.simulation.work import LONG
from tests.simulation.world import World

#: How often a lost run of any job may be repeated.
RETRIGGER: Final = 2

#: The job of the crowd.
SHARED: Final = "shared"

_WITH_DEFINITION: Final = {CommandKind.CREATE_JOB, CommandKind.UPDATE_JOB, CommandKind.PUT_JOB}


def definition(name: str, second: int = 5, note: str = "") -> dict[str, Any]:
    """Return a job that is due every *second* seconds."""
    return {
        "name": name,
        "description": note,
        "schedule": {
            "kind": "cron",
            "expression": f"*/{second} * * * * *",
            "dialect": "cron6s",
        },
        "target": {"kind": "command", "command": "true"},
        "keep_runs": 100_000,
        "retrigger": RETRIGGER,
    }


def period_of(document: dict[str, Any]) -> int:
    """Return every how many seconds the job is due that :func:`definition` describes."""
    expression: str = document["schedule"]["expression"]
    return int(expression.split()[0].removeprefix("*/"))


class _Asker:
    """Numbers its commands and puts them into words."""

    def __init__(self, name: str, world: World, post: Correspondence) -> None:
        self._name = name
        self._world = world
        self._post = post
        self._number = 0

    def _command(self, kind: CommandKind, subject: str, second: int = 5) -> Command:
        self._number += 1
        command_id = f"{self._name}-{self._number}"
        arguments: dict[str, Any] = {}
        if kind in _WITH_DEFINITION:
            arguments = {"definition": definition(subject, second, command_id)}
        elif kind is CommandKind.PAUSE_JOB:
            arguments = {"reason": command_id}
        return Command(
            id=command_id,
            kind=kind,
            subject=subject,
            arguments=arguments,
            sent_at=self._world.now(),
        )


class Owner(_Asker):
    """One user with one job, who waits for every answer.

    So what is in force after an answer is known exactly.
    """

    _KINDS = (
        CommandKind.UPDATE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.PAUSE_JOB,
        CommandKind.RESUME_JOB,
        CommandKind.TRIGGER_JOB,
        CommandKind.CANCEL_RUN,
        CommandKind.PUT_JOB,
        CommandKind.DELETE_JOB,
    )

    def __init__(self, name: str, world: World, post: Correspondence) -> None:
        super().__init__(name, world, post)
        self.name = name
        self.acknowledged: dict[str, Any] = {"exists": False, "paused": False, "note": ""}
        self.pending: dict[str, Any] | None = None
        self.triggered: list[str] = []
        self.surprises: list[str] = []
        world.after(world.random.uniform(1.0, 3.0), self._ask)

    def _ask(self) -> None:
        if not self._post.active:
            return
        random = self._world.random
        kind = CommandKind.CREATE_JOB
        if self.acknowledged["exists"]:
            kind = random.choice(self._KINDS)
        last_run = self.triggered[-1] if self.triggered else "no such run"
        subject = last_run if kind is CommandKind.CANCEL_RUN else self.name
        command = self._command(kind, subject, random.choice([1, 2, 3, 5]))
        self.pending = self._expected(command)
        self._post.ask(command, lambda result: self._on_answer(command, result))

    def _expected(self, command: Command) -> dict[str, Any]:
        expected = dict(self.acknowledged)
        match command.kind:
            case CommandKind.CREATE_JOB:
                expected = {"exists": True, "paused": False, "note": command.id}
            case CommandKind.UPDATE_JOB | CommandKind.PUT_JOB:
                expected["note"] = command.id
            case CommandKind.PAUSE_JOB:
                expected["paused"] = True
            case CommandKind.RESUME_JOB:
                expected["paused"] = False
            case CommandKind.DELETE_JOB:
                expected = {"exists": False, "paused": False, "note": ""}
            case _:
                pass
        return expected

    def _on_answer(self, command: Command, result: CommandResult) -> None:
        assert self.pending is not None
        if result.status in {ResultStatus.CREATED, ResultStatus.DONE}:
            self.acknowledged = self.pending
            if command.kind is CommandKind.TRIGGER_JOB:
                assert result.run_id is not None
                self.triggered.append(result.run_id)
        elif not (
            command.kind in {CommandKind.TRIGGER_JOB, CommandKind.CANCEL_RUN}
            and result.status is ResultStatus.CONFLICT
        ):
            self.surprises.append(f"{command.id} {command.kind}: {result.status} {result.message}")
        self.pending = None
        self._world.after(self._world.random.uniform(0.05, 2.0), self._ask)


class Member(_Asker):
    """One of several users of one job, who do not wait for answers."""

    _KINDS = (
        CommandKind.CREATE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.PUT_JOB,
        CommandKind.PUT_JOB,
        CommandKind.PUT_JOB,
        CommandKind.PAUSE_JOB,
        CommandKind.RESUME_JOB,
        CommandKind.TRIGGER_JOB,
        CommandKind.TRIGGER_JOB,
        CommandKind.CANCEL_RUN,
        CommandKind.DELETE_JOB,
    )

    def __init__(self, name: str, world: World, post: Correspondence, until: float) -> None:
        super().__init__(name, world, post)
        self._until = until
        self._last_run = "no such run"
        world.after(world.random.uniform(1.0, 3.0), self._ask)

    def _ask(self) -> None:
        random = self._world.random
        if self._world.time > self._until:
            return
        for _ in range(random.choice([1, 1, 2, 4])):
            kind = random.choice(self._KINDS)
            subject = self._last_run if kind is CommandKind.CANCEL_RUN else SHARED
            self._post.ask(self._command(kind, subject, random.choice([1, 2, 3])), self._on_answer)
        self._world.after(random.uniform(0.1, 3.0), self._ask)

    def _on_answer(self, result: CommandResult) -> None:
        if result.kind is CommandKind.TRIGGER_JOB and result.run_id is not None:
            self._last_run = result.run_id


class Editor(_Asker):
    """Edits jobs that never rest: what they say, and pauses that are soon over.

    Each of *changeable* gets other schedules as well.
    """

    def __init__(
        self,
        world: World,
        post: Correspondence,
        until: float,
        steady: dict[str, int],
        changeable: str,
    ) -> None:
        super().__init__("editor", world, post)
        self._until = until
        self._steady = steady
        self._changeable = changeable
        world.after(world.random.uniform(1.0, 4.0), self._ask)

    def _ask(self) -> None:
        if self._world.time > self._until:
            return
        random = self._world.random
        if random.random() < 0.4:
            second = random.choice([1, 2, 3])
            command = self._command(CommandKind.UPDATE_JOB, self._changeable, second)
        else:
            name = random.choice([name for name in self._steady if not name.startswith(LONG)])
            kind = random.choice([CommandKind.UPDATE_JOB, CommandKind.PAUSE_JOB])
            command = self._command(kind, name, self._steady[name])
        self._post.ask(command, lambda result: self._on_answer(command))

    def _on_answer(self, command: Command) -> None:
        random = self._world.random
        if command.kind is CommandKind.PAUSE_JOB:
            resume = self._command(CommandKind.RESUME_JOB, command.subject)
            self._world.after(
                random.uniform(0.0, 1.5),
                lambda: self._post.ask(resume, lambda result: self._on_answer(resume)),
            )
        else:
            self._world.after(random.uniform(0.1, 3.0), self._ask)
