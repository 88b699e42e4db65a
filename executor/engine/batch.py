"""Commands on their way to their answers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from executor.domain.command import Command, CommandResult
from executor.domain.session import Session
from executor.engine.roster import Roster
from executor.engine.scene import SaveAlong, Write, WriteRecord, touched_by
from executor.engine.timing import COMMAND_BATCH


@dataclass(slots=True)
class Case:
    """A command on its way to its answer.

    Attributes:
        is_new: nothing can be remembered of it.
        is_verified: a job's record shows what it did, and the term stood after that was written.
    """

    tag: object
    command: Command
    is_new: bool
    result: CommandResult | None = None
    is_verified: bool = False


@dataclass(slots=True)
class Batch:
    """Commands that go through the steps together, by their ids, and how far they have come."""

    cases: dict[str, Case] = field(default_factory=dict)
    repeats: list[Case] = field(default_factory=list)
    writes: dict[str, Write] = field(default_factory=dict)
    first: list[tuple[str, Write]] = field(default_factory=list)
    uses: dict[str, datetime] = field(default_factory=dict)
    opened: list[Session] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    named: dict[str, WriteRecord] = field(default_factory=dict)
    kept: bool = False
    claims: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    deciding: bool = False
    verifying: bool = False

    def fill(self, waiting: deque[Case], roster: Roster) -> None:
        """Take the first of *waiting*, in their order.

        At most one of them concerns a given job, so decisions see what is stored.
        """
        subjects: set[str] = set()
        while waiting and len(self.cases) < COMMAND_BATCH:
            case = waiting[0]
            if case.command.id in self.cases:
                self.repeats.append(waiting.popleft())
                continue
            touched = touched_by(case.command, roster)
            if touched & subjects:
                return
            subjects |= touched
            self.cases[case.command.id] = waiting.popleft()

    def save_along(self, decision: SaveAlong) -> None:
        """Note what is to be written together with the answers."""
        self.uses.update(decision.uses)
        if decision.opened is not None:
            self.opened.append(decision.opened)
        if decision.closed is not None:
            self.closed.append(decision.closed)
