"""Runs that are over, and yet somebody works on them: he is asked to stop.

A worker may not have heard that a run is to end: it took the run after everybody had been told,
or it was cut off just then.  It shows by its signs of life.  One of them proves nothing, because
reports are delivered again and overtake each other; at the second one the run is recalled.

An executor that is superseded and does not know it takes its successor's runs for strays.  So
nothing is recalled before a clearance has succeeded that was made after the second sign.

Only workers can be asked.  Whoever calls back over HTTP is answered that the run is over.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Final

from executor.domain.job import Job
from executor.domain.report import Report
from executor.domain.run import Cause, Reason, Run, RunState
from executor.domain.targets import has_workers
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.effects import RecallWork
from executor.engine.roster import Roster

#: Runs of which one sign of life is remembered; older ones are forgotten.
REMEMBERED: Final = 10_000


class Strays:
    """Watches for signs of life of runs that are over."""

    def __init__(self, desk: Desk, roster: Roster, dispatcher: Dispatcher, term: int) -> None:
        self._desk = desk
        self._roster = roster
        self._dispatcher = dispatcher
        self._term = term
        self._seen: OrderedDict[str, None] = OrderedDict()

    def notice(self, report: Report) -> None:
        """Take note of a report that came late; recall its run if somebody goes on with it."""
        if report.is_end or report.job is None:
            return
        if report.run_id not in self._seen:
            self._seen[report.run_id] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return
        job = self._roster.find(report.job)
        if job is not None and has_workers(job.definition.target):
            self._dispatcher.verify(partial(self._recall, report, job))

    def _recall(self, report: Report, job: Job) -> None:
        facts = {"run_id": report.run_id, "job": job.name}
        self._desk.note("stray_recalled", "somebody works on a run that is over", **facts)
        stray = Run(
            id=report.run_id,
            job_id=job.id,
            job=job.name,
            cause=Cause.MANUAL,
            state=RunState.CANCELLING,
            term=self._term,
            clear_at=self._desk.now,
            created_at=self._desk.now,
        )
        self._desk.emit(RecallWork(stray, job.definition, Reason.SUPERSEDED))
