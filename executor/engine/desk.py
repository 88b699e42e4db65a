"""The engine's desk: the present moment, the effects decided so far, and calls that are out.

Every part of the engine writes to the same desk while an event is handled.
"""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import Generic, TypeVar

from executor.engine.effects import Effect, Note
from executor.engine.events import Moment
from executor.engine.store_requests import Request
from executor.engine.timing import HEARTBEAT_S, RETRY_S, SILENT_S

R = TypeVar("R", bound=Request)


class Desk:
    """What the parts of the engine share while they handle one event.

    Every part reads the time with every event, so it is at hand and not computed.

    Attributes:
        now: the present instant; may jump between events.
        monotonic: seconds that never go back.
        awake: seconds that this engine has lived through; how long others are silent is told by
            them.  As long as the engine is woken as it asks they are monotonic seconds; a pause of
            the whole process counts for a heartbeat at most, because nobody could have answered
            meanwhile.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self.now: datetime = moment.now
        self.monotonic: float = moment.monotonic
        self.awake = 0.0
        self._effects: list[Effect] = []

    @property
    def moment(self) -> Moment:
        """The present, as last told."""
        return self._moment

    @moment.setter
    def moment(self, moment: Moment) -> None:
        if moment is self._moment:
            return
        passed = moment.monotonic - self.monotonic
        self.awake += min(max(passed, 0.0), HEARTBEAT_S)
        self._moment, self.now, self.monotonic = moment, moment.now, moment.monotonic

    def emit(self, effect: Effect) -> None:
        """Want *effect* done."""
        self._effects.append(effect)

    def note(self, action: str, sentence: str, level: str = "INFO", **facts: object) -> None:
        """Tell the operator."""
        self._effects.append(Note(action, sentence, facts, level))

    def take_effects(self) -> list[Effect]:
        """Return what was wanted since the last time."""
        effects, self._effects = self._effects, []
        return effects

    def deadline(self, instant: datetime) -> float:
        """Return the monotonic time at which *instant* comes, if the wall clock does not jump."""
        return self.monotonic + (instant - self.now).total_seconds()


class Call(Generic[R]):
    """At most one request that is out, repeated with growing pauses until the store answers.

    The request is kept while it waits to be repeated, because its outcome is unknown.  One that
    is out for longer than *patience_s* counts as unanswered, though it is not repeated.

    Attributes:
        request: the one whose outcome is not known yet; None if nothing is out.
        idle: whether nothing is out.
        wake_at: monotonic time of the next repetition; infinity if none is due.
    """

    def __init__(self, desk: Desk, patience_s: float = SILENT_S) -> None:
        self._desk = desk
        self._patience_s = patience_s
        self._out_since = inf
        self.request: R | None = None
        self.idle = True
        self.wake_at = inf
        self._pause = RETRY_S[0]
        self._failing_since = inf

    @property
    def silent_since(self) -> float:
        """Since when (see ``Desk.awake``) the store has not answered; infinity if it is in time."""
        if self._failing_since != inf:
            return self._failing_since
        overdue = self._out_since + self._patience_s
        return overdue if self._desk.awake > overdue else inf

    def send(self, request: R) -> None:
        """Make *request*; the previous one must have been answered."""
        assert self.request is None
        self.request = request
        self.idle = False
        self._emit(request)

    def _emit(self, request: R) -> None:
        self._out_since = self._desk.awake
        self._desk.emit(request)

    def answered(self, request: Request) -> bool:
        """Say whether *request* is the one that was awaited; then nothing is out any more."""
        if request is not self.request:
            return False
        self.request = None
        self.idle = True
        self.wake_at = inf
        self._pause = RETRY_S[0]
        self._out_since = inf
        self._failing_since = inf
        return True

    def failed(self, request: Request) -> bool:
        """Say whether *request* is the awaited one; then it will be repeated."""
        if request is not self.request:
            return False
        self.wake_at = self._desk.monotonic + self._pause
        self._pause = min(self._pause * 2, RETRY_S[1])
        self._failing_since = min(self.silent_since, self._desk.awake)
        self._out_since = inf
        return True

    def advance(self) -> None:
        """Repeat the request if its pause is over."""
        if self._desk.monotonic >= self.wake_at and self.request is not None:
            self.wake_at = inf
            self._emit(self.request)
