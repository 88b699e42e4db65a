"""Users of jobs with policies: one who lets a job rest for a while, one who fills in the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.instant import to_text
from tests.simulation.correspondence import Correspondence
from tests.simulation.world import EPOCH, World

#: What is filled in begins so long (s) before the beginning of the history at most.
_LONG_AGO_S: Final = 30.0


class Napper:
    """Lets a job rest again and again, each time until an instant of the near future."""

    def __init__(self, world: World, post: Correspondence, until: float, job: str) -> None:
        self._world = world
        self._post = post
        self._until = until
        self._job = job
        self._number = 0
        self.acknowledged: list[tuple[float, Command]] = []
        world.after(world.random.uniform(1.0, 6.0), self._ask)

    def _ask(self) -> None:
        if self._world.time > self._until:
            return
        self._number += 1
        nap = timedelta(seconds=self._world.random.uniform(1.0, 6.0))
        command_id = f"napper-{self._job}-{self._number}"
        command = Command(
            id=command_id,
            kind=CommandKind.PAUSE_JOB,
            subject=self._job,
            arguments={"reason": command_id, "until": to_text(self._world.now() + nap)},
            sent_at=self._world.now(),
        )
        self._post.ask(command, self._on_answer)

    def _on_answer(self, result: CommandResult) -> None:
        self._world.after(self._world.random.uniform(1.0, 8.0), self._ask)


class Historian:
    """Wants slots filled in of the time before the history began."""

    def __init__(self, world: World, post: Correspondence, until: float, job: str) -> None:
        self._world = world
        self._post = post
        self._until = until
        self._job = job
        self._number = 0
        world.after(world.random.uniform(1.0, 10.0), self._ask)

    def _ask(self) -> None:
        if self._world.time > self._until:
            return
        self._number += 1
        ago = timedelta(seconds=self._world.random.uniform(1.0, _LONG_AGO_S))
        long = timedelta(seconds=self._world.random.uniform(0.0, 40.0))
        command = Command(
            id=f"historian-{self._number}",
            kind=CommandKind.BACKFILL_JOB,
            subject=self._job,
            arguments={"from": to_text(EPOCH - ago), "to": to_text(EPOCH - ago + long)},
            sent_at=self._world.now(),
        )
        self._post.ask(command, self._on_answer)

    def _on_answer(self, result: CommandResult) -> None:
        self._world.after(self._world.random.uniform(2.0, 12.0), self._ask)
