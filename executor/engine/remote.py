"""Runs whose work goes on elsewhere: supervised by whoever executes, reported by whoever has them.

A remote run begins here when its launcher lets go of it, or when it is taken over from a former
term; it ends here by a report, or when it has been silent for too long.  Nothing of it depends
on this process: a run has no lease, and a superseded executor forgets its remote runs without a
word, because its successor has adopted them.

Rules
-----
1. *Time.*  ``timeout`` counts from the start, ``start_timeout`` from the due instant until
   somebody is known to have begun; of a run that was sent again, from the moment it was.
2. *Silence.*  ``heartbeat_timeout`` counts from the last report that was heard, from the hand-over,
   or from the adoption.  Time in which nobody could be heard does not count: that of a paused
   process, and that without the token, because then the broker may be away.
3. A run that has fallen silent goes back to ``pending`` and the same run is sent again, at most
   as often as its job's ``retrigger`` says; then it is lost.
4. *Ends that are asked for.*  Whoever has the run is asked to end it (it is *recalled*), and it
   occupies its job until an end is reported, or a time of grace is over.  A run that was
   not begun in time is skipped after that, unless it turns out that it was begun; while reports
   are heard nobody is waited for who has not begun it, but for a report that is on its way.
5. *Watched* runs (see ``awaited``) are begun by others: they may take the target's ``grace`` for
   it, and are given up neither while nobody can be heard nor right after that.
6. A run that is told to go on after it was given up is believed: what was to be sent again and
   is not yet, is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

from executor.domain.instant import to_text
from executor.domain.job import Definition, Job
from executor.domain.live_output import KEPT_WITH_ROW, appended
from executor.domain.replacement import replace
from executor.domain.report import Report, as_asked, outcome_of, unconfirmed
from executor.domain.run import Outcome, Reason, Run, RunChange, RunState
from executor.domain.targets import goes_on_elsewhere, has_workers
from executor.domain.watch import PING_BY
from executor.engine.alarms import Alarms
from executor.engine.awaited import Hearing, awaited_until, longest_wait, unheard, watches
from executor.engine.desk import Desk
from executor.engine.effects import CancelWork, RecallWork, StartRuns
from executor.engine.endings import Endings
from executor.engine.events import RunFinished, RunHandedOver, RunStarted
from executor.engine.journal import Journal
from executor.engine.timing import UNBEGUN_GRACE_S
from executor.engine.workload import Piece

#: Longest time of a run whose job is gone, and with it what its job said: the field's default.
_ORPHAN_TIMEOUT: Final = timedelta(hours=1)


@dataclass(slots=True)
class _Remote:
    """A remote run of this term.

    Attributes:
        run: the row as the last change leaves it.
        definition: None: its job is gone, or not loaded yet.
        beat: seconds of ``Desk.awake`` at which it was last heard of.
        in_hand: a launcher of this process has it (again).
        times_out, start_by, end_by: monotonic; infinity if they do not apply.
    """

    run: Run
    definition: Definition | None
    beat: float
    in_hand: bool = False
    cancelling: Reason | None = None
    times_out: float = inf
    start_by: float = inf
    end_by: float = inf


class RemoteRuns:
    """Follows the remote runs of one term."""

    def __init__(self, desk: Desk, journal: Journal, endings: Endings, grace_s: float) -> None:
        self._desk = desk
        self._journal = journal
        self._endings = endings
        self._grace_s = grace_s
        self._runs: dict[str, _Remote] = {}
        self._alarms = Alarms()
        self._unsent: dict[str, None] = {}
        self._undefined: dict[str, set[str]] = {}
        self.hearing = Hearing(desk)
        #: How many runs each job has in the hands of workers, by the job's name in the rows.
        self.at_workers: Counter[str] = Counter()
        self.stale = False
        self.find_job: Callable[[str], Job | None] = lambda job_id: None
        self.on_started: Callable[[Run, datetime], None] = lambda run, at: None
        self.sealed: Callable[[Iterable[tuple[Run, Definition]]], Mapping[str, str]] = lambda _: {}

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._runs

    def find(self, run_id: str) -> Run | None:
        """Return the run with this id, as the last change leaves it."""
        remote = self._runs.get(run_id)
        return None if remote is None else remote.run

    # Coming in ----------------------------------------------------------------------------

    def take(self, piece: Piece, *, in_hand: bool) -> None:
        """Take charge of a run that was handed over in this term, and recorded as such.

        *in_hand*: its launcher has not said so yet; a report was faster.
        """
        remote = _Remote(piece.run, piece.definition, self._desk.awake, in_hand)
        self._add(remote)
        if piece.cancelling is not None:
            self._recall(remote, piece.cancelling)

    def adopt(self, run: Run, *, in_hand: bool) -> None:
        """Take charge of a run of a former term that is this one's now.

        *in_hand*: a launcher of this very process had it in that former term, and may have it yet.
        """
        job = self.find_job(run.job_id)
        remote = _Remote(run, job.definition if job else None, self._desk.awake, in_hand)
        self._add(remote)
        if run.state is RunState.CANCELLING:
            # Perhaps nobody was asked before.
            self._recall(remote, run.reason or Reason.REQUESTED)

    def _add(self, remote: _Remote) -> None:
        self._runs[remote.run.id] = remote
        if remote.definition is None:
            self._undefined.setdefault(remote.run.job_id, set()).add(remote.run.id)
        self._define(remote)

    def _define(self, remote: _Remote) -> None:
        self._count(remote, 1)
        run, definition = remote.run, remote.definition
        self._set_times(remote, first=run.started_at is None)
        waits = run.state is RunState.PENDING and PING_BY not in (run.details or {})
        if definition is not None and watches(definition) and waits:
            until = {PING_BY: to_text(awaited_until(run, definition))}
            self._change(remote, RunState.PENDING, details=until)

    def define(self, job: Job) -> None:
        """Take note of a job that is loaded: its runs that were adopted before are known now."""
        for run_id in self._undefined.pop(job.id, ()):
            remote = self._runs.get(run_id)
            if remote is not None:
                remote.definition = job.definition
                self._define(remote)

    def _count(self, remote: _Remote, step: int) -> None:
        job, definition = remote.run.job, remote.definition
        if definition is None or not has_workers(definition.target):
            return
        self.stale = self.stale or self.at_workers[job] + step in (0, 1)
        self.at_workers[job] += step
        if not self.at_workers[job]:
            del self.at_workers[job]

    # Time ---------------------------------------------------------------------------------

    def _set_times(self, remote: _Remote, *, first: bool) -> None:
        """Work out, once, what the clock says: it may jump later.

        *first*: it has been sent once only, so it has to begin in time from when it was due.
        """
        run, definition = remote.run, remote.definition
        remote.times_out = remote.start_by = inf
        timeout = _ORPHAN_TIMEOUT if definition is None else definition.timeout
        begin = run.started_at
        if begin is None and not (definition and goes_on_elsewhere(definition.target)):
            begin = run.created_at
        if begin is not None:
            remote.times_out = self._desk.deadline(begin + timeout)
        wait = longest_wait(definition)
        if run.state is RunState.PENDING and wait is not None:
            since = (run.due or run.created_at) if first else self._desk.now
            remote.start_by = self._desk.deadline(since + wait)
        self._arm(remote)

    def _arm(self, remote: _Remote) -> None:
        limits = remote.times_out, remote.start_by, self._silent_at(remote)
        ends = remote.end_by if remote.cancelling is not None else min(limits)
        if watches(remote.definition):
            ends = max(ends, self.hearing.caught_up_at)
        self._alarms.set(remote.run.id, ends)

    def _silent_at(self, remote: _Remote) -> float:
        """Return the monotonic time at which it has been silent for too long, as it looks now."""
        definition = remote.definition
        timeout = None if definition is None else definition.heartbeat_timeout
        waits = remote.in_hand or remote.run.state is not RunState.RUNNING
        since = self.hearing.since
        if timeout is None or waits or since is None:
            return inf
        silent_s = self._desk.awake - max(remote.beat, since)
        return self._desk.monotonic + timeout / timedelta(seconds=1) - silent_s

    def hear(self, hearing: bool) -> None:
        """Take note of whether reports can be heard; what was not heard before does not count."""
        if self.hearing.attend(hearing):
            for remote in self._runs.values():
                self._arm(remote)

    def advance(self) -> None:
        """Act on the time that has passed; send again what is to be."""
        if self.wake_at > self._desk.monotonic:
            return
        for run_id in list(self._alarms.due(self._desk.monotonic)):
            self._ring(self._runs[run_id])
        works = []
        for run_id in self._unsent:
            remote = self._runs[run_id]
            assert remote.definition is not None
            remote.in_hand = True
            works.append((remote.run, remote.definition))
        self._unsent.clear()
        if works:
            self._desk.emit(StartRuns(tuple(works), self.sealed(works)))

    @property
    def wake_at(self) -> float:
        """Monotonic time at which there is something to do without any news."""
        return self._desk.monotonic if self._unsent else self._alarms.earliest

    def _ring(self, remote: _Remote) -> None:
        now = self._desk.monotonic
        if watches(remote.definition):
            self._ring_watched(remote)
        elif remote.cancelling is not None and remote.end_by <= now:
            self._give_up(remote, remote.cancelling)
        elif remote.cancelling is None and remote.times_out <= now:
            self._cancel(remote, Reason.TIMEOUT)
        elif remote.cancelling is None and remote.start_by <= now:
            self._cancel(remote, Reason.START_TIMEOUT)
        elif remote.cancelling is None and self._silent_at(remote) <= now:
            self._fall_silent(remote)
        else:
            self._arm(remote)

    def _ring_watched(self, remote: _Remote) -> None:
        assert remote.definition is not None
        ends = min(remote.times_out, remote.start_by)
        if max(ends, self.hearing.caught_up_at) > self._desk.monotonic:
            self._arm(remote)
        else:
            job = self.find_job(remote.run.job_id)
            self._end(remote, unheard(remote.run, remote.definition, job, self._desk.now))

    def _fall_silent(self, remote: _Remote) -> None:
        run, definition, job = remote.run, remote.definition, self.find_job(remote.run.job_id)
        assert definition is not None
        assert definition.heartbeat_timeout is not None
        silence = f"nothing was heard of it for {definition.heartbeat_timeout.total_seconds():g} s"
        facts = {"run_id": run.id, "job": run.job, "term": run.term, "attempt": run.attempt}
        self._desk.note("run_silent", "a remote run has fallen silent", "WARNING", **facts)
        wanted = job is not None and job.definition.enabled
        if not wanted or run.retriggers >= definition.retrigger:
            self._end(remote, Outcome(state=RunState.LOST, error=silence))
            return
        again = {"attempt": run.attempt + 1, "retriggers": run.retriggers + 1}
        self._change(remote, RunState.PENDING, **again)
        self._unsent[run.id] = None
        self._set_times(remote, first=False)

    def _give_up(self, remote: _Remote, reason: Reason) -> None:
        """End a run of which nobody has confirmed that it is over."""
        error = f"nobody confirmed within {self._grace_s:g} s that it has ended"
        watched = watches(remote.definition)
        self._end(remote, unconfirmed(remote.run, reason, None if watched else error))

    # Ends that are asked for --------------------------------------------------------------

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Ask for the end of a run, unless that was done before.  Unknown ids do nothing."""
        remote = self._runs.get(run_id)
        if remote is not None and remote.cancelling is None:
            self._cancel(remote, reason)

    def _cancel(self, remote: _Remote, reason: Reason) -> None:
        if reason is not Reason.START_TIMEOUT:
            self._change(remote, RunState.CANCELLING, reason=reason)
        self._recall(remote, reason)

    def _recall(self, remote: _Remote, reason: Reason) -> None:
        run = remote.run
        self._unsent.pop(run.id, None)
        remote.cancelling = reason
        if watches(remote.definition):
            # There is nobody who could end it, or say that he has.
            self._give_up(remote, reason)
            return
        unbegun = reason is Reason.START_TIMEOUT and run.started_at is None
        heard = unbegun and self.hearing.since is not None
        grace_s = min(self._grace_s, UNBEGUN_GRACE_S) if heard else self._grace_s
        remote.end_by = self._desk.monotonic + grace_s
        if remote.in_hand:
            self._desk.emit(CancelWork(run.id, reason))
        if remote.definition is not None:
            self._desk.emit(RecallWork(run, remote.definition, reason))
        self._arm(remote)

    # What is told -------------------------------------------------------------------------

    def job_of(self, run_id: str) -> str:
        """Return the name of a remote run's job."""
        return self._runs[run_id].run.job

    def report(self, report: Report) -> None:
        """Do what a report about a remote run says."""
        remote = self._runs[report.run_id]
        remote.beat = self._desk.awake
        self._unsent.pop(report.run_id, None)
        said = appended(remote.run.output, report.output, KEPT_WITH_ROW)
        watched = watches(remote.definition)
        if report.is_end:
            if watched and remote.run.started_at is None:
                # Nobody said so before.
                remote.run = replace(remote.run, started_at=report.at)
            outcome = replace(outcome_of(report), output=said)
            self._end(remote, as_asked(outcome, remote.cancelling), report.at)
            return
        if report.output is not None:
            self._change(remote, remote.run.state, output=said)
        if remote.run.state is RunState.PENDING and (report.status is not None or not watched):
            self._begin(remote, report.at, report.details)
        elif report.details is not None and remote.cancelling is None:
            self._change(remote, remote.run.state, details=report.details)
        self._arm(remote)

    def _begin(
        self, remote: _Remote, at: datetime, details: Mapping[str, Any] | None = None
    ) -> None:
        if remote.cancelling is None:
            self._change(remote, RunState.RUNNING, started_at=at, details=details)
            self._set_times(remote, first=False)
            self.on_started(remote.run, at)
        else:
            # It was to be skipped, and was begun all the same before it could be called back.
            reason = remote.cancelling
            self._change(remote, RunState.CANCELLING, started_at=at, reason=reason)

    def started(self, event: RunStarted) -> None:
        """A launcher has begun the work again."""
        remote = self._runs.get(event.run_id)
        if remote is not None and remote.run.state is RunState.PENDING:
            self._begin(remote, event.at)

    def handed_over(self, event: RunHandedOver) -> None:
        """A launcher has let go of a run that is remote already."""
        remote = self._runs.get(event.run_id)
        if remote is None or not remote.in_hand:
            return
        remote.in_hand = False
        remote.beat = self._desk.awake
        if event.running and remote.run.state is RunState.PENDING:
            self._begin(remote, event.at)
        self._arm(remote)

    def finished(self, event: RunFinished) -> None:
        """A launcher reports the end of a run that was to be, or had been, handed over."""
        remote = self._runs.get(event.run_id)
        if remote is not None and remote.in_hand:
            self._end(remote, as_asked(event.outcome, remote.cancelling), event.at)

    def given_back(self, run_id: str) -> None:
        """A launcher gave the run back untouched."""
        remote = self._runs.get(run_id)
        if remote is None:
            return
        remote.in_hand = False
        if remote.run.state is RunState.PENDING and remote.cancelling is None:
            self._unsent[run_id] = None
        self._arm(remote)

    # Recording ----------------------------------------------------------------------------

    def _change(self, remote: _Remote, state: RunState, **news: Any) -> None:
        run = remote.run
        known = {name: value for name, value in news.items() if value is not None}
        remote.run = replace(run, state=state, **known)
        change = RunChange(run_id=run.id, term=run.term, state=state, remote=True, **known)
        self._journal.change(change, remote.run)

    def _end(self, remote: _Remote, outcome: Outcome, at: datetime | None = None) -> None:
        run = remote.run
        del self._runs[run.id]
        self._count(remote, -1)
        self._alarms.drop(run.id)
        self._unsent.pop(run.id, None)
        self._endings.end(run, outcome, at or self._desk.now, run.started_at)
