"""Opening a second: due jobs become claims, by their misfire policies and their calendars.

Slots within the next moments are claimed on schedule; those that were missed are caught
up or skipped as the job's misfire policy says.  Jitter puts off the start.  A slot in a
blackout of one of the job's calendars, or whose jitter would start it in one, is skipped,
or put off to the end of the blackout.  What is put off keeps its fire time: that is the
slot's identity.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from executor.domain.accounting import Slot, account
from executor.domain.identity import slot_run_id
from executor.domain.instant import TICK
from executor.domain.job import Definition, Job
from executor.domain.replacement import replace
from executor.domain.run import QUEUED, Cause, Reason, Run, RunState
from executor.domain.schedule import Schedule, fire_times, for_job, jitter_of, next_after
from executor.domain.schedule_fields import jitter_ms
from executor.domain.tally import is_missed
from executor.engine.admission import Admission
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.effects import PrepareRuns
from executor.engine.roster import Roster
from executor.engine.timing import CLAIM_AHEAD_S, LATE_S

_AHEAD = timedelta(seconds=CLAIM_AHEAD_S)
_LATE = timedelta(seconds=LATE_S)

#: Slots accounted for between two looks at other events: some 20 ms.  After a rest of days there
#: are millions, and the clearances must go on meanwhile.
_SLOTS = 10_000


class Opening:
    """Claims the slots of jobs that are due."""

    def __init__(
        self, desk: Desk, roster: Roster, admission: Admission, dispatcher: Dispatcher, term: int
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._admission = admission
        self._dispatcher = dispatcher
        self._term = term

    def advance(self) -> None:
        """Claim the slots of every job that is due within the next moments."""
        until = (self._desk.now + _AHEAD).timestamp()
        coming: list[tuple[Run, Definition]] = []
        slots = 0
        while self._roster.is_due(until) and slots < _SLOTS and self._dispatcher.has_room:
            job = self._roster.take_due(until)
            try:
                runs = self._open(job)
            except Exception as error:  # One job that cannot be evaluated must not stop others.
                self._roster.set_aside(job, error)
            else:
                self._dispatcher.claim(runs)
                coming += [(run, job.definition) for run in runs if self._is_coming(run)]
                slots += sum(run.covers for run in runs)

        if coming:
            self._desk.emit(PrepareRuns(tuple(coming)))

    def _is_coming(self, run: Run) -> bool:
        """Whether the run is due within the next moments, but not yet."""
        now, due = self._desk.now, run.due
        waits = run.state is RunState.PENDING and not run.is_parked
        return waits and due is not None and now < due <= now + _AHEAD

    def _open(self, job: Job) -> list[Run]:
        if not job.is_active(self._desk.now):
            # The clock has gone back to before the end of a pause.
            self._roster.rearm(job)
            return []
        assert job.definition.schedule is not None
        assert job.next_fire_at is not None
        schedule = for_job(job.definition.schedule, job.id)
        accounting = account(
            job.definition.misfire,
            lambda instant: next_after(schedule, instant),
            job.next_fire_at,
            self._desk.now,
            _AHEAD,
            _LATE,
        )
        runs = []
        first = job.next_fire_at
        for slot in accounting.slots:
            reason, due_at = self._put_off(job, schedule, slot, first)
            runs.append(self._run(job, slot, reason, due_at))
            if due_at is not None:
                # The following slots of the same blackout are not the first any more.
                first = slot.fire_at + TICK
        self._tell_of_missed(runs)
        self._roster.opened(job, accounting.next_fire_at, runs)
        return runs

    def _tell_of_missed(self, runs: list[Run]) -> None:
        """Have the newest of the missed slots remember that somebody is to be told of them."""
        missed = [place for place, run in enumerate(runs) if is_missed(run)]
        if missed and self._admission.demands(runs[missed[-1]]):
            runs[missed[-1]] = replace(runs[missed[-1]], follow_up=True)

    def _run(self, job: Job, slot: Slot, reason: Reason | None, due_at: datetime | None) -> Run:
        run_id = slot_run_id(job.id, slot.fire_at)
        now = self._desk.now
        cause = slot.cause or Cause.SCHEDULE
        parked = slot.in_turn or self._admission.turns.waits(job, cause)
        return Run(
            id=run_id,
            job_id=job.id,
            job=job.name,
            cause=cause,
            state=RunState.SKIPPED if reason else RunState.PENDING,
            reason=reason,
            term=self._term,
            clear_at=QUEUED
            if parked and not reason
            else self._dispatcher.next_clear_at(due_at or slot.fire_at),
            created_at=now,
            finished_at=now if reason else None,
            scheduled=True,
            fire_at=slot.fire_at,
            due_at=slot.fire_at if parked and due_at is None and not reason else due_at,
            trigger_id=run_id,
            revision=job.revision,
            covers=slot.covers,
            covers_from=slot.covers_from,
        )

    def _put_off(
        self, job: Job, schedule: Schedule, slot: Slot, first: datetime
    ) -> tuple[Reason | None, datetime | None]:
        """Return why the slot is skipped, if it is, and when it is due, if not at its fire time.

        *first* is the earliest slot of which nothing has been decided.
        """
        if slot.cause is None:
            return Reason.MISFIRE, None
        jitter = jitter_of(schedule, job.id, slot.fire_at)
        start = slot.fire_at + jitter
        at = self._admission.blackouts.at
        blackout = at(job, slot.fire_at) or at(job, start)
        if blackout is not None:
            lasts = blackout.end > self._desk.now
            if blackout.skips or (
                (lasts or slot.cause is Cause.SCHEDULE)
                and _has_begun(schedule, job, blackout.start, first)
            ):
                # Of several slots in one blackout the first is put off, for all of them.
                return Reason.BLACKOUT, None
            start = blackout.end + jitter
            if at(job, start) is not None:
                # Not into the next one: better all at once at the end of this.
                start = blackout.end
        return None, None if start == slot.fire_at else start


def _has_begun(schedule: Schedule, job: Job, start: datetime, first: datetime) -> bool:
    """Whether a slot before *first* belongs to the blackout that begins at *start*.

    By its own fire time, or because its jitter led into the blackout.
    """
    longest = timedelta(milliseconds=jitter_ms(schedule.jitter))
    since = max(start, job.created_at + longest) - longest
    return any(
        slot + jitter_of(schedule, job.id, slot) >= start
        for slot in fire_times(schedule, since - TICK, first - TICK)
    )
