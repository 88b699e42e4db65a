"""What a worker does about each run: the rules, without any I/O.

Every run in hand is a *piece*.  It goes through these phases::

    taken ----------------------------------> RUNNING --> ENDING --> acknowledged
      | doubtful                               ^            ^
      `--> GUARDED --silence--> COUNTED -------'------------'

Words
-----
doubtful
    A run that somebody else may have: its message was delivered before, or sent twice.
guard
    To hold a doubtful run and listen.  As long as another worker reports about it, it is that
    worker's; when its end is reported, it is over; after a silence it is ours.
loss
    A doubtful run that became ours: whoever had it before has gone.

Rules
-----
1. A run is acknowledged once the broker keeps the report of its end.  Until then its message
   stays with the broker, for somebody else if this process dies.
2. Without a connection runs go on; their messages are then anybody's, their ends are told when
   there is a connection again, and until then others find them silent.
3. A run whose worker was lost :data:`MOST_LOSSES` times is not tried again: it fails, and its
   message becomes a dead letter.
4. A worker that stops takes nothing more.  What still runs after the grace period is cancelled
   and given back, for somebody else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Final

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.work_queue import (
    Assignment,
    Connected,
    Counted,
    Disconnected,
    EndTold,
    Overheard,
    Recall,
    Taken,
)
from executor.worker.steps import (
    Acknowledge,
    Beat,
    Begin,
    Bury,
    CancelRun,
    CountLoss,
    Event,
    Exit,
    ForgetLosses,
    GiveBack,
    Overhear,
    RunEnded,
    RunTold,
    Step,
    StopAsked,
    StopTaking,
    Tell,
    Tick,
)

#: A doubtful run is ours after a silence of so many of its heartbeats: one may be lost, and the
#: next be late by half its interval.
SILENT_BEATS: Final = 2.5

#: Workers that may be lost with one run before it is given up.
MOST_LOSSES: Final = 5

#: Runs remembered that were over, or were to end before they came.
REMEMBERED: Final = 10_000

#: Seconds beyond the grace period for telling the ends of what was cancelled: launchers kill
#: after five.
STOP_MARGIN_S: Final = 10.0

_STATUSES: Final = {
    RunState.SUCCEEDED: ReportStatus.COMPLETED,
    RunState.CANCELLED: ReportStatus.CANCELLED,
}


class Phase(Enum):
    """Where a piece stands; see the module."""

    GUARDED = "guarded"
    COUNTED = "counted"
    RUNNING = "running"
    ENDING = "ending"


@dataclass(slots=True)
class _Piece:
    """A run in hand.

    Attributes:
        tags: of its messages; more than one if it was sent twice, none after a disconnection.
        wake: when the next sign of life is due, or silence has lasted; monotonic.
        details: progress that is not told yet.
        given_up: it is being cancelled in order to be given back.
    """

    assignment: Assignment
    tags: list[object]
    phase: Phase = Phase.GUARDED
    wake: float = inf
    details: Mapping[str, Any] | None = None
    given_up: bool = False
    was_lost: bool = False


@dataclass(slots=True)
class _Memory:
    """The newest run ids of some kind."""

    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def add(self, run_id: str) -> None:
        self.ids[run_id] = None
        self.ids.move_to_end(run_id)
        if len(self.ids) > REMEMBERED:
            self.ids.popitem(last=False)


class Bench:
    """The runs of one worker.

    Args:
        grace_s: how long what runs may go on once the worker is to stop.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._now = 0.0
        self._steps: list[Step] = []
        self._pieces: dict[str, _Piece] = {}
        self._over = _Memory()
        self._recalled = _Memory()
        self._overheard: frozenset[str] = frozenset()
        self._connected = False
        self._stop_at = inf
        self._given_up = False
        self._exited = False

    def handle(self, event: Event, now: float) -> list[Step]:
        """Return what is to be done about *event*, in order; *now* is monotonic seconds."""
        self._now = now
        self._take_note(event)
        self._advance()
        steps, self._steps = self._steps, []
        return steps

    @property
    def wake_at(self) -> float:
        """Monotonic time at which there is something to do without any news."""
        if self._exited:
            return inf
        stop = self._stop_at + STOP_MARGIN_S if self._given_up else self._stop_at
        return min(stop, *(piece.wake for piece in self._pieces.values()), inf)

    @property
    def running(self) -> int:
        """How many runs are in hand and have begun."""
        return sum(piece.phase is Phase.RUNNING for piece in self._pieces.values())

    def _take_note(self, event: Event) -> None:
        match event:
            case Tick():
                pass
            case Taken():
                self._taken(event)
            case Recall():
                self._recall(event.run_id)
            case Overheard():
                self._overhear_of(event)
            case Counted():
                self._count(event)
            case EndTold():
                self._told(event.run_id)
            case RunTold():
                self._progress(event)
            case RunEnded():
                self._ended(event)
            case Connected():
                self._connect()
            case Disconnected():
                self._disconnect()
            case StopAsked():
                self._stop()

    # Coming in ----------------------------------------------------------------------------

    def _taken(self, event: Taken) -> None:
        run_id = event.assignment.run_id
        if run_id in self._pieces:
            self._pieces[run_id].tags.append(event.tag)
        elif run_id in self._over.ids:
            self._steps.append(Acknowledge(event.tag))
        elif self._stop_at != inf:
            self._steps.append(GiveBack(event.tag))
        else:
            piece = self._pieces[run_id] = _Piece(event.assignment, [event.tag])
            if run_id in self._recalled.ids:
                self._end(piece, _CANCELLED)
            elif event.doubtful:
                self._guard(piece)
            else:
                self._begin(piece)

    def _guard(self, piece: _Piece) -> None:
        piece.wake = self._now + SILENT_BEATS * piece.assignment.beat_s

    def _overhear_of(self, event: Overheard) -> None:
        piece = self._pieces.get(event.run_id)
        if piece is None or piece.phase is not Phase.GUARDED:
            return
        if event.over:
            self._let_go(piece)
        else:
            self._guard(piece)

    def _count(self, event: Counted) -> None:
        piece = self._pieces.get(event.run_id)
        if piece is None or piece.phase is not Phase.COUNTED:
            return
        piece.was_lost = True
        if event.losses < MOST_LOSSES:
            self._begin(piece)
            return
        words = f"its worker was lost {event.losses} times; it is not tried again"
        self._steps += [Bury(tag, words) for tag in piece.tags[:1]]
        self._end(piece, Outcome(state=RunState.FAILED, error=words))

    def _begin(self, piece: _Piece) -> None:
        piece.phase = Phase.RUNNING
        piece.wake = self._now + piece.assignment.beat_s
        self._steps += [
            Tell(piece.assignment, ReportStatus.RUNNING),
            Begin(piece.assignment),
        ]

    # Ending -------------------------------------------------------------------------------

    def _recall(self, run_id: str) -> None:
        piece = self._pieces.get(run_id)
        if piece is None:
            self._recalled.add(run_id)
        elif piece.phase is Phase.RUNNING:
            piece.given_up = False
            self._steps.append(CancelRun(run_id, Reason.REQUESTED))
        elif piece.phase is not Phase.ENDING:
            self._end(piece, _CANCELLED)

    def _progress(self, event: RunTold) -> None:
        piece = self._pieces.get(event.run_id)
        if piece is not None and piece.phase is Phase.RUNNING:
            piece.details = event.details
            piece.wake = self._now

    def _ended(self, event: RunEnded) -> None:
        piece = self._pieces.get(event.run_id)
        if piece is None or piece.phase is not Phase.RUNNING:
            return
        if piece.given_up and event.outcome.state is RunState.CANCELLED:
            del self._pieces[event.run_id]
            self._steps += [GiveBack(tag) for tag in piece.tags]
        else:
            self._end(piece, event.outcome)

    def _end(self, piece: _Piece, outcome: Outcome) -> None:
        piece.phase = Phase.ENDING
        piece.wake = inf
        status = _STATUSES.get(outcome.state, ReportStatus.FAILED)
        self._steps.append(Tell(piece.assignment, status, outcome))

    def _told(self, run_id: str) -> None:
        piece = self._pieces.get(run_id)
        if piece is not None and piece.phase is Phase.ENDING:
            self._let_go(piece)

    def _let_go(self, piece: _Piece) -> None:
        run_id = piece.assignment.run_id
        del self._pieces[run_id]
        self._over.add(run_id)
        self._steps += [Acknowledge(tag) for tag in piece.tags]
        if piece.was_lost:
            self._steps.append(ForgetLosses(run_id))

    # The broker ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self._connected = True
        for piece in self._pieces.values():
            if piece.phase is Phase.RUNNING:
                # At once: somebody may be guarding it by now.
                piece.wake = self._now

    def _disconnect(self) -> None:
        self._connected = False
        self._overheard = frozenset()
        for run_id, piece in list(self._pieces.items()):
            piece.tags.clear()
            if piece.phase in {Phase.GUARDED, Phase.COUNTED}:
                del self._pieces[run_id]

    # Stopping -----------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stop_at != inf:
            # Asked again: no more patience.
            self._stop_at = min(self._stop_at, self._now)
            return
        self._stop_at = self._now + self._grace_s
        self._steps.append(StopTaking())
        for run_id, piece in list(self._pieces.items()):
            if piece.phase in {Phase.GUARDED, Phase.COUNTED}:
                del self._pieces[run_id]
                self._steps += [GiveBack(tag) for tag in piece.tags]

    def _advance_stop(self) -> None:
        if self._now >= self._stop_at and not self._given_up:
            self._given_up = True
            for run_id, piece in self._pieces.items():
                if piece.phase is Phase.RUNNING:
                    piece.given_up = True
                    self._steps.append(CancelRun(run_id, Reason.SHUTDOWN))
        # What cannot be told in time is told by whoever gets its message next.
        hopeless = self._now >= self._stop_at + STOP_MARGIN_S
        if not self._exited and (not self._pieces or hopeless):
            self._exited = True
            self._steps.append(Exit(clean=not self._pieces))

    # Time ---------------------------------------------------------------------------------

    def _advance(self) -> None:
        for piece in self._pieces.values():
            if piece.wake <= self._now:
                self._ring(piece)
        if self._stop_at != inf:
            self._advance_stop()
        guarded = frozenset(
            piece.assignment.job for piece in self._pieces.values() if piece.phase is Phase.GUARDED
        )
        if guarded != self._overheard:
            self._overheard = guarded
            self._steps.append(Overhear(guarded))

    def _ring(self, piece: _Piece) -> None:
        assignment = piece.assignment
        if piece.phase is Phase.GUARDED:
            piece.phase, piece.wake = Phase.COUNTED, inf
            self._steps.append(CountLoss(assignment.run_id, assignment.job))
            return
        piece.wake = self._now + assignment.beat_s
        if self._connected:
            self._steps.append(Beat(assignment, piece.details))
            piece.details = None


_CANCELLED: Final = Outcome(state=RunState.CANCELLED, reason=Reason.REQUESTED)
