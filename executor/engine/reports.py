"""Reports about remote runs: where each belongs, when it is done with, and who is listened to.

A report finds its run in one of these places:

* among the remote runs of this term: it is applied;
* among the rows of *watched* jobs that wait to be handed off: it counts as begun from now on;
* in the hands of a launcher that has not said yet that it let go: it counts as handed over from
  now on, because somebody else evidently has it;
* among the rows of former terms that may be in progress: the row is adopted, as handed over, and
  the report waits for that.  So it does no harm if an executor dies between the hand-over and its
  record;
* nowhere: it is late; or illegal, if the run waits for its start or never leaves this machine.

A report that says more than that a run goes on is settled when whatever it changes is durable
*and* a clearance made after that has succeeded: a superseded executor's changes do nothing, nor
does it know what is late, and its successor needs the report.  A heartbeat is settled at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from executor.domain.job import Job
from executor.domain.report import Report, Verdict
from executor.domain.run import Run
from executor.domain.targets import goes_on_elsewhere, has_workers
from executor.engine.admission import Admission
from executor.engine.awaited import watches
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.effects import AttendWorkers, SettleReport
from executor.engine.events import ReportReceived
from executor.engine.journal import Journal
from executor.engine.remote_adoptions import RemoteAdoptions
from executor.engine.roster import Roster
from executor.engine.store_requests import Request
from executor.engine.strays import Strays
from executor.engine.supervision import Supervision
from executor.engine.workload import Workload

#: What is done once the verdict on a report is known.
Decided = Callable[[Verdict], None]


class Reports:
    """Takes the reports of one term.

    Attributes:
        counts: how many there were, by :class:`~executor.domain.report.Verdict`.
    """

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        admission: Admission,
        dispatcher: Dispatcher,
        supervision: Supervision,
        workload: Workload,
        journal: Journal,
        term: int,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._remote = admission.remote
        self._admission = admission
        self._dispatcher = dispatcher
        self._supervision = supervision
        self._workload = workload
        self._journal = journal
        self._term = term
        self._strays = Strays(desk, roster, dispatcher, term)
        self._adoptions = RemoteAdoptions(desk, term, self._on_adopted)
        self._waiting: dict[str, list[tuple[Report, Decided]]] = {}
        self._unsettled: dict[str, list[object]] = {}
        self._with_workers: dict[str, str] = {}
        self._attended: frozenset[str] = frozenset()
        self._stale = False
        self.counts: Counter[str] = Counter()
        supervision.on_handed_over = self._adoptions.add
        supervision.has_adopted = self._adoptions.has_adopted
        supervision.is_adopting = self._adoptions.holds
        supervision.on_stock = self._look_again
        admission.followers.append(self._follow)

    # Reports ------------------------------------------------------------------------------

    def receive(self, event: ReportReceived) -> None:
        """Take a report that is to be settled."""
        self.take(event.report, partial(self._on_decided, event))

    def _on_decided(self, event: ReportReceived, _: Verdict) -> None:
        if event.report.status is None:
            self._desk.emit(SettleReport(event.tag))
        else:
            self._unsettled.setdefault(event.report.run_id, []).append(event.tag)

    def take(self, report: Report, then: Decided) -> None:
        """Decide about *report*, at once or when its run is adopted, and call *then*."""
        run_id = report.run_id
        if run_id in self._waiting:
            self._waiting[run_id].append((report, then))
        elif run_id in self._remote or self._is_let_go(report):
            self._apply(report, then)
        elif self._may_adopt(report):
            self._waiting[run_id] = [(report, then)]
            self._look_at(run_id)
        else:
            known = self._dispatcher.knows(run_id) or self._admission.find_parked(run_id)
            known = known or run_id in self._workload or self._supervision.find(run_id)
            self._close(report, Verdict.ILLEGAL if known else Verdict.LATE, then)

    def find(self, run_id: str) -> Run | None:
        """Return an unfinished run that may be reported about, as it is known now."""
        piece = self._workload.find(run_id)
        here = self._remote.find(run_id) or (None if piece is None else piece.run)
        return here or self._supervision.find(run_id)

    def _is_let_go(self, report: Report) -> bool:
        """Take a run from its launcher, because somebody else evidently has it."""
        in_hand = not self._is_begun_early(report.run_id)
        piece = self._workload.find(report.run_id)
        if piece is None or piece.run.term != self._term:
            return False
        if not goes_on_elsewhere(piece.definition.target) or not _is_of(report, piece.run):
            return False
        self._workload.hand_over(report.run_id, report.at, running=False)
        self._remote.take(piece, in_hand=in_hand)
        return True

    def _is_begun_early(self, run_id: str) -> bool:
        """Take a watched run from those that wait; whoever runs it has begun it before us."""
        run = self._dispatcher.waiting(run_id)
        job = None if run is None else self._roster.get(run.job_id)
        if run is None or job is None or not watches(job.definition):
            return False
        self._dispatcher.withdraw(run)
        self._admission.turns.start(run)
        self._workload.add(run, job.definition)
        return True

    def _may_adopt(self, report: Report) -> bool:
        run = self._supervision.find(report.run_id)
        if run is None or not _is_of(report, run):
            return False
        job = self._roster.get(run.job_id)
        return run.remote or (job is not None and goes_on_elsewhere(job.definition.target))

    def _apply(self, report: Report, then: Decided) -> None:
        if report.job not in (None, self._remote.job_of(report.run_id)):
            self._close(report, Verdict.ILLEGAL, then)
            return
        self._remote.report(report)
        self.counts[Verdict.APPLIED] += 1
        then(Verdict.APPLIED)

    def _close(self, report: Report, verdict: Verdict, then: Decided) -> None:
        """Refuse a report."""
        self.counts[verdict] += 1
        self._desk.note(
            "report_refused",
            "a report about a run changes nothing",
            "WARNING" if verdict is Verdict.ILLEGAL else "DEBUG",
            run_id=report.run_id,
            job=report.job,
            status=report.status,
            verdict=verdict.value,
        )
        if verdict is Verdict.LATE:
            self._strays.notice(report)
        then(verdict)

    # Adopting -----------------------------------------------------------------------------

    def _look_at(self, run_id: str) -> None:
        run = self._supervision.find(run_id)
        if run is None:
            for report, then in self._waiting.pop(run_id):
                self._close(report, Verdict.LATE, then)
        else:
            self._adoptions.add(run)

    def _look_again(self) -> None:
        """Rows have been read again: some are to be adopted as they are now, others are over."""
        for run_id in list(self._waiting):
            if not self._adoptions.holds(run_id):
                self._look_at(run_id)

    def _on_adopted(self, run: Run) -> None:
        self._supervision.let_go(run.id)
        self._remote.adopt(run, in_hand=self._workload.forget(run.id))
        for report, then in self._waiting.pop(run.id, ()):
            self.take(report, then)

    # Listening ----------------------------------------------------------------------------

    def _follow(self, job: Job) -> None:
        self._remote.define(job)
        if job.deleted or not has_workers(job.definition.target):
            self._stale = self._with_workers.pop(job.id, None) is not None or self._stale
        elif self._with_workers.get(job.id) != job.name:
            self._with_workers[job.id] = job.name
            self._stale = True

    def attend(self, wanted: bool) -> None:
        """Listen to whoever may have runs of this term's jobs; or to nobody."""
        if wanted and not (self._stale or self._remote.stale):
            return
        names = {*self._with_workers.values(), *self._remote.at_workers} if wanted else ()
        self._stale = not wanted
        self._remote.stale = False
        if self._attended != frozenset(names):
            self._attended = frozenset(names)
            self._desk.emit(AttendWorkers(self._attended))

    # Store and time -----------------------------------------------------------------------

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        return self._adoptions.answered(request, result)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._adoptions.failed(request)

    def advance(self, trusted: bool) -> None:
        """Do what is due: adopt, supervise, settle.

        Nothing but the last while the term is in doubt: it may be somebody else's to decide.
        """
        if trusted:
            self._adoptions.advance()
            self._remote.advance()
        if not self._unsettled:
            return
        durable = [one for one in self._unsettled if not self._journal.remembers(one)]
        if durable:
            tags = [tag for run_id in durable for tag in self._unsettled.pop(run_id)]
            self._dispatcher.verify(lambda: self._settle(tags))

    def _settle(self, tags: list[object]) -> None:
        for tag in tags:
            self._desk.emit(SettleReport(tag))

    @property
    def wake_at(self) -> float:
        """Monotonic time at which there is something to do, if the term is not in doubt then."""
        return min(self._remote.wake_at, self._adoptions.wake_at)


def _is_of(report: Report, run: Run) -> bool:
    return report.job in (None, run.job)
