"""What a target says, kept within a limit however much it says.

The first half of the limit and the last half are kept, what lies between is counted
and dropped: errors stand at the beginning or at the end.  Memory stays below twice the
limit for endless output.

Bytes become text here and nowhere else: as UTF-8, with U+FFFD for what is not.  Where
output was dropped, a character that was cut in two is dropped as well, so that no
U+FFFD appears which the target did not cause.
"""

from __future__ import annotations

import codecs
from typing import Final

from executor.domain.run import Output

#: Bytes kept of one run's output: some hundred lines of log at either end.  It is stored
#: with the run, and five hundred runs are written in one batch.
OUTPUT_LIMIT: Final = 65_536

#: The longest UTF-8 sequence has three bytes after its first.
_MOST_CONTINUATION_BYTES: Final = 3


class CapturedOutput:
    """Collects bytes; not safe to share between threads.

    Args:
        limit: bytes to keep, half of them from the start and half from the end.
    """

    __slots__ = ("_half", "_head", "_size", "_tail")

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take what came next."""
        self._size += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail += data[-self._half :]
            surplus = len(self._tail) - self._half
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
            tail=_text(_without_cut_character(self._tail)),
            size=self._size,
        )


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")


def _without_cut_character(data: bytearray) -> bytearray:
    start = 0
    while start < min(_MOST_CONTINUATION_BYTES, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]
