"""How one process's calls reach the store, or do not, and how their answers come back.

Every lane makes one call at a time, as the runtime's threads do.  A call may be done and
its answer lost or late, done later than its sender waits, done in part, or never.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any, Final

from executor.domain.errors import StoreUnavailable
from executor.engine.events import Answered, Event, Failed
from executor.engine.store_requests import (
    AdoptRuns,
    ClearTerm,
    InsertRuns,
    KeepFormer,
    Lane,
    RecallCommands,
    Record,
    RecordDeliveries,
    RenewLeases,
    Request,
    SaveResults,
    SettleFollowUps,
    Tell,
    WriteJobs,
)
from executor.runtime.store_calls import perform
from tests.simulation.ledger import LedgerStore
from tests.simulation.parked import LineWatch
from tests.simulation.world import World

#: The rows of each batch; each stands for itself, so any part of them may be what was written.
_ROWS: Final[dict[type[Request], str]] = {
    InsertRuns: "runs",
    AdoptRuns: "adoptions",
    WriteJobs: "writes",
    SaveResults: "results",
    SettleFollowUps: "run_ids",
    RenewLeases: "run_ids",
    Record: "changes",
    RecordDeliveries: "changes",
    Tell: "tellings",
}

#: Calls that append to the audit among other things, and may get no further than before that.
_ENTERING: Final = (WriteJobs, KeepFormer, SaveResults, RecallCommands)

#: Of so many calls one is done, or half done, and the answer lost.
_LOST, _HALF_DONE = 0.004, 0.002

#: Of so many calls one is done in time and answered this much later (s).
_DAWDLES: Final = 0.01
_DAWDLE_S: Final = (0.3, 3.0)

#: No call takes longer (s) each way: the client gives up.
_LONGEST_S: Final = 3.0

#: A process whose calls take longer (s) than that is not well.
_TOLERABLE_S: Final = 0.2


@dataclass(slots=True)
class StoreWeather:
    """How the store treats calls at the moment; shared by all instances.

    ``slow_lane`` and ``refused`` concern one lane, or one kind of call, of everybody.
    ``recovered_at`` is when the last trouble ended.
    """

    up: bool = True
    slow: float = 1.0
    slow_lane: Lane | None = None
    refused: type[Request] | None = None
    half_done: float = _HALF_DONE
    recovered_at: float = 0.0

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong with it."""
        troubled = self.slow_lane is not None or self.refused is not None
        return self.up and self.slow == 1.0 and self.half_done == _HALF_DONE and not troubled

    def mend(self, now: float) -> None:
        """Be fine from now on."""
        self.up, self.slow, self.half_done = True, 1.0, _HALF_DONE
        self.slow_lane = self.refused = None
        self.recovered_at = now


def _part_of(request: Request, world: World) -> Request | None:
    """Return *request* for some of its rows; None if it is no batch."""
    name = _ROWS.get(type(request))
    if name is None:
        return None
    some = tuple(row for row in getattr(request, name) if world.chance(0.5))
    changed: dict[str, Any] = {name: some}
    return replace(request, **changed)


