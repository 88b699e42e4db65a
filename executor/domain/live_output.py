"""What a run has said so far, in pieces: while it goes on, and where pieces are missing.

Words
-----
offset
    A place in all that a run says, in bytes from its start.  Secrets are replaced before
    offsets are counted, so the numbers of one run mean the same everywhere.
chunk
    A piece of it, with the offset at which it begins.
gap
    What no chunk holds: it was said faster than it could be kept, or is too old.

Rules
-----
1. A chunk is known by its run and its offset.  One that comes again has grown: it begins
   as before.  So writing it twice is harmless, and a run that says little at a time does
   not leave thousands of small pieces.
2. Chunks of a run never overlap but in that way.
3. Only the newest :data:`KEPT` bytes of a run are kept.  When it is over its row has the
   beginning and the end, and the chunks go.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from executor.domain.run import Output

#: Bytes of a run's output that are kept with its row: some hundred lines of log at either end.
#: Five hundred rows are written in one batch.
KEPT_WITH_ROW: Final = 65_536

#: Bytes of a run's output that are kept in chunks: some ten thousand lines of log, so that
#: somebody who begins to follow sees where it stands, and no run fills the store.
KEPT: Final = 1024 * 1024

#: Bytes in one chunk at most.
LONGEST_CHUNK: Final = 65_536

#: A chunk with at least so many bytes grows no more.  With :data:`KEPT` it bounds how many
#: chunks a run has: 256 and those that are cut short by gaps.
FULL_CHUNK: Final = 4096

#: The longest UTF-8 sequence has three bytes after its first.
_MOST_CONTINUATION_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """What a run said from ``offset`` (bytes) on."""

    run_id: str
    offset: int
    data: bytes

    @property
    def end(self) -> int:
        """The offset of what follows it."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """What was said from ``offset`` up to ``end`` (bytes) is not kept."""

    offset: int
    end: int


def joined(chunks: Iterable[OutputChunk], position: int) -> Iterator[OutputChunk | Gap]:
    """Yield what *chunks*, in order, say from *position* on, each byte once, with the gaps.

    Every piece begins where the one before ends.

    >>> list(joined([OutputChunk("r", 0, b"abc"), OutputChunk("r", 5, b"fg")], 1))
    ... # doctest: +NORMALIZE_WHITESPACE
    [OutputChunk(run_id='r', offset=1, data=b'bc'), Gap(offset=3, end=5),
     OutputChunk(run_id='r', offset=5, data=b'fg')]
    """
    for chunk in chunks:
        if chunk.end <= position:
            continue
        if chunk.offset > position:
            yield Gap(position, chunk.offset)
            position = chunk.offset
        yield OutputChunk(chunk.run_id, position, chunk.data[position - chunk.offset :])
        position = chunk.end


def chunks_of(run_id: str, output: Output) -> list[OutputChunk]:
    """Return what a row keeps of a run's output as chunks: its beginning and its end.

    Bytes that were no text count as what stands in their place, so offsets within such an
    output are not exact.
    """
    head, tail = _bytes(output.head), _bytes(output.tail)
    chunks = [OutputChunk(run_id, 0, head)]
    if tail:
        chunks.append(OutputChunk(run_id, max(output.size - len(tail), len(head)), tail))
    return chunks


def output_of(chunks: Iterable[OutputChunk], limit: int) -> Output | None:
    """Return what *chunks*, in order, amount to, as a row would keep it; None if to nothing.

    Args:
        limit: bytes to keep, half of them from the start and half from the end.  What lies
            before the first gap is the start, what lies behind the last one the end.
    """
    stretches = [bytearray()]
    end = 0
    for piece in joined(chunks, 0):
        end = piece.end
        if isinstance(piece, Gap):
            stretches.append(bytearray())
        else:
            stretches[-1] += piece.data
    if not end:
        return None
    first, last = stretches[0], stretches[-1]
    if len(stretches) == 1 and end <= limit:
        return Output(head=first.decode("utf-8", "replace"), size=end)
    half = max(limit // 2, 1)
    return Output(head=_beginning(first[:half]), tail=_ending(last[-half:]), size=end)


def appended(former: Output | None, more: Output | None, limit: int) -> Output | None:
    """Return what a row keeps of a run that had said *former* and then says *more*, on a new line.

    Args:
        limit: as for :func:`output_of`.

    >>> appended(Output(head="one", size=3), Output(head="two", size=3), 100)
    Output(head='one\\ntwo', tail='', size=7)
    """
    if former is None or more is None:
        return former or more
    chunks = chunks_of("", former)
    # Of bytes that were no text what stands in their place may be longer.
    end = max(former.size, chunks[-1].end)
    if not chunks[-1].data.endswith(b"\n"):
        chunks.append(OutputChunk("", end, b"\n"))
        end += 1
    chunks += [OutputChunk("", end + one.offset, one.data) for one in chunks_of("", more)]
    return output_of(chunks, limit)


def from_whole_character(data: bytes) -> bytes:
    """Return *data* without what is left at its start of a character that was cut in two."""
    start = 0
    while start < min(_MOST_CONTINUATION_BYTES, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]


def _beginning(data: bytes | bytearray) -> str:
    return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(data))


def _ending(data: bytes | bytearray) -> str:
    return from_whole_character(bytes(data)).decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    # Half a surrogate pair, as lenient decoding may leave it, is no UTF-8.
    return text.encode("utf-8", "replace")
