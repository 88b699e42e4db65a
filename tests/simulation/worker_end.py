"""One instance's end of what workers report: as the adapter behind ``ports/workers`` has it.

Its link is not the token's nor the commands': it breaks by itself, and attends again what it
attended before as soon as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from executor.domain.report import Report
from executor.engine.effects import AttendWorkers, RecallWork, SettleReport
from executor.engine.events import Event, ReportReceived
from tests.simulation.report_queue import ReportLink
from tests.simulation.surroundings import Surroundings


class WorkerEnd:
    """Takes reports for one process.

    Args:
        inside: makes an act one of the process: not done after its death, nor while it is paused.
    """

    def __init__(
        self,
        around: Surroundings,
        tell: Callable[[Event], None],
        wall: Callable[[], datetime],
        inside: Callable[[Callable[[], None]], Callable[[], None]],
    ) -> None:
        self._around = around
        self._queue = around.broker.reports
        self._tell = tell
        self._wall = wall
        self._inside = inside
        self._jobs: frozenset[str] = frozenset()
        self._connect()

    def _connect(self) -> None:
        self._link = ReportLink(self._on_report, self._wall)
        self._queue.connect(self._link)
        self._queue.attend(self._link, self._jobs)

    def _on_report(self, tag: object, report: Report) -> None:
        received = ReportReceived((self._link, tag), report)
        self._inside(lambda: self._tell(received))()

    def carry_out(self, effect: AttendWorkers | SettleReport | RecallWork) -> None:
        """Do what the engine wants."""
        match effect:
            case AttendWorkers():
                self._jobs = effect.jobs
                self._queue.attend(self._link, effect.jobs)
            case SettleReport():
                assert isinstance(effect.tag, tuple)
                self._around.remote.settled(self._queue.settle(*effect.tag))
            case RecallWork():
                self._around.workers.recall(effect.run.id)

    def cut(self, seconds: float) -> None:
        """Lose the link for a while."""
        notices = self._around.world.random.uniform(0.0, 3.0)
        self._queue.drop(self._link, notices)
        self._around.remote.deaf_for(seconds + notices)
        self._around.world.after(seconds, self._inside(partial(self._reconnect, self._link)))

    def _reconnect(self, broken: ReportLink) -> None:
        if self._link is broken:
            self._connect()

    def die(self, notices: float) -> None:
        """Be gone with the process."""
        self._queue.drop(self._link, notices)
