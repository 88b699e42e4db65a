"""A launcher whose work is done the moment it is begun, or when the test says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

from executor.domain.instant import truncate
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.target import Work, WorkListener


class QuickLauncher:
    """A :class:`~executor.ports.target.Launcher` without threads: it reports from within the call.

    Attributes:
        begun: ids of the runs begun, in order.
        works: the works themselves.
        sealed: the secrets that came with the latest work, sealed.
        patient: work does not end until it is cancelled.
        stopped: whether :meth:`stop` was called.
    """

    def __init__(self, listener: WorkListener, *, patient: bool = False) -> None:
        self.begun: list[str] = []
        self.works: list[Work] = []
        self.sealed: Mapping[str, str] = {}
        self.patient = patient
        self.stopped = False
        self._listener = listener
        self._going_on: set[str] = set()
        self._lock = Lock()

    def prepare(self, works: Sequence[Work]) -> None:
        """Nothing takes long."""

    def start(self, works: Sequence[Work]) -> None:
        """Begin all of *works*, and end them unless patient."""
        for work in works:
            run_id = work.run.id
            if not self._listener.may_start():
                self._listener.not_started(run_id)
                continue
            with self._lock:
                self.begun.append(run_id)
                self.works.append(work)
                self.sealed = work.sealed
                self._going_on.add(run_id)
            self._listener.started(run_id, _now())
            if not self.patient:
                self._end(run_id, Outcome(state=RunState.SUCCEEDED))

    def cancel(self, run_id: str, reason: Reason) -> None:
        """End the work, if it is going on."""
        self._end(run_id, Outcome(state=RunState.CANCELLED, reason=reason))

    def recall(self, work: Work, reason: Reason) -> None:
        """Nothing was handed over."""

    def stop(self) -> None:
        """Forget all work."""
        with self._lock:
            self.stopped = True
            self._going_on.clear()

    def _end(self, run_id: str, outcome: Outcome) -> None:
        with self._lock:
            if run_id not in self._going_on:
                return
            self._going_on.remove(run_id)
        self._listener.finished(run_id, _now(), outcome)


def _now() -> datetime:
    return truncate(datetime.now(UTC))


class HandingLauncher(QuickLauncher):
    """Hands every work over the moment it is begun.

    Attributes:
        works: those handed over, in order.
        recalled: ids of the runs that somebody was asked to end, in order.
    """

    def __init__(self, listener: WorkListener) -> None:
        super().__init__(listener, patient=True)
        self.recalled: list[str] = []

    def start(self, works: Sequence[Work]) -> None:
        """Hand all of *works* over."""
        super().start(works)
        for work in works:
            self._listener.handed_over(work.run.id, _now(), running=True)

    def recall(self, work: Work, reason: Reason) -> None:
        """Remember which run is not wanted any more."""
        self.recalled.append(work.run.id)
