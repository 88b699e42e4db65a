"""The law of live output: bounded, read from any place, and gone when it is not needed."""

import pytest

from executor.domain.live_output import FULL_CHUNK, KEPT, LONGEST_CHUNK, OutputChunk
from executor.domain.run import Output, RunChange, RunState
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import a_run, noon

#: Everything a test says fits into so many chunks.
ALL = 1000

#: Chunks in the way rest so long, seconds.
REST_S = 0.2


def said(run_id: str, *pieces: bytes, offset: int = 0) -> list[OutputChunk]:
    """Return what a run says one after another, beginning at *offset*."""
    chunks = []
    for piece in pieces:
        chunks.append(OutputChunk(run_id, offset, piece))
        offset += len(piece)
    return chunks


class OutputLaw(StoreWorkshop):
    """Keeping, reading and purging what runs say."""

    def _read(self, run_id: str = "run", offset: int = 0, limit: int = ALL) -> list[OutputChunk]:
        return self.readers.read_output(run_id, offset, limit)

    def test_chunks_come_back_in_order(self) -> None:
        """Of the one run, whatever the bytes and in whatever order they were written."""
        chunks = said("run", b"one\n", bytes(range(256)), "zwölf".encode())
        others = said("other", b"else")
        self.store.keep_output([*reversed(chunks), *others])

        assert self._read() == chunks
        assert self._read("other") == others
        assert self._read("unknown") == []

    def test_reading_begins_with_the_chunk_that_holds_the_offset(self) -> None:
        """One that ends at it is not needed; nor is more than asked for."""
        one, two, three = chunks = said("run", b"abc", b"def", b"ghi")
        self.store.keep_output(chunks)

        assert self._read(offset=2) == chunks
        assert self._read(offset=3) == [two, three]
        assert self._read(offset=4, limit=1) == [two]
        assert self._read(offset=9) == []
        assert self._read(offset=2**53) == []
        assert self._read(limit=1) == [one]

    def test_a_gap_is_nobodys_business_here(self) -> None:
        """What comes next is read, however far away it is."""
        self.store.keep_output(said("run", b"abc"))
        far = said("run", b"xyz", offset=2**40)
        self.store.keep_output(said("run", b"jkl", offset=9))

        assert self._read(offset=5) == said("run", b"jkl", offset=9)
        self.store.keep_output(far)
        assert self._read(offset=12) == far

    def test_a_chunk_that_has_grown_replaces_what_it_was(self) -> None:
        """It is known by its run and its offset; writing it again changes nothing."""
        self.store.keep_output(said("run", b"abc"))
        grown = said("run", b"abcdef", b"g")
        for _ in range(2):
            self.store.keep_output(grown)

        assert self._read() == grown
        assert self._read(offset=4) == grown

    def test_nothing_is_kept_without_a_chunk(self) -> None:
        """An empty call does nothing."""
        self.store.keep_output([])

        assert self._read() == []

    def test_of_each_run_the_newest_bytes_are_kept(self) -> None:
        """However much one says, the others keep what they have."""
        self.store.keep_output(said("quiet", b"hello"))
        chunks = said("run", *(bytes([n % 256]) * LONGEST_CHUNK for n in range(20)))
        for first in range(0, len(chunks), 5):
            self.store.keep_output(chunks[first : first + 5])

        assert self._read() == chunks[-KEPT // LONGEST_CHUNK :]
        assert self._read("quiet") == said("quiet", b"hello")

    def test_a_run_that_says_little_at_a_time_is_bounded_as_well(self) -> None:
        """Chunks are not small, so they are not many."""
        chunks = said("run", *(bytes(FULL_CHUNK) for _ in range(300)))
        self.store.keep_output(chunks)

        assert self._read() == chunks[-KEPT // FULL_CHUNK :]

    def test_what_others_read_is_there_at_once(self) -> None:
        """Web and executor are different clients."""
        self.another_store().keep_output(said("run", b"abc"))

        assert self._read() == said("run", b"abc")

    @pytest.mark.parametrize("state", [RunState.RUNNING, RunState.CANCELLING, RunState.LOST])
    def test_output_that_is_needed_stays(self, state: RunState) -> None:
        """Of runs that go on, and of lost ones, of which nothing else is known."""
        self.put_run(a_run(state=state))
        self.store.keep_output(said("run", b"abc"))
        self.store.keep_output(said("stray", b"x"))

        self.after(REST_S, lambda: self._purged("stray"), "what has no row is purged")
        assert self._read() == said("run", b"abc")

    def test_output_of_a_run_that_is_over_goes_after_a_rest(self) -> None:
        """Who follows it can finish meanwhile."""
        self.put_run(a_run())
        self.store.keep_output(said("run", b"abc"))
        end = RunChange(run_id="run", term=1, state=RunState.FAILED, finished_at=noon())
        self.store.change_runs([end])
        self.store.purge_output(600)
        assert self._read() == said("run", b"abc")

        self.after(REST_S, lambda: self._purged("run"), "it is purged")

    def test_what_is_said_late_is_purged_as_well(self) -> None:
        """As by an executor that was superseded and does not know it yet."""
        self.put_run(a_run(state=RunState.SUCCEEDED, output=Output(head="abc", size=3)))
        self.store.keep_output(said("run", b"abc"))
        self.after(REST_S, lambda: self._purged("run"), "it is purged")
        self.store.keep_output(said("run", b"def", offset=3))

        self.after(REST_S, lambda: self._purged("run"), "it is purged again")
        assert self.readers.get_run("run").output == Output(head="abc", size=3)

    def _purged(self, run_id: str) -> bool:
        self.store.purge_output(REST_S)
        return not self._read(run_id)
