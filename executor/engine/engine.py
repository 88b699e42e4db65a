"""The engine: one instance's whole scheduling, as a function of events.

    standby --token--> minting --term--> executing --newer term--> standby
                          |                  |
                          `--store silent: step aside, later again

A tenure does not end with the token: while its term stands, the executor goes on
firing through an outage of the broker.  Work in progress does not end with the
tenure either: it finishes under its run leases.

Call :meth:`Engine.handle` for every event and at the latest after
:meth:`Engine.wake_in` seconds with a Tick, always from one thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import inf

from executor.domain.errors import StaleTerm
from executor.domain.run import Reason, Run
from executor.domain.term import TermRecord
from executor.engine.desk import Desk
from executor.engine.effects import CloseIntake, Effect, Exit, OpenIntake, StepAside, StopToken
from executor.engine.endings import Endings
from executor.engine.events import (
    Answered,
    CommandReceived,
    DeclarationsRead,
    Delivered,
    Event,
    Failed,
    JobsLoaded,
    Moment,
    PreconditionAnswered,
    ReportReceived,
    RunEvent,
    StopRequested,
    Tick,
    TokenGained,
    TokenGone,
)
from executor.engine.journal import Journal
from executor.engine.run_events import take_run_event
from executor.engine.silence import Silence
from executor.engine.store_requests import MintTerm, Request, ResignTerm
from executor.engine.tenure import Tenure
from executor.engine.timing import HEARTBEAT_S, STEP_ASIDE_S, STORE_PATIENCE_S, Options
from executor.engine.upkeep import Heartbeat
from executor.engine.workload import Workload


class Engine:
    """Decides for one instance."""

    def __init__(self, options: Options, moment: Moment) -> None:
        self._options = options
        self._desk = Desk(moment)
        self._journal = Journal(self._desk)
        self._endings = Endings(self._desk, self._journal, options.instance)
        self._endings.on_finished = self._on_run_over
        self._endings.demands = self._demands
        self._workload = Workload(
            self._desk, self._journal, self._endings, options.instance, options.run_lease_s
        )
        self._workload.on_started = self._on_run_started
        self._journal.on_durable = self._on_durable
        self._workload.on_given_back = self._on_given_back
        self._journal.on_given_up = self._on_record_given_up
        self._heartbeat = Heartbeat(self._desk, options)
        self._tenure: Tenure | None = None
        self._holds_token = False
        self._intake_open = False
        self._minting: MintTerm | None = None
        self._resigning: ResignTerm | None = None
        self._step_aside_s = STEP_ASIDE_S[0]
        self._aside_until = -inf
        self._silence = Silence(
            self._desk,
            "store_silent",
            "the store does not answer; nothing is dispatched until it does",
            "store_back",
            "the store answers again",
        )
        self._backlog = Silence(
            self._desk,
            "records_waiting",
            "the store does not take the records of runs; they wait in memory",
            "records_written",
            "the store takes records again",
        )
        self._stop_at: float | None = None
        self._token_stopped = False
        self._cancelled_for_stop = False
        self._exited = False

    @property
    def trusted_until(self) -> float:
        """Monotonic time until which launchers may start runs.  Read by any thread."""
        tenure = self._tenure
        return -inf if tenure is None else tenure.dispatcher.trusted_until

    @property
    def term(self) -> int | None:
        """The term this instance executes under; None while it is a standby."""
        return self._tenure.term if self._tenure else None

    def handle(self, events: Iterable[Event], moment: Moment) -> list[Effect]:
        """Take in *events* at *moment* and return what is to be done, in this order."""
        self._desk.moment = moment
        for event in events:
            self._take(event)
        self._advance()
        return self._desk.take_effects()

    def wake_in(self, moment: Moment) -> float:
        """Return after how many seconds, at most, a Tick is needed; never more than a heartbeat.

        The bound makes a jump of the wall clock harmless: it is noticed within a second.
        """
        self._desk.moment = moment
        times = [self._journal.wake_at, self._workload.wake_at, self._heartbeat.wake_at]
        if self._tenure is not None:
            times.append(self._tenure.wake_at)
        if self._stop_at is not None and not self._cancelled_for_stop:
            times.append(self._stop_at + self._options.grace_s)
        return min(max(min(times) - moment.monotonic, 0.0), HEARTBEAT_S)

    # Events -------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case Tick():
                pass
            case Answered():
                self._answered(event.request, event.result)
            case Failed():
                self._failed(event)
            case RunEvent():
                remote = None if self._tenure is None else self._tenure.remote
                take_run_event(event, self._workload, remote, self.term)
            case ReportReceived():
                if self._tenure is not None and self._tenure.attends:
                    self._tenure.reports.receive(event)
            case Delivered():
                if self._tenure is not None:
                    self._tenure.delivered(event)
            case CommandReceived():
                if self._tenure is not None and self._intake_open:
                    self._tenure.receive(event.tag, event.command, event.first)
            case JobsLoaded():
                if self._tenure is not None and self._tenure.awaits(event.request):
                    self._tenure.take_jobs(event.loaded)
            case DeclarationsRead():
                if self._tenure is not None:
                    self._tenure.code.read(event.request, event.declarations)
            case PreconditionAnswered():
                if self._tenure is not None:
                    self._tenure.precondition.answered(event.request, event.fault)
            case TokenGained():
                self._token_gained()
            case TokenGone():
                self._token_gone(event.reason)
            case StopRequested():
                self._stop()

    def _token_gained(self) -> None:
        self._holds_token = True
        if self._stop_at is not None:
            return
        if self._tenure is not None:
            self._desk.note("token_regained", "token held again", term=self._tenure.term)
        elif self._minting is None:
            self._desk.note("token_won", "token won; taking over")
            self._minting = MintTerm(self._options.instance, self._options.tzdata)
            self._desk.emit(self._minting)

    def _token_gone(self, reason: str) -> None:
        self._holds_token = False
        if self._tenure is not None:
            self._desk.note(
                "token_lost",
                "token lost; executing on while the term stands",
                "WARNING",
                term=self._tenure.term,
                reason=reason,
            )
        else:
            self._desk.note("token_lost", "token lost", reason=reason)

    def _answered(self, request: Request, result: object) -> None:
        if request is self._minting:
            assert isinstance(result, TermRecord)
            self._minted(result)
        elif request is self._resigning:
            self._resigned()
        elif not (
            self._journal.answered(request, result)
            or (self._tenure is not None and self._tenure.answered(request, result))
            or self._workload.answered(request, result)
        ):
            self._heartbeat.answered(request)

    def _minted(self, record: TermRecord) -> None:
        self._minting = None
        self._step_aside_s = STEP_ASIDE_S[0]
        if not self._holds_token or self._stop_at is not None:
            # Whoever has the token by now mints a newer term.
            self._desk.note("term_unused", "term minted too late", term=record.term)
            return
        self._desk.note("term_minted", "term minted", term=record.term)
        self._tenure = Tenure(
            self._desk, self._journal, self._workload, self._endings, record, self._options
        )

    def _failed(self, event: Failed) -> None:
        request = event.request
        if isinstance(event.error, StaleTerm):
            if self._tenure is not None and self._tenure.failed(request):
                self._superseded(event.error)
        elif request is self._minting:
            self._minting = None
            self._step_aside("the store does not answer", str(event.error))
        elif request is self._resigning:
            self._resigned()
        elif not (
            (self._tenure is not None and self._tenure.failed(request))
            or self._workload.failed(request)
            or self._journal.failed(request)
        ):
            self._heartbeat.failed(request)

    def _superseded(self, error: StaleTerm) -> None:
        assert self._tenure is not None
        self._desk.note(
            "superseded",
            "a newer term exists; this instance stops dispatching",
            "WARNING",
            term=self._tenure.term,
            newer=error.current,
        )
        self._end_tenure()
        self._workload.cancel_unstarted()
        if self._holds_token and self._stop_at is None:
            self._desk.emit(StepAside(0.0))

    def _end_tenure(self) -> None:
        assert self._tenure is not None
        for change in self._tenure.dispatcher.release():
            self._journal.change(change)
        self._tenure.reports.attend(False)
        self._tenure = None
        self._silence.lasts = False
        self._close_intake()

    def _step_aside(self, why: str, error: str) -> None:
        self._desk.note(
            "step_aside",
            f"{why}; giving the token away",
            "WARNING",
            seconds=self._step_aside_s,
            error=error,
        )
        self._aside_until = self._desk.monotonic + self._step_aside_s
        self._desk.emit(StepAside(self._step_aside_s))
        self._step_aside_s = min(self._step_aside_s * 2, STEP_ASIDE_S[1])

    def _on_run_over(self, run: Run) -> None:
        if self._tenure is not None:
            self._tenure.admission.vacate(run)

    def _on_run_started(self, run: Run, at: datetime) -> None:
        if self._tenure is not None:
            self._tenure.on_started(run, at)

    def _demands(self, run: Run) -> bool:
        return self._tenure is None or self._tenure.demands(run)

    def _on_durable(self, run: Run) -> None:
        if self._tenure is not None:
            self._tenure.on_durable(run)

    def _on_record_given_up(self, job_id: str, why: str) -> None:
        if self._tenure is not None:
            self._tenure.roster.mark_broken(job_id, why)

    def _on_given_back(self, run: Run) -> bool:
        """Take an unstarted run back; False if its term is over."""
        tenure = self._tenure
        if tenure is None or tenure.term != run.term or tenure.stopping:
            return False
        tenure.dispatcher.take_back(run)
        return True

    # Acting -------------------------------------------------------------------------------

    def _advance(self) -> None:
        tenure = self._tenure
        if tenure is not None:
            tenure.advance()
            self._mind_intake(tenure)
            self._mind_store(tenure)
        self._workload.advance()
        self._journal.advance()
        self._backlog.mind(self._journal.silent_since, self.term)
        if self._stop_at is not None:
            self._advance_stop()
        if not self._exited:
            role = "standby" if self._tenure is None else "executing"
            reports = {} if self._tenure is None else self._tenure.reports.counts
            self._heartbeat.advance(role, self._detail(), reports)

    def _detail(self) -> str:
        """Return what ails this instance, for the list of instances; empty if nothing does."""
        ails = [one.sentence for one in (self._silence, self._backlog) if one.lasts]
        if self._tenure is not None:
            ails += self._tenure.ailing()
        return "; ".join(ails)

    def _mind_intake(self, tenure: Tenure) -> None:
        """Take commands while this instance executes, holds the token and knows all jobs."""
        wanted = self._holds_token and tenure.loaded and self._stop_at is None
        tenure.remote.hear(wanted)
        if wanted and not self._intake_open:
            self._intake_open = True
            self._desk.emit(OpenIntake())
        elif not wanted:
            self._close_intake()

    def _close_intake(self) -> None:
        if self._intake_open:
            self._intake_open = False
            self._desk.emit(CloseIntake())
            if self._tenure is not None:
                self._tenure.drop_commands()

    def _mind_store(self, tenure: Tenure) -> None:
        """Say so when the store is silent, and give the token away when it stays so."""
        since = tenure.silent_since
        self._silence.mind(since, tenure.term)
        if since == inf:
            return
        patience_over = self._desk.awake - since > STORE_PATIENCE_S
        may_step_aside = self._holds_token and self._stop_at is None
        if patience_over and may_step_aside and self._desk.monotonic > self._aside_until:
            self._step_aside("the store has been silent for long", "")

    # Stopping -----------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stop_at is not None:
            return
        self._stop_at = self._desk.monotonic
        self._desk.note("stopping", "stopping cleanly", running=len(self._workload))
        self._close_intake()
        if self._tenure is not None:
            self._tenure.stop()

    def _advance_stop(self) -> None:
        assert self._stop_at is not None
        tenure = self._tenure
        if tenure is not None:
            if self._resigning is None and tenure.may_resign:
                self._resigning = ResignTerm(tenure.term)
                self._desk.emit(self._resigning)
        elif not self._token_stopped:
            self._stop_token()
        if not self._cancelled_for_stop and self._grace_is_over:
            self._cancelled_for_stop = True
            if len(self._workload):
                self._desk.note(
                    "grace_over",
                    "grace period over; cancelling what still runs",
                    "WARNING",
                    running=len(self._workload),
                )
            self._workload.cancel_all(Reason.SHUTDOWN)
        done = self._token_stopped and not len(self._workload) and self._journal.empty
        if done and not self._exited:
            self._exited = True
            self._desk.note("stopped", "everything is recorded; this instance ends")
            self._desk.emit(Exit())

    @property
    def _grace_is_over(self) -> bool:
        assert self._stop_at is not None
        return self._desk.monotonic >= self._stop_at + self._options.grace_s

    def _resigned(self) -> None:
        assert self._tenure is not None
        self._desk.note("resigned", "term resigned; handing the token back", term=self._tenure.term)
        self._resigning = None
        self._end_tenure()
        self._stop_token()

    def _stop_token(self) -> None:
        self._token_stopped = True
        self._desk.emit(StopToken())
