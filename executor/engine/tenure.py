"""One term of office: from the minted term to the day a newer one exists.

It begins by loading: first the open rows of former terms and the jobs due within the
next minute, so that the first fire does not wait for the other 100,000 jobs; then
everything.  Commands wait until everything is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from executor.domain.command import Command
from executor.domain.job import Job
from executor.domain.named import Broken, Kind, Stored
from executor.domain.run import Run
from executor.domain.term import Clearances, TermRecord
from executor.domain.writes import LoadedJobs
from executor.engine.admission import Admission
from executor.engine.code import CodeJobs, Precondition
from executor.engine.consequences import Consequences
from executor.engine.continuity import Continuity
from executor.engine.desk import Call, Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.endings import Endings
from executor.engine.events import Delivered
from executor.engine.herald import Herald
from executor.engine.intake import Intake
from executor.engine.journal import Journal
from executor.engine.opening import Opening
from executor.engine.postman import Postman
from executor.engine.remote import RemoteRuns
from executor.engine.reports import Reports
from executor.engine.roster import Roster
from executor.engine.scene import Scene
from executor.engine.store_requests import (
    ReadAllJobs,
    ReadDueJobs,
    ReadNamed,
    ReadOpenRuns,
    Request,
)
from executor.engine.supervision import Supervision
from executor.engine.timing import LOAD_S, URGENT_S, Options
from executor.engine.upkeep import Upkeep
from executor.engine.workload import Workload
from executor.engine.zone_check import ZoneCheck


class Tenure:
    """Everything that belongs to one term and ends with it."""

    def __init__(
        self,
        desk: Desk,
        journal: Journal,
        workload: Workload,
        endings: Endings,
        record: TermRecord,
        options: Options,
    ) -> None:
        self._desk = desk
        self._workload = workload
        self.term = term = record.term
        self._began = desk.monotonic
        self.roster = roster = Roster(desk, journal)
        self.remote = RemoteRuns(desk, journal, endings, options.recall_grace_s)
        self.remote.on_started = self.on_started
        self.admission = admission = Admission(desk, roster, journal, workload, self.remote)
        self.dispatcher = dispatcher = Dispatcher(desk, admission, workload.remembered, term)
        admission.turns.withdraw = dispatcher.withdraw
        self._opening = Opening(desk, roster, admission, dispatcher, term)
        self._herald = herald = Herald(desk, roster, dispatcher.verify, options.url)
        self._postman = Postman(desk, admission.vault, admission.channels.records)
        herald.on_told = self._postman.look
        self.consequences = Consequences(desk, roster, admission, dispatcher, herald, term)
        self._continuity = Continuity(desk, roster, admission, dispatcher, workload, term)
        clearances, lease_s = Clearances(record), options.run_lease_s
        self.supervision = supervision = Supervision(
            desk, roster, admission, dispatcher, self.consequences, clearances, term, lease_s
        )
        self.reports = reports = Reports(
            desk, roster, admission, dispatcher, supervision, workload, journal, term
        )
        self._scene = Scene(
            desk,
            roster,
            admission,
            dispatcher,
            supervision,
            workload,
            reports,
            journal,
            term,
            options.permitted,
            herald,
        )
        self._intake = Intake(self._scene)
        self._upkeep = Upkeep(desk, roster, options)
        self.precondition = Precondition(desk, options.precondition)
        self.code = CodeJobs(desk, roster, self._intake.receive, term, options.code)
        admission.on_named = self.code.retry
        self._zone_check = ZoneCheck(desk, roster, record)
        self._named: Call[ReadNamed] = Call(desk, LOAD_S)
        self._open_runs: Call[ReadOpenRuns] = Call(desk, LOAD_S)
        self._due_jobs: Call[ReadDueJobs] = Call(desk, LOAD_S)
        self._all_jobs: Call[ReadAllJobs] = Call(desk)
        self._stock: list[Run] | None = None
        self._ready = False
        self.stopping = False
        self._load()

    def _load(self) -> None:
        """Ask for what is needed first; all jobs are asked for once that is here."""
        self._named.send(ReadNamed())
        self._open_runs.send(ReadOpenRuns(self.term))
        self._due_jobs.send(ReadDueJobs(self._desk.now + timedelta(seconds=URGENT_S)))
        #: What is being loaded: in the end nothing.
        self._loads: tuple[Call[Any], ...] = self._named, self._open_runs, self._due_jobs

    @property
    def loaded(self) -> bool:
        """Whether every job is known; commands are taken from then on."""
        return self.supervision.all_loaded

    @property
    def attends(self) -> bool:
        """Whether reports about remote runs are taken: every row left behind is known."""
        return self.loaded and self._ready and not self.stopping

    @property
    def silent_since(self) -> float:
        """Since when (see ``Desk.awake``) the store is silent on what is needed, or infinity."""
        dispatching = self.dispatcher.silent_since
        if self._ready:
            return dispatching
        loads = (self._named, self._open_runs, self._due_jobs)
        return min(dispatching, *(load.silent_since for load in loads))

    def awaits(self, request: ReadAllJobs) -> bool:
        """Whether *request* is the load under way."""
        return request is self._all_jobs.request

    def drop_commands(self) -> None:
        """Forget the commands in hand: they are back in the queue and come again."""
        self._intake.abandon()
        self.code.again()

    def receive(self, tag: object, command: Command, first: bool) -> None:
        """Take a command."""
        self._intake.receive(tag, command, first)

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not this tenure's."""
        return (
            (bool(self._loads) and self._read(request, result))
            or self.dispatcher.answered(request, result)
            or self.supervision.answered(request, result)
            or self.reports.answered(request, result)
            or self.consequences.answered(request)
            or self._herald.answered(request, result)
            or self._postman.answered(request, result)
            or self._zone_check.answered(request, result)
            or self._intake.answered(request, result)
            or self._upkeep.answered(request, result)
        )

    def _read(self, request: Request, result: object) -> bool:
        """Take in what was to be loaded; False if *request* is for something else."""
        if self._open_runs.answered(request):
            assert isinstance(result, list)
            self._stock = result
        elif self._named.answered(request):
            assert isinstance(result, dict)
            self._take_named(result)
        elif self._due_jobs.answered(request):
            assert isinstance(result, LoadedJobs)
            self.take_jobs(result)
            self._all_jobs.send(ReadAllJobs())
        elif self._all_jobs.answered(request):
            self._on_all_loaded()
        else:
            return False
        loads = self._named, self._open_runs, self._due_jobs, self._all_jobs
        self._loads = tuple(call for call in loads if not call.idle)
        self._begin()
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not this tenure's."""
        parts: tuple[Callable[[Request], bool], ...] = (
            self._named.failed,
            self._open_runs.failed,
            self._due_jobs.failed,
            self._all_jobs.failed,
            self.dispatcher.failed,
            self.supervision.failed,
            self.reports.failed,
            self.consequences.failed,
            self._herald.failed,
            self._postman.failed,
            self._zone_check.failed,
            self._intake.failed,
            self._upkeep.failed,
        )
        return any(failed(request) for failed in parts)

    def take_jobs(self, loaded: LoadedJobs) -> None:
        """Take in jobs as they are read; those known already stay as they are."""
        for job in loaded.jobs:
            if job.id not in self.roster:
                self._take_job(job)
        for broken in loaded.broken:
            if broken.id not in self.roster.broken:
                self.roster.broken[broken.id] = broken
                self._desk.note(
                    "job_broken",
                    "a job record cannot be read; every other job goes on",
                    "ERROR",
                    job=broken.name,
                    job_id=broken.id,
                    error=broken.error,
                )

    def _take_job(self, job: Job) -> None:
        try:
            self.roster.put(self._zone_check.checked(job))
        except Exception as error:  # One job that cannot be evaluated must not stop others.
            self.roster.put(job)
            self.roster.set_aside(job, error)

    def _take_named(self, found: Mapping[Kind[Any], Sequence[Stored[Any] | Broken]]) -> None:
        for kind, records in found.items():
            for record in records:
                self.admission.records(kind).put(record)
                if isinstance(record, Broken):
                    self._desk.note(
                        f"{kind.word}_broken",
                        f"a {kind.word} cannot be read; {kind.harm}",
                        "ERROR",
                        **{kind.word: record.name},
                        error=record.error,
                    )

    def _begin(self) -> None:
        """Dispatch once the urgent part is known."""
        if self._ready or self._stock is None:
            return
        if not (self._due_jobs.idle and self._named.idle):
            return
        self._ready = True
        # After the jobs, so that rows can be repeated by their jobs' rules.
        self.supervision.take_stock(self._stock)
        self._continuity.take_stock(self._stock)
        self._desk.note(
            "executing",
            "this instance executes",
            term=self.term,
            urgent_jobs=len(self.roster),
            open_runs=len(self._stock),
            took_ms=round((self._desk.monotonic - self._began) * 1000, 1),
        )
        self._stock = []

    def _on_all_loaded(self) -> None:
        self.supervision.all_loaded = True
        self.consequences.all_loaded = True
        self._desk.note(
            "jobs_loaded",
            "all jobs are loaded",
            term=self.term,
            jobs=len(self.roster),
            broken=len(self.roster.broken),
            took_ms=round((self._desk.monotonic - self._began) * 1000, 1),
        )

    def on_durable(self, run: Run) -> None:
        """The end of a run is durable, and demands something."""
        if run.term == self.term and not self.stopping and not self.admission.joins.written(run.id):
            self.consequences.take(run)

    def on_started(self, run: Run, at: datetime) -> None:
        """A run has begun."""
        if run.term == self.term and not self.stopping:
            self._herald.started(run, at)

    def delivered(self, event: Delivered) -> None:
        """The courier reports."""
        self._postman.delivered(event)

    def demands(self, run: Run) -> bool:
        """Whether the end of a run demands something; what is unknown here is left to others."""
        return run.term != self.term or self.stopping or self.consequences.demands(run)

    def ailing(self) -> list[str]:
        """Say what ails this tenure, for the list of instances."""
        return [*self.precondition.ailing(), *self.code.ailing(), *self.roster.ailing()]

    def stop(self) -> None:
        """Claim and clear nothing more; what is cleared already is still handed off."""
        self.stopping = True
        self.reports.attend(False)
        self.dispatcher.claiming = False
        self._continuity.stop()

    @property
    def may_resign(self) -> bool:
        """Whether nothing is left that this tenure may still start."""
        dispatcher = self.dispatcher
        return not dispatcher.holds_cleared or (
            not dispatcher.clearing and self._desk.monotonic >= dispatcher.trusted_until
        )

    def advance(self) -> None:
        """Do what is due."""
        for call in self._loads:
            call.advance()
        if not self._ready:
            return
        trusted = self.dispatcher.trusted
        if not self.stopping:
            self.precondition.advance()
            self.dispatcher.held = not self.precondition.met
            if self.precondition.met:
                self._opening.advance()
            self.supervision.advance()
            self.consequences.advance()
            self.reports.attend(self.loaded)
            self.reports.advance(trusted)
            self._tell(trusted)
            self._zone_check.advance(trusted)
            if self.loaded:
                self.admission.joins.advance()
                self.admission.turns.advance(self.dispatcher.call)
                self.code.advance()
                if self.precondition.met:
                    self._continuity.advance()
            self._intake.advance(trusted)
            self._upkeep.advance()
        self.dispatcher.advance()

    def _tell(self, trusted: bool) -> None:
        self._herald.advance()
        if trusted:
            # An executor that was paused first learns whether others have delivered meanwhile.
            self._postman.advance()

    @property
    def wake_at(self) -> float:
        """Monotonic time at which there is something to do without any news."""
        parts = [call.wake_at for call in self._loads]
        if not self._ready:
            return min(parts)
        parts.append(self.dispatcher.wake_at)
        if not self.stopping:
            trusted = self.dispatcher.trusted
            parts += self.supervision.wake_at, self._intake.wake_at(trusted), self._upkeep.wake_at
            parts += self.consequences.wake_at, self._herald.wake_at
            if trusted:
                # While the term is in doubt they would do nothing.
                parts += self.reports.wake_at, self._postman.wake_at
            if self.loaded:
                parts.append(self.admission.turns.wake_at)
                if self.precondition.met:
                    parts.append(self._continuity.wake_at)
            if not self.precondition.met:
                parts.append(self.precondition.wake_at)
            elif self.dispatcher.has_room:
                parts.append(self.roster.wake_at)
        return min(parts)
