"""What launchers report, and whose it is: a run is in this process's hands, or it is remote."""

from __future__ import annotations

from executor.engine.events import (
    RunEvent,
    RunFinished,
    RunHandedOver,
    RunNotStarted,
    RunProgressed,
    RunSaid,
    RunStarted,
)
from executor.engine.remote import RemoteRuns
from executor.engine.workload import Workload


def take_run_event(
    event: RunEvent, workload: Workload, remote: RemoteRuns | None, term: int | None
) -> None:
    """Bring *event* to whom it concerns; *remote*, *term*: of the present tenure, if there is one.

    What concerns a run of a former term of this instance is recorded for whoever owns the row.
    """
    here = event.run_id in workload
    match event:
        case RunHandedOver() if here:
            piece = workload.hand_over(event.run_id, event.at, running=event.running)
            if remote is not None and piece is not None and piece.run.term == term:
                remote.take(piece, in_hand=False)
        case RunStarted() if here:
            workload.started(event)
        case RunProgressed() if here:
            workload.progressed(event)
        case RunSaid():
            workload.live_output.said(event)
        case RunNotStarted() if here:
            workload.given_back(event.run_id)
        case RunFinished() if here:
            workload.finished(event)
        case _ if remote is not None:
            _tell_remote(event, remote)


def _tell_remote(event: RunEvent, remote: RemoteRuns) -> None:
    match event:
        case RunStarted():
            remote.started(event)
        case RunNotStarted():
            remote.given_back(event.run_id)
        case RunFinished():
            remote.finished(event)
        case RunHandedOver():
            remote.handed_over(event)
