"""The executor process: one thread that runs the engine, and the owners of everything else.

    broker threads --news, commands--.
    launcher threads --starts, ends---+--> events --> engine thread --> effects --.
    store lanes --answers------------'                                            |
        ^-----------------------------------------------------------------------'

The engine thread takes all events that are there, handles them at one reading of the
clock, carries the effects out by handing them to their owners, and sleeps until the
next event or the time the engine asked for.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread
from typing import Any, Final

from executor.domain.calendar import calendar_from_document
from executor.domain.callback import token_for
from executor.domain.command import CommandKind
from executor.domain.errors import InvalidCalendar, StoreUnavailable
from executor.domain.job import Definition
from executor.domain.run import Outcome, Run
from executor.domain.targets import calls_back
from executor.engine.effects import (
    AskPrecondition,
    AttendWorkers,
    CancelWork,
    CloseIntake,
    Deliver,
    Effect,
    Exit,
    Note,
    OpenIntake,
    PrepareRuns,
    ReadDeclarations,
    RecallWork,
    Reply,
    Settle,
    SettleReport,
    StartRuns,
    StepAside,
    StopToken,
)
from executor.engine.engine import Engine
from executor.engine.events import (
    CommandReceived,
    DeclarationsRead,
    Delivered,
    Event,
    Moment,
    PreconditionAnswered,
    ReportReceived,
    RunFinished,
    RunHandedOver,
    RunNotStarted,
    RunProgressed,
    RunSaid,
    RunStarted,
    StopRequested,
    Tick,
    TokenGained,
    TokenGone,
)
from executor.engine.store_requests import Request
from executor.engine.timing import Options
from executor.ports.broker import CommandIntake, Delivery, Token, TokenNews, TokenWon
from executor.ports.clock import Clock
from executor.ports.code import JobCode
from executor.ports.courier import Courier, CourierFactory, Parcel
from executor.ports.store import ExecutorStore
from executor.ports.target import Launcher, LauncherFactory, Work
from executor.ports.workers import ReportDelivery, WorkerReports
from executor.runtime.lanes import Lanes

logger = logging.getLogger("executor.engine")

#: An engine that has not come round for so many looks, a second apart, is hung: the process ends
#: itself, because its token connection, alive on another thread, would keep the token for ever.
#: Looks and not seconds, so that a process that was paused as a whole is not taken for hung.
HUNG_AFTER_LOOKS: Final = 10

#: Beyond the grace period, how long (s) a stop may take to cancel and to record what ran.
STOP_MARGIN_S: Final = 6.0

#: How long (s) the store's calls under way may still take at the end.
LANES_S: Final = 1.0

#: Pause (s) between two attempts to reach a silent store at the start: first, at most.
PREPARE_PAUSE_S: Final = (0.5, 10.0)

#: Objects between two collections of each generation.  Rows and events come and go by reference
#: counting alone; with Python's 700 a quarter of a large load went into looking for cycles.
GC_THRESHOLDS: Final = (50_000, 20, 20)

#: Longest time (s) for which one thread keeps the interpreter from another that wants it.  Python's
#: 5 ms would pass at each call of the system by a thread that sends requests, while others compute.
SWITCH_INTERVAL_S: Final = 0.0005

#: Exit statuses: a clean end; what could not be recorded or finished in time.
CLEAN: Final = 0
UNCLEAN: Final = 1


class _Reporter:
    """What launchers tell the engine, as events."""

    def __init__(self, service: ExecutorService) -> None:
        self._service = service

    def may_start(self) -> bool:
        return self._service.trusted

    def started(self, run_id: str, at: datetime) -> None:
        self._service.post(RunStarted(run_id, at))

    def progressed(self, run_id: str, details: Mapping[str, Any]) -> None:
        self._service.post(RunProgressed(run_id, details))

    def not_started(self, run_id: str) -> None:
        self._service.post(RunNotStarted(run_id))

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        self._service.post(RunSaid(run_id, offset, data))

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        self._service.post(RunFinished(run_id, at, outcome))

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        self._service.post(RunHandedOver(run_id, at, running))


class ExecutorService:
    """Runs one instance's executor until it is stopped."""

    def __init__(
        self,
        *,
        store: ExecutorStore,
        token: Token,
        intake: CommandIntake,
        launchers: LauncherFactory,
        couriers: CourierFactory,
        clock: Clock,
        options: Options,
        code: JobCode | None = None,
        workers: WorkerReports | None = None,
    ) -> None:
        self._store = store
        self._token = token
        self._intake = intake
        self._workers = workers
        self._clock = clock
        self._code = code
        self._options = options
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._engine = Engine(options, self._moment())
        self._lanes = Lanes(store, self.post)
        self._launcher: Launcher = launchers(_Reporter(self))
        self._courier: Courier = couriers(self._on_delivered)
        self._done = Flag()
        self._stop_asked_at: float | None = None
        self._key = b""
        self._status = UNCLEAN
        self._round = clock.monotonic()

    @property
    def trusted(self) -> bool:
        """Whether launchers may start runs at this instant."""
        return self._clock.monotonic() < self._engine.trusted_until

    def post(self, event: Event) -> None:
        """Give the engine an event; any thread, also a signal handler."""
        self._events.put(event)

    def run(self) -> int:
        """Execute until stopped; return the process's exit status.

        A store that does not answer yet is waited for.

        Raises:
            SchemaTooNew: a newer Solocron has written the store; nothing was started.
        """
        if not self._prepare_store():
            self._store.close()
            return CLEAN
        gc.set_threshold(*GC_THRESHOLDS)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._round = self._clock.monotonic()
        self._lanes.start()
        Thread(target=self._watch, name="hang-watch", daemon=True).start()
        self._intake.start(self._on_delivery)
        if self._workers is not None:
            self._workers.start(self._on_report)
        self._token.start(self._on_news)
        try:
            self._loop()
        finally:
            self.abandon()
            self._courier.stop()
            self._intake.stop()
            if self._workers is not None:
                self._workers.stop()
            self._token.stop()
            if self._lanes.stop(LANES_S):
                self._forget_instance()
            self._done.set()
        return self._status

    def _prepare_store(self) -> bool:
        """Make the store ready, however long that takes; False if a stop was asked for first."""
        pause = PREPARE_PAUSE_S[0]
        while True:
            try:
                self._store.prepare()
                self._key = self._store.callback_key()
            except StoreUnavailable as error:
                logger.warning(
                    "the store does not answer; trying again",
                    extra={"action": "store_awaited", "error": str(error), "seconds": pause},
                )
            else:
                return True
            try:
                # Nothing but a stop can have been posted: nobody else has been started.
                self._events.get(timeout=pause)
            except Empty:
                pause = min(pause * 2, PREPARE_PAUSE_S[1])
            else:
                return False

    def stop(self) -> None:
        """Ask for a clean end.  Returns at once; may be called from a signal handler."""
        if self._stop_asked_at is None:
            self._stop_asked_at = self._clock.monotonic()
            self.post(StopRequested())

    def abandon(self) -> None:
        """End all work by force, at once; for when nobody is left to account to."""
        self._launcher.stop()
        if self._code is not None:
            self._code.stop()

    # The engine's thread ------------------------------------------------------------------

    def _loop(self) -> None:
        events: list[Event] = [Tick()]
        while not self._done.is_set():
            moment = self._moment()
            self._round = moment.monotonic
            for effect in self._engine.handle(events, moment):
                self._carry_out(effect)
            if self._overdue(moment):
                logger.error(
                    "the stop took too long; ending with unfinished work",
                    extra={"action": "stop_overdue"},
                )
                return
            events = [] if self._done.is_set() else self._next_events()

    def _next_events(self) -> list[Event]:
        events: list[Event] = []
        try:
            events.append(self._events.get(timeout=self._engine.wake_in(self._moment())))
            while True:
                events.append(self._events.get_nowait())
        except Empty:
            return events

    def _overdue(self, moment: Moment) -> bool:
        if self._stop_asked_at is None:
            return False
        longest = self._options.grace_s + STOP_MARGIN_S
        return moment.monotonic - self._stop_asked_at > longest

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Request():
                self._lanes.put(effect)
            case PrepareRuns():
                self._launcher.prepare([self._work({}, *work) for work in effect.works])
            case StartRuns():
                self._launcher.start([self._work(effect.sealed, *work) for work in effect.works])
            case Note():
                self._log(effect)
            case Deliver():
                parcel = Parcel(effect.notification, effect.channel, effect.sealed)
                self._courier.deliver(parcel)
            case CancelWork():
                self._launcher.cancel(effect.run_id, effect.reason)
            case RecallWork():
                self._launcher.recall(Work(effect.run, effect.definition), effect.reason)
            case AttendWorkers() | SettleReport():
                self._tell_workers(effect)
            case Reply():
                assert isinstance(effect.tag, Delivery)
                self._intake.reply(effect.tag, effect.result)
            case Settle():
                assert isinstance(effect.tag, Delivery)
                self._intake.settle(effect.tag, effect.result)
            case OpenIntake():
                self._intake.open()
            case CloseIntake():
                self._intake.close()
            case ReadDeclarations() | AskPrecondition():
                # It may take minutes.
                Thread(target=self._ask_code, args=(effect,), name="job-code", daemon=True).start()
            case StepAside():
                self._token.step_aside(effect.seconds)
            case StopToken():
                # On a thread of its own: handing the token back may take long.
                Thread(target=self._token.stop, name="token-stop", daemon=True).start()
            case Exit():
                self._status = CLEAN
                self._done.set()

    def _work(self, sealed: Mapping[str, str], run: Run, definition: Definition) -> Work:
        token = token_for(self._key, run.id) if calls_back(definition.target) else ""
        return Work(run, definition, sealed, token)

    def _tell_workers(self, effect: AttendWorkers | SettleReport) -> None:
        if self._workers is None:
            return
        if isinstance(effect, AttendWorkers):
            self._workers.attend(effect.jobs)
        else:
            assert isinstance(effect.tag, ReportDelivery)
            self._workers.settle(effect.tag)

    def _log(self, note: Note) -> None:
        level = getattr(logging, note.level)
        if logger.isEnabledFor(level):
            logger.log(level, note.sentence, extra={"action": note.action, **note.facts})

    # Other threads ------------------------------------------------------------------------

    def _ask_code(self, effect: ReadDeclarations | AskPrecondition) -> None:
        assert self._code is not None
        if isinstance(effect, ReadDeclarations):
            self.post(DeclarationsRead(effect, self._code.declarations()))
        else:
            self.post(PreconditionAnswered(effect, self._code.precondition()))

    def _on_news(self, news: TokenNews) -> None:
        self.post(TokenGained() if isinstance(news, TokenWon) else TokenGone(news.reason))

    def _on_report(self, delivery: ReportDelivery) -> None:
        self.post(ReportReceived(delivery, delivery.report))

    def _on_delivered(self, notification_id: str, at: datetime, error: str | None) -> None:
        self.post(Delivered(notification_id, at, error))

    def _on_delivery(self, delivery: Delivery) -> None:
        if delivery.command.kind is CommandKind.PUT_CALENDAR:
            # A long file takes a second to read, and is remembered: not in the engine's thread.
            with suppress(InvalidCalendar):
                calendar_from_document(delivery.command.arguments.get("calendar"))
        self.post(CommandReceived(delivery, delivery.command, delivery.first))

    def _watch(self) -> None:
        """End the process if the engine hangs (crash-only: the platform starts it anew)."""
        seen, looks = self._round, 0
        while not self._done.wait(1.0):
            looks = looks + 1 if self._round == seen else 0
            seen = self._round
            if looks >= HUNG_AFTER_LOOKS:
                logger.critical(
                    "the engine has not come round; ending this process",
                    extra={"action": "engine_hung", "looks": looks},
                )
                logging.shutdown()
                os._exit(UNCLEAN)

    def _forget_instance(self) -> None:
        try:
            self._store.forget_instance(self._options.instance)
        except Exception as error:  # The record expires by itself; the end must not fail over it.
            logger.debug(
                "could not remove the record of this instance",
                extra={"action": "forget_instance_failed", "error": repr(error)},
            )
        self._store.close()
