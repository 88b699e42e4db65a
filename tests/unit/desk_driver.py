"""One engine in the hands of a test: no threads, no waiting, nothing happens unasked.

A :class:`Driver` stands where the runtime stands.  It feeds the engine events, keeps the
effects, and makes the store calls on a store in memory by the code that the runtime uses.
Calls are answered at once, but for the kinds a test holds: those it answers, fails or
answers late, when it wants.

Time passes only in :meth:`Driver.advance`, which wakes the engine when it asked to be
woken, as the runtime does.  An engine that asks to be woken at once, again and again and
for nothing, would burn a processor: the driver fails the test.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from executor.domain.command import Command, CommandResult
from executor.domain.errors import SolocronError, StoreUnavailable
from executor.domain.job import Definition, Job
from executor.domain.permitted_targets import ALL_TARGETS, PermittedTargets
from executor.domain.run import Outcome, Reason, Run, RunState
from executor.domain.writes import JobWrite
from executor.engine.effects import CancelWork, Effect, Exit, Note, Reply, Settle, StartRuns
from executor.engine.engine import Engine
from executor.engine.events import (
    Answered,
    CommandReceived,
    Event,
    Failed,
    Moment,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
    Tick,
    TokenGained,
    TokenGone,
)
from executor.engine.store_requests import InsertRuns, Request
from executor.engine.timing import Options
from executor.runtime.store_calls import perform
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore

E = TypeVar("E", bound=Effect)
R = TypeVar("R", bound=Request)

#: Store calls in answer to one event, above which the engine is going round in circles.
MANY_CALLS = 500

#: Times in a row that the engine may ask to be woken at once and then do nothing.
IDLE_ROUNDS = 5

#: The least step of time, seconds: the clock's own.
STEP_S = 0.001


class Driver:
    """An engine with its clock, its store and its launchers.

    Attributes:
        effects: everything the engine wanted so far but store calls, in order.
        calls: every store call it wanted so far, in order; a repeated one as often as wanted.
        replies: delivery tag -> how the command was answered.
        answers: delivery tag -> how the command was settled.
        silent: the store answers nothing; every call fails.
    """

    def __init__(
        self,
        store: MemoryStore | None = None,
        instance: str = "here",
        *,
        run_lease_s: float = 10.0,
        grace_s: float = 25.0,
        permitted: PermittedTargets = ALL_TARGETS,
        code: bool = False,
        precondition: bool = False,
        tzdata: str = "",
    ) -> None:
        self.store = store or MemoryStore(FakeClock())
        assert isinstance(self.store.clock, FakeClock)
        self.clock = self.store.clock
        self.instance = instance
        options = Options(
            instance=instance,
            run_lease_s=run_lease_s,
            grace_s=grace_s,
            retention_rest_s=3.0,
            permitted=permitted,
            code=code,
            precondition=precondition,
            tzdata=tzdata,
        )
        self.engine = Engine(options, self.moment())
        self.effects: list[Effect] = []
        self.calls: list[Request] = []
        self.replies: dict[object, CommandResult] = {}
        self.answers: dict[object, CommandResult] = {}
        self.silent = False
        self._out: list[Request] = []
        self._held: tuple[type[Request], ...] = ()

    def moment(self) -> Moment:
        """Return the present."""
        return Moment(self.clock.now(), self.clock.monotonic())

    # Events -------------------------------------------------------------------------------

    def tell(self, *events: Event) -> None:
        """Feed the engine *events* at once, then answer the store calls that follow from them."""
        self._handle(events)
        self.serve()

    def _handle(self, events: Iterable[Event]) -> None:
        for effect in self.engine.handle(events, self.moment()):
            if isinstance(effect, Request):
                self.calls.append(effect)
                self._out.append(effect)
                continue
            self.effects.append(effect)
            if isinstance(effect, Reply):
                assert effect.tag not in self.replies, "a delivery is answered once"
                self.replies[effect.tag] = effect.result
            if isinstance(effect, Settle):
                assert effect.tag not in self.answers, "a delivery is settled once"
                assert self.replies.setdefault(effect.tag, effect.result) == effect.result
                self.answers[effect.tag] = effect.result

    def take_over(self) -> int:
        """Win the token; return the term under which the engine executes then."""
        self.tell(TokenGained())
        assert self.engine.term is not None
        return self.engine.term

    def lose_token(self) -> None:
        """Take the token away."""
        self.tell(TokenGone("the test took it"))

    def stop(self) -> None:
        """Ask for a clean end."""
        self.tell(StopRequested())

    def send(self, *commands: Command) -> list[object]:
        """Deliver *commands* in one go; return their tags."""
        tags: list[object] = [object() for _ in commands]
        self.tell(*map(CommandReceived, tags, commands))
        return tags

    def ask(self, command: Command) -> CommandResult:
        """Deliver *command* and return its answer, which must come without further ado."""
        (tag,) = self.send(command)
        return self.answers[tag]

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake the engine whenever it asked for it, until it wants to end."""
        end = self.clock.monotonic() + seconds
        idle_rounds = 0
        while (left := end - self.clock.monotonic()) > 0:
            if self.wanted(Exit):
                self.clock.advance(left)
                return
            wait = self.engine.wake_in(self.moment())
            self.clock.advance(min(max(wait, STEP_S), left))
            known = len(self.effects) + len(self.calls)
            self.tell(Tick())
            idle = wait <= 0 and len(self.effects) + len(self.calls) == known
            idle_rounds = idle_rounds + 1 if idle else 0
            assert idle_rounds < IDLE_ROUNDS, "the engine asks to be woken at once, for nothing"
        self._finish_rounds()

    def _finish_rounds(self) -> None:
        """Wake the engine at this same instant as long as it has more to do now."""
        known = -1
        while len(self.effects) > known and self.engine.wake_in(self.moment()) <= 0:
            known = len(self.effects)
            self.tell(Tick())

    def advance_to(self, instant: datetime) -> None:
        """Let time pass until the clock shows *instant*."""
        self.advance((instant - self.clock.now()).total_seconds())

    # Store calls --------------------------------------------------------------------------

    def hold(self, *kinds: type[Request]) -> None:
        """From now on answer calls of these kinds, and no others, only when told to."""
        self._held = kinds

    def release(self) -> None:
        """Hold nothing any more, and answer what was held."""
        self._held = ()
        self.serve()

    def serve(self) -> None:
        """Let the store answer every call that is not held, and those that follow."""
        for _ in range(MANY_CALLS):
            request = next((r for r in self._out if not isinstance(r, self._held)), None)
            if request is None:
                return
            self._handle(self._outcome_of(request))
        raise AssertionError(f"the engine never comes to rest; it wants {self._out[0]}")

    def _outcome_of(self, request: Request) -> list[Event]:
        if self.silent:
            self._out.remove(request)
            return [Failed(request, StoreUnavailable("no answer"))]
        return self.carry_out(request)

    def carry_out(self, request: Request) -> list[Event]:
        """Let the store do *request* now; return the outcome, for the test to deliver later."""
        self._out.remove(request)
        outcome: list[Event] = []
        perform(request, self.store, outcome.append)
        return outcome

    def answer(self, request: Request) -> None:
        """Let the store do *request* and answer it."""
        self.tell(*self.carry_out(request))

    def reply(self, request: Request, result: object) -> None:
        """Answer *request* with *result*, which no store was asked for."""
        self._out.remove(request)
        self.tell(Answered(request, result))

    def fail(self, request: Request, error: SolocronError | None = None) -> None:
        """Answer *request* with an error; by default the store is not reached."""
        self._out.remove(request)
        self.tell(Failed(request, error or StoreUnavailable("no answer")))

    def lose_answer(self, request: Request) -> None:
        """Let the store do *request*, and the answer get lost."""
        self.carry_out(request)
        self.tell(Failed(request, StoreUnavailable("the answer was lost")))

    def pending(self, kind: type[R]) -> list[R]:
        """Return the calls of one kind that are not answered, in the order wanted."""
        return [request for request in self._out if isinstance(request, kind)]

    def awaited(self, kind: type[R]) -> R:
        """Return the one call of this kind that is not answered."""
        (request,) = self.pending(kind)
        return request

    def called(self, kind: type[R]) -> list[R]:
        """Return every call of one kind so far."""
        return [request for request in self.calls if isinstance(request, kind)]

    # Launchers ----------------------------------------------------------------------------

    @property
    def handed_off(self) -> list[Run]:
        """Every run that the engine wanted started so far, in order."""
        return [run for run, _ in self.works]

    @property
    def works(self) -> list[tuple[Run, Definition]]:
        """As :attr:`handed_off`, with the definitions."""
        return [work for effect in self.wanted(StartRuns) for work in effect.works]

    def begin(self, run: Run) -> None:
        """Report that the launcher has begun *run*."""
        self.tell(RunStarted(run.id, self.clock.now()))

    def end(
        self,
        run: Run,
        state: RunState = RunState.SUCCEEDED,
        reason: Reason | None = None,
        **facts: Any,
    ) -> None:
        """Report that *run* has ended; *facts* are further fields of the outcome."""
        outcome = Outcome(state=state, reason=reason, **facts)
        self.tell(RunFinished(run.id, self.clock.now(), outcome))

    def work(self, run: Run) -> None:
        """Begin *run*, end it well, and wait until both are written."""
        self.begin(run)
        self.end(run)
        self.advance(0.05)

    def work_everything(self, seconds: float) -> None:
        """Let time pass, and work every run that is handed off and was not begun."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.advance(0.5)
            for run in self.handed_off:
                if self.row(run).started_at is None:
                    self.work(run)

    def give_back(self, run: Run) -> None:
        """Report that the launcher left *run* untouched."""
        self.tell(RunNotStarted(run.id))

    # Looking ------------------------------------------------------------------------------

    def wanted(self, kind: type[E]) -> list[E]:
        """Return every effect of one kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def noted(self, action: str) -> list[dict[str, object]]:
        """Return the facts of every note of this action."""
        return [note.facts for note in self.wanted(Note) if note.action == action]

    def cancelled(self) -> list[tuple[str, Reason]]:
        """Return the runs that launchers were asked to end, and why."""
        return [(effect.run_id, effect.reason) for effect in self.wanted(CancelWork)]

    def row(self, run: Run | str) -> Run:
        """Return the row as it stands in the store."""
        return self.store.get_run(run if isinstance(run, str) else run.id)

    def rows(self, job: str = "backup") -> list[Run]:
        """Return the rows of a job, by name, in the order of their insertion."""
        return [run for run in self.store.every_run() if run.job == job]

    def job(self, name: str = "backup") -> Job:
        """Return the job as it stands in the store."""
        found = self.store.find_job(name)
        assert isinstance(found, Job)
        return found

    def inserted(self) -> list[Run]:
        """Return every row that the engine wanted to insert so far, repeated ones once."""
        requests = dict.fromkeys(self.called(InsertRuns))
        return [run for request in requests for run in request.runs]


def with_jobs(*jobs: Job) -> MemoryStore:
    """Return a store that holds *jobs*."""
    store = MemoryStore(FakeClock())
    assert not any(store.write_jobs([JobWrite(job, None) for job in jobs]))
    return store


def executing(*jobs: Job) -> Driver:
    """Return a driver whose engine executes *jobs*, under term 1 and with everything loaded."""
    driver = Driver(with_jobs(*jobs))
    driver.take_over()
    return driver


def successor_of(driver: Driver) -> Driver:
    """Return the executor that takes over from *driver*, which is dead, frozen or cut off."""
    successor = Driver(driver.store, f"after {driver.instance}")
    successor.take_over()
    return successor
