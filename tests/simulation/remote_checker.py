"""The judge of runs that go on elsewhere, by what their workers know of themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Final

from executor.domain.command import Command, CommandResult
from executor.domain.report import Report
from executor.domain.run import Run
from tests.simulation.checker import LIVE
from tests.simulation.clients import RETRIGGER
from tests.simulation.facts import Facts
from tests.simulation.ledger import Ledger
from tests.simulation.workers import Workers, is_remote
from tests.simulation.world import EPOCH, World

#: Longest silence that the jobs allow (s).
HEARTBEAT_S: Final = 4

#: A heartbeat may be lost, the next be on its way for long, and its effect wait for the store (s).
_ON_ITS_WAY_S: Final = 5.0


@dataclass(slots=True)
class RemoteWatch:
    """What is judged at the moment itself.

    ``heard_since``: since when every report that is sent arrives, infinity if it does not.
    """

    world: World
    ledger: Ledger
    workers: Workers
    heard_since: float = 0.0
    sent: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger.on_change = self.changed
        self.workers.on_answer = self.answered
        self.workers.on_given = self.given

    def deaf_for(self, seconds: float) -> None:
        """Reports may not arrive for so long from now on."""
        self.heard_since = max(self.heard_since, self.world.time + seconds)

    def given(self, run: Run) -> None:
        """Somebody is given a run."""
        self.sent[run.id] += 1

    def answered(self, command: Command, result: CommandResult) -> None:
        """A service has been answered: its report is in the store, or was too late."""
        row = self.ledger.row(command.subject)
        what = f"{command.subject[:8]}: {command.arguments} is answered {result.facts}"
        if result.facts.get("report") == "illegal":
            self.wrong.append(f"{what}, and it was given the run")
        elif command.arguments["status"] != "running" and row is not None and row.state in LIVE:
            self.wrong.append(f"{what} at {self.world.time:.3f}, and it is {row.state}")

    def changed(self, before: Run | None, after: Run | None) -> None:
        """A row was changed, or was not."""
        if before is None or after is None or before.state == after.state:
            return
        what = f"{after.job} {after.id[:8]} {before.state} -> {after.state}"
        if before.state not in LIVE:
            self.wrong.append(f"{what} at {self.world.time:.3f}: it was over")
        if after.state == "lost" and after.remote:
            self._check_lost(after)
        if after.state == "succeeded" and is_remote(after.job):
            told = self.workers.told.get(after.id, set())
            if "completed" not in told:
                self.wrong.append(f"{what}, and what was reported is {told}")

    def _check_lost(self, row: Run) -> None:
        """Nothing is lost while its worker beats and the executor is there to hear it."""
        beating = self.workers.beating_since(row.id)
        well = self.ledger.well_since(self.ledger.minted[row.term])
        heard = max(self.heard_since, self.workers.queue.up_since, well)
        heard = max(heard, inf if beating is None else beating)
        term = self.ledger.model.read_term()
        if term is not None:
            heard = max(heard, (term.acquired_at - EPOCH).total_seconds())
        if heard < self.world.time - HEARTBEAT_S - _ON_ITS_WAY_S:
            self.wrong.append(
                f"{row.job} {row.id[:8]}: lost at {self.world.time:.3f}, and somebody beats since "
                f"{beating:.3f}"
            )

    def settled(self, report: Report | None) -> None:
        """A report is gone from the broker: what it says is in the store, or was too late."""
        if report is None or not report.is_end:
            return
        row = self.ledger.row(report.run_id)
        if row is not None and row.state in LIVE:
            self.wrong.append(
                f"{row.job} {row.id[:8]}: {report.status} is settled at {self.world.time:.3f}, and "
                f"it is {row.state}"
            )


def check_remote(facts: Facts, watch: RemoteWatch) -> list[str]:
    """Each run is sent no more often than it may be; what was adopted is marked."""
    terms = len(facts.ledger.minted)
    wrong = list(watch.wrong)
    for run_id, times in watch.sent.items():
        # What a successor cannot know of, it may repeat.
        if times > 1 + RETRIGGER + terms:
            wrong.append(f"{run_id[:8]}: sent {times} times in {terms} terms")
    for row in facts.rows.values():
        if row.remote and not is_remote(row.job):
            wrong.append(f"{row.job} {row.id[:8]}: remote, and its work is at home")
    return wrong
