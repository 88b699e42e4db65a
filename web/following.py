"""Following what a run says: the store is read again and again, so any instance will do.

Each follower holds a thread for as long as it stays.  So there are places for a number of
them, apart from the threads of all other requests (see ``server``), a bound on the time of
each, and an end to all of them when web stops.  Whoever is sent away goes on elsewhere, or
later, from the offset where he was.

Rules
-----
1. A run is followed to its end, and no further: a repetition is another run.
2. The row is looked at before the chunks: what was said before the end is there by then,
   but for a last piece that may be late.
3. What is not in a chunk any more, or never was, comes from the row's beginning and end.
   What is not there either is told as missing.
4. A store that does not answer is silence.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from threading import BoundedSemaphore, Event
from typing import Final

from executor.domain.errors import RunNotFound, StoreUnavailable
from executor.domain.live_output import Gap, OutputChunk, chunks_of, from_whole_character, joined
from executor.domain.run import Output, Run
from executor.ports.clock import Clock
from executor.ports.store import Readers

#: Outputs followed at the same time through one instance, each on a thread.  Measured with 50
#: of a run that says something twice a second: 4 % of a processor on SQLite, 21 % on MongoDB,
#: and other requests took 0.4 to 5 ms longer.
PLACES: Final = 50

#: Name under which an application has its followers, among its extensions.
FOLLOWERS: Final = "followers"

#: Seconds for which one is followed before the client has to ask again.
LONGEST_S: Final = 600.0

#: Seconds between two looks: after news, and at most when there were none for a while.
PAUSE_S: Final = (0.5, 2.0)

#: After a run's end a last piece of its output may be on its way for so long.
LATE: Final = timedelta(seconds=2)

#: Chunks read at once: a megabyte at most.
PAGE: Final = 16


@dataclass(frozen=True, slots=True)
class Said:
    """The run said ``text``; what comes next begins at ``position`` (bytes)."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What the run said from ``offset`` up to ``end`` (bytes) is not kept."""

    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing came for a while; the client should see that it is still connected."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Over:
    """The run is over, and everything is said; ``run`` is None if its row was removed."""

    run: Run | None
    position: int


@dataclass(frozen=True, slots=True)
class Left:
    """The run goes on, and is not followed any further here."""

    position: int


Step = Said | Missing | Silent | Over | Left


class Followers:
    """The places of one web process; safe to use from all its threads."""

    def __init__(self, places: int = PLACES, longest_s: float = LONGEST_S) -> None:
        self.places = places
        self.longest_s = longest_s
        self._free = BoundedSemaphore(places)
        self._dismissed = Event()

    def take_place(self) -> ExitStack | None:
        """Return a place, to be closed when it is free again (closing twice is harmless).

        None if all are taken.
        """
        if not self._free.acquire(blocking=False):
            return None
        place = ExitStack()
        place.callback(self._free.release)
        return place

    def rest(self, seconds: float) -> bool:
        """Let *seconds* pass; return at once, and True, when all have to leave."""
        return self._dismissed.wait(seconds)

    def dismiss(self) -> None:
        """Make everybody leave; may be called from a signal handler."""
        self._dismissed.set()


class Follower:
    """Follows one run, on one thread.

    Args:
        position: the offset from which on the output is wanted, bytes.
        alive_s: seconds after which silence is told.
    """

    def __init__(
        self,
        readers: Readers,
        clock: Clock,
        followers: Followers,
        run_id: str,
        position: int,
        alive_s: float,
    ) -> None:
        self._readers = readers
        self._clock = clock
        self._followers = followers
        self._run_id = run_id
        self._position = position
        self._alive_s = alive_s
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        #: What comes next may begin within a character.
        self._cut = position > 0

    def steps(self) -> Iterator[Step]:
        """Yield what happens until the run is over, or the time is."""
        begun = heard = self._clock.monotonic()
        pause = PAUSE_S[0]
        while True:
            position, over = self._position, False
            try:
                run = self._readers.get_run(self._run_id)
                yield from self._look(run)
                over = self._is_over(run)
            except RunNotFound:
                yield Over(None, self._position)
                return
            except StoreUnavailable:
                # Whoever follows hears that it is silent, and goes on where he was.
                pass
            if over:
                yield from self._rest_of_text()
                yield Over(run, self._position)
                return
            now = self._clock.monotonic()
            if self._position > position:
                heard, pause = now, PAUSE_S[0]
            elif now - heard >= self._alive_s:
                yield Silent(now - heard)
                heard = now
            if now - begun >= self._followers.longest_s or self._followers.rest(pause):
                yield Left(self._whole_position)
                return
            pause = min(pause * 1.5, PAUSE_S[1])

    def _look(self, run: Run) -> Iterator[Step]:
        output = (None if run.is_live else run.output) or Output()
        head, *tail = chunks_of(run.id, output)
        while chunks := self._readers.read_output(run.id, self._position, PAGE):
            if chunks[0].offset > self._position:
                yield from self._say([head])
            yield from self._say(chunks)
        if self._position < output.size:
            yield from self._say([head])
            if not self._may_be_late(run):
                yield from self._say(tail)

    def _is_over(self, run: Run) -> bool:
        if run.is_live:
            return False
        all_said = run.output is None or self._position >= run.output.size
        return all_said or not self._may_be_late(run)

    def _may_be_late(self, run: Run) -> bool:
        return run.finished_at is not None and self._clock.now() < run.finished_at + LATE

    def _say(self, chunks: Sequence[OutputChunk]) -> Iterator[Step]:
        for piece in joined(chunks, self._position):
            self._position = piece.end
            if isinstance(piece, Gap):
                self._decoder.reset()
                self._cut = True
                yield Missing(piece.offset, piece.end)
                continue
            data = from_whole_character(piece.data) if self._cut else piece.data
            self._cut = False
            text = self._decoder.decode(data)
            if text:
                yield Said(text, self._whole_position)

    @property
    def _whole_position(self) -> int:
        """Where the character begins of which only a part is there."""
        beginning, _ = self._decoder.getstate()
        return self._position - len(beginning)

    def _rest_of_text(self) -> Iterator[Step]:
        text = self._decoder.decode(b"", final=True)
        if text:
            yield Said(text, self._position)
