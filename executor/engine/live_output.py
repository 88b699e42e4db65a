"""What running work says, on its way to the store: the least important thing there is.

It has a lane of its own, one call at a time and some rest between two, so that it takes
nothing from clearances and records; and what waits here is bounded, so that a silent
store costs pieces of output and no memory.  Whoever follows a run sees such a loss as a gap.
"""

from __future__ import annotations

from math import inf

from executor.domain.live_output import OutputChunk
from executor.engine.desk import Call, Desk
from executor.engine.events import RunSaid
from executor.engine.store_requests import KeepOutput, Request
from executor.engine.timing import OUTPUT_BACKLOG, OUTPUT_BATCH, OUTPUT_EVERY_S


class LiveOutput:
    """Passes on what runs say; lives as long as the process, as the runs do."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._call: Call[KeepOutput] = Call(desk)
        self._waiting: dict[tuple[str, int], bytes] = {}
        self._size = 0
        self._next = -inf

    def said(self, event: RunSaid) -> None:
        """Take a chunk; one that has grown takes its former place."""
        key = event.run_id, event.offset
        self._size += len(event.data) - len(self._waiting.get(key, b""))
        self._waiting[key] = event.data
        while self._size > OUTPUT_BACKLOG:
            self._take_oldest()

    def _take_oldest(self) -> OutputChunk:
        run_id, offset = key = next(iter(self._waiting))
        data = self._waiting.pop(key)
        self._size -= len(data)
        return OutputChunk(run_id, offset, data)

    def answered(self, request: Request) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        return self._call.answered(request)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._call.failed(request)

    def advance(self) -> None:
        """Send what waits, the oldest first, if it is time."""
        if not self._call.idle:
            self._call.advance()
            return
        if not self._waiting or self._desk.monotonic < self._next:
            return
        self._next = self._desk.monotonic + OUTPUT_EVERY_S
        chunks: list[OutputChunk] = []
        size = 0
        while self._waiting and size < OUTPUT_BATCH:
            chunks.append(self._take_oldest())
            size += len(chunks[-1].data)
        self._call.send(KeepOutput(tuple(chunks)))

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next batch or repetition."""
        if not self._call.idle:
            return self._call.wake_at
        return self._next if self._waiting else inf