@dataclass(slots=True)
class StoreLink:
    """The lanes of one process.

    ``cleared_from`` is when the newest clearance that was answered had been asked for.

    Args:
        who: the process, as the store's ledger knows it.
        inside: makes an act one of the process: not done after its death, nor while it is paused.
        cut: whether the process's link to the store is cut at present.
        dead: whether the process is gone; what it had just sent may be gone with it.
        on_point: told of each call's ``sent``, ``done`` and ``answered``.
        watch: told of each call, and of what came of it.
    """

    who: str
    world: World
    store: LedgerStore
    weather: StoreWeather
    inside: Callable[[Callable[[], None]], Callable[[], None]]
    tell: Callable[[Event], None]
    cut: Callable[[], bool]
    dead: Callable[[], bool]
    on_point: Callable[[Request, str], None]
    watch: LineWatch
    ordered: bool = True
    recovered_at: float = 0.0
    cleared_from: float = -inf
    _asked: dict[Request, float] = field(default_factory=dict)
    _lanes: dict[Lane, deque[Request]] = field(
        default_factory=lambda: {lane: deque() for lane in Lane}
    )

    def call(self, request: Request) -> None:
        """Make a call after those of its lane that wait."""
        self.watch.sent(request)
        queue = self._lanes[request.lane]
        queue.append(request)
        if isinstance(request, ClearTerm):
            self._asked[request] = self.world.time
        if len(queue) == 1:
            self._next(request.lane)

    def _next(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        if queue:
            request = queue[0]
            self.on_point(request, "sent")
            latency = self._latency(lane)
            self._troubled_for(latency if latency > _TOLERABLE_S else 0.0)
            # On the wire: the call arrives although its sender is paused, or even dead.
            self.world.after(latency, lambda: self._arrive(request))

    def _troubled_for(self, seconds: float) -> None:
        if seconds:
            self.recovered_at = max(self.recovered_at, self.world.time + seconds)

    def _latency(self, lane: Lane) -> float:
        slow = 100.0 if lane is self.weather.slow_lane else 1.0
        return min(self.world.delay(0.002) * self.weather.slow * slow, _LONGEST_S)

    def _arrive(self, request: Request) -> None:
        if self.dead() and self.world.chance(0.5):
            return
        refused = type(request) is self.weather.refused
        if self.weather.up and not self.cut() and not refused:
            outcomes, delay = self._carry_out(request)
        else:
            outcomes = [Failed(request, StoreUnavailable("not reached"))]
            delay = self.world.random.uniform(0.05, 0.5 if refused else 2.0)
            if self.world.chance(0.3) and not refused:
                # The caller gives up, and later the store does it all the same.
                late = self.world.random.uniform(0.0, 6.0)
                self.world.after(late, partial(self._late, request))
        if delay > _TOLERABLE_S or isinstance(outcomes[-1], Failed):
            self._troubled_for(delay)
        self.on_point(request, "done")
        self.world.after(delay, self.inside(lambda: self._answer(request, outcomes)))

    def _carry_out(self, request: Request) -> tuple[list[Event], float]:
        outcomes: list[Event] = []
        delay = self._latency(request.lane)
        part = _part_of(request, self.world) if self.world.chance(self.weather.half_done) else None
        if part is not None:
            self.world.say(self.who, f"half done {type(request).__name__}")
            self._perform(part, [])
            outcomes = [Failed(request, StoreUnavailable("done in part"))]
        elif not self.ordered and isinstance(request, InsertRuns):
            # The switched-off order: claims are answered for first and durable later.
            outcomes = [Answered(request, {})]
            late = self.world.random.uniform(0.3, 0.8)
            self.world.after(late, partial(self._late, request))
        else:
            self._perform(request, outcomes)
            if self.world.chance(_LOST):
                outcomes = [Failed(request, StoreUnavailable("answer lost"))]
            if self.world.chance(_DAWDLES):
                # It is done, and the answer dawdles: much happens before it arrives.
                delay += self.world.random.uniform(*_DAWDLE_S)
        return outcomes, delay

    def _answer(self, request: Request, outcomes: list[Event]) -> None:
        if request in self._asked:
            asked = self._asked.pop(request)
            self.cleared_from = asked if isinstance(outcomes[-1], Answered) else self.cleared_from
        # Still at the head of its lane meanwhile: what the engine wants next queues behind it.
        for outcome in outcomes:
            if isinstance(outcome, Answered):
                self.watch.answered(request, outcome.result)
            self.tell(outcome)
        self.on_point(request, "answered")
        self._lanes[request.lane].popleft()
        self._next(request.lane)

    def _late(self, request: Request) -> None:
        if self.weather.up:
            self.world.say(self.who, f"late {type(request).__name__}")
            self._perform(request, [])

    def _perform(self, request: Request, outcomes: list[Event]) -> None:
        seen = self.store.as_seen_by(self.who)
        writes = isinstance(request, _ENTERING)
        seen.audit_away = writes and self.world.chance(self.weather.half_done)
        perform(request, seen, outcomes.append)
