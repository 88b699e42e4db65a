"""Clients that change jobs and insist: the same command again until it is answered.

Each client owns one job, so what is in force after an answer is known exactly.
"""

from __future__ import annotations

from typing import Any

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from tests.simulation.broker import ModelBroker
from tests.simulation.world import World

#: A client repeats an unanswered command after so long.
PATIENCE_S = 2.0


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
        "retrigger": 2,
    }


class Client:
    """One user with one job."""

    def __init__(self, name: str, world: World, broker: ModelBroker) -> None:
        self.name = name
        self._world = world
        self._broker = broker
        self._number = 0
        self.active = True
        self.acknowledged: dict[str, Any] = {"exists": False, "paused": False, "note": ""}
        self.pending: dict[str, Any] | None = None
        self.triggered: list[str] = []
        self.surprises: list[str] = []
        self._world.after(world.random.uniform(1.0, 3.0), self._ask)

    def _ask(self) -> None:
        if not self.active:
            return
        self._number += 1
        command, expected = self._choose()
        self.pending = expected
        self._send(command)

    def _choose(self) -> tuple[Command, dict[str, Any]]:
        state = self.acknowledged
        kind = CommandKind.CREATE_JOB
        if state["exists"]:
            kind = self._world.random.choice(
                [
                    CommandKind.UPDATE_JOB,
                    CommandKind.UPDATE_JOB,
                    CommandKind.PAUSE_JOB,
                    CommandKind.RESUME_JOB,
                    CommandKind.TRIGGER_JOB,
                    CommandKind.CANCEL_RUN,
                    CommandKind.PUT_JOB,
                    CommandKind.DELETE_JOB,
                ]
            )
        note = f"note {self._number}"
        second = self._world.random.choice([1, 2, 3, 5])
        arguments: dict[str, Any] = {}
        expected = dict(state)
        match kind:
            case CommandKind.CREATE_JOB:
                arguments = {"definition": definition(self.name, second, note)}
                expected = {"exists": True, "paused": False, "note": note}
            case CommandKind.UPDATE_JOB | CommandKind.PUT_JOB:
                arguments = {"definition": definition(self.name, second, note)}
                expected["note"] = note
            case CommandKind.PAUSE_JOB:
                expected["paused"] = True
            case CommandKind.RESUME_JOB:
                expected["paused"] = False
            case CommandKind.DELETE_JOB:
                expected = {"exists": False, "paused": False, "note": ""}
            case _:
                pass
        command = Command(
            id=f"{self.name}-{self._number}",
            kind=kind,
            subject=self._last_run() if kind is CommandKind.CANCEL_RUN else self.name,
            arguments=arguments,
            sent_at=self._world.now(),
        )
        return command, expected

    def _last_run(self) -> str:
        return self.triggered[-1] if self.triggered else "no such run"

    def _send(self, command: Command) -> None:
        number = self._number
        self._broker.send(command, lambda result: self._on_reply(number, command, result))

        def again() -> None:
            if self._number == number and self.pending is not None and self.active:
                self._world.say(self.name, f"again {command.kind} {command.id}")
                self._send(command)

        self._world.after(PATIENCE_S, again)

    def _on_reply(self, number: int, command: Command, result: CommandResult) -> None:
        if number != self._number or self.pending is None:
            return
        self._world.say(self.name, f"{command.kind} {command.id} -> {result.status}")
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
