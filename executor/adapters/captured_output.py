"""What a target says, kept within a limit however much it says.

The first half of the limit and the last half are kept, what lies between is counted
and dropped: errors stand at the beginning or at the end.  Memory stays below twice the
limit, or below three :data:`~executor.domain.live_output.LONGEST_CHUNK` if that is more,
for endless output.

While it goes on, :meth:`CapturedOutput.news` gives what has come since the last time, out
of what is kept anyway: who is never asked for news has kept nothing for them.

Bytes become text here and nowhere else: as UTF-8, with U+FFFD for what is not.  Where
output was dropped, a character that was cut in two is dropped as well, so that no
U+FFFD appears which the target did not cause.
"""

from __future__ import annotations

import codecs
from typing import Final

from executor.domain.live_output import (
    FULL_CHUNK,
    KEPT_WITH_ROW,
    LONGEST_CHUNK,
    from_whole_character,
)
from executor.domain.run import Output

#: Bytes kept of one run's output, which is stored with the run.
OUTPUT_LIMIT: Final = KEPT_WITH_ROW


class CapturedOutput:
    """Collects bytes; not safe to share between threads.

    Args:
        limit: bytes to keep, half of them from the start and half from the end.
    """

    __slots__ = ("_chunk", "_half", "_head", "_size", "_tail", "_told")

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0
        #: Where the latest news began, and where they ended; bytes from the start.
        self._chunk = 0
        self._told = 0

    def add(self, data: bytes) -> None:
        """Take what came next."""
        self._size += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            keep = max(self._half, LONGEST_CHUNK)
            self._tail += data[-keep:]
            surplus = len(self._tail) - keep
            if surplus > 0:
                del self._tail[:surplus]

    def output(self) -> Output | None:
        """Return what was kept, or None if nothing was said."""
        if not self._size:
            return None
        if self._size <= 2 * self._half:
            return Output(head=_text(self._head + self._tail), size=self._size)
        return Output(
            head=codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._head)),
            tail=_text(from_whole_character(bytes(self._tail[-self._half :]))),
            size=self._size,
        )

    @property
    def has_told(self) -> bool:
        """Whether any news were given so far."""
        return self._told > 0

    def news(self) -> tuple[int, bytes] | None:
        """Return what came since the last call, and the offset at which it begins; None if nothing.

        At most :data:`~executor.domain.live_output.LONGEST_CHUNK` bytes, the newest: what
        came before them is left out.  While the last news are short they come again, at the
        same offset, with what has been added (see ``domain/live_output.py``, rule 1).
        """
        if self._told == self._size:
            return None
        start = self._chunk if self._told - self._chunk < FULL_CHUNK else self._told
        if self._size - start > LONGEST_CHUNK:
            start = max(self._told, self._size - LONGEST_CHUNK)
        self._chunk, self._told = start, self._size
        return start, self._since(start)

    def _since(self, start: int) -> bytes:
        tail_start = self._size - len(self._tail)
        if start >= tail_start:
            return bytes(self._tail[start - tail_start :])
        # Then nothing was dropped in between, or the tail alone would reach back so far.
        return bytes(self._head[start:] + self._tail)


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")
