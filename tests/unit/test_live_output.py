"""What runs say while they go on: captured, told in time, relayed by the engine, put together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.adapters.captured_output import CapturedOutput
from executor.adapters.handoff import RedactedOutput
from executor.adapters.listening import Listening
from executor.domain.live_output import (
    FULL_CHUNK,
    KEPT,
    LONGEST_CHUNK,
    Gap,
    OutputChunk,
    chunks_of,
    joined,
    output_of,
)
from executor.domain.redaction import Redaction
from executor.domain.run import Output
from executor.engine.events import RunSaid
from executor.engine.store_requests import KeepOutput, Lane
from executor.engine.timing import OUTPUT_BACKLOG, OUTPUT_BATCH, OUTPUT_EVERY_S
from tests.builders import a_job
from tests.unit.desk_driver import Driver, executing

#: Bytes that differ from those beside them, as many as any example says.
PATTERN = bytes(range(251)) * (12 * 3 * LONGEST_CHUNK // 251 + 1)


class TestNews:
    """What a capture gives of what came since the last time."""

    def test_there_are_none_until_something_is_said(self) -> None:
        """Nor are there any twice."""
        capture = CapturedOutput()
        assert (capture.news(), capture.has_told) == (None, False)
        capture.add(b"a")
        assert (capture.news(), capture.has_told) == ((0, b"a"), True)
        assert capture.news() is None

    def test_a_short_piece_grows_until_it_is_full(self) -> None:
        """Who says little at a time leaves few pieces; the next one begins where it ended."""
        capture = CapturedOutput()
        found = []
        for number in range(3 * FULL_CHUNK // 1024):
            capture.add(bytes([number]) * 1024)
            found.append(capture.news())

        assert [news and news[0] for news in found] == [0] * 4 + [FULL_CHUNK] * 4 + [8192] * 4
        assert [news and len(news[1]) for news in found] == [1024, 2048, 3072, 4096] * 3

    def test_of_much_the_newest_is_told(self) -> None:
        """What was left out shows in the offset."""
        capture = CapturedOutput()
        capture.add(b"first")
        assert capture.news() == (0, b"first")
        for _ in range(10):
            capture.add(b"x" * LONGEST_CHUNK)
        capture.add(b"last")

        news = capture.news()
        assert news is not None
        start, data = news
        assert (start, len(data)) == (5 + 9 * LONGEST_CHUNK + 4, LONGEST_CHUNK)
        assert data.endswith(b"xlast")

    @given(
        st.lists(st.tuples(st.integers(1, 3 * LONGEST_CHUNK), st.booleans()), max_size=12),
        st.sampled_from([2, 1000, 65_536, 300_000]),
    )
    def test_pieces_are_true_and_never_overlap(
        self, steps: list[tuple[int, bool]], limit: int
    ) -> None:
        """However much is said between two looks; and what is kept in the end is as ever."""
        capture = CapturedOutput(limit)
        whole = b""
        kept: dict[int, bytes] = {}
        for size, ask in steps:
            data = PATTERN[len(whole) : len(whole) + size]
            whole += data
            capture.add(data)
            news = capture.news() if ask else None
            if news is not None:
                assert len(news[1]) <= LONGEST_CHUNK
                assert news[1].startswith(kept.get(news[0], b""))
                kept[news[0]] = news[1]
        places = sorted(kept.items())
        assert all(whole[at : at + len(data)] == data for at, data in places)
        assert all(a + len(one) <= b for (a, one), (b, _) in pairwise(places))
        output = capture.output()
        assert (output.size if output else 0) == len(whole)

    def test_a_secret_is_not_told_in_part(self) -> None:
        """What may be its beginning waits for what follows; all else is told at once."""
        capture = RedactedOutput(1000, Redaction({"TOKEN": "correct-horse"}))
        capture.add(b"waiting for input: ")
        assert capture.news() == (0, b"waiting for input: ")
        capture.add(b"key cor")
        assert capture.news() == (0, b"waiting for input: key ")
        capture.add(b"rect-horse and corr")
        assert capture.news() == (0, b"waiting for input: key [secret TOKEN] and ")
        capture.add(b"ect")
        output = capture.output()
        assert capture.news() == (0, b"waiting for input: key [secret TOKEN] and correct")
        assert output is not None
        assert output.size == 49

    @given(st.lists(st.sampled_from(["hunter22", "hun", "ter22", "h", "2", " ", "x"]), max_size=30))
    def test_news_say_nothing_that_the_end_does_not(self, words: list[str]) -> None:
        """In any pieces: what was told is the beginning of what is kept."""
        capture = RedactedOutput(10_000, Redaction({"A": "hunter22"}))
        told = b""
        for word in words:
            capture.add(word.encode())
            news = capture.news()
            if news is not None:
                told = news[1]
                assert b"hunter22" not in told
        output = capture.output()
        assert (output.head if output else "").startswith(told.decode())


class TestListening:
    """When it is told."""

    def listen(self) -> tuple[Listening, list[tuple[str, int, bytes]]]:
        said: list[tuple[str, int, bytes]] = []
        return Listening(lambda *words: said.append(words)), said

    def test_what_is_over_soon_is_not_told_at_all(self) -> None:
        """Its row has everything; nothing is left to wake up for."""
        listening, said = self.listen()
        capture = CapturedOutput()
        capture.add(b"done\n")
        listening.heard("run", capture, since=10, now=10.1)
        assert listening.wake_at == pytest.approx(10.6)
        listening.advance(10.6)
        capture.output()
        listening.ended("run", capture)
        listening.advance(listening.wake_at)

        assert said == []
        assert listening.wake_at == float("inf")

    def test_what_goes_on_is_told_after_a_second_and_then_twice_a_second(self) -> None:
        """However often it says something."""
        listening, said = self.listen()
        capture = CapturedOutput()
        times = []
        for tick in range(300):
            now = tick / 100
            capture.add(b".")
            listening.heard("run", capture, since=0, now=now)
            known = len(said)
            listening.advance(now)
            if len(said) > known:
                times.append(now)

        assert times[0] == pytest.approx(1.0, abs=0.02)
        assert all(b - a >= 0.5 for a, b in pairwise(times))
        assert 4 <= len(times) <= 5

    def test_the_rest_is_told_at_the_end(self) -> None:
        """To those who have been told a part."""
        listening, said = self.listen()
        capture = CapturedOutput()
        capture.add(b"a")
        listening.heard("run", capture, since=0, now=5)
        listening.advance(5.5)
        capture.add(b"b")
        listening.heard("run", capture, since=0, now=5.6)
        capture.output()
        listening.ended("run", capture)
        listening.advance(9)

        assert said == [("run", 0, b"a"), ("run", 0, b"ab")]


class TestRelay:
    """The engine's part: a lane of its own, some rest, and no memory without bound."""

    def said(self, driver: Driver, data: bytes, offset: int = 0, run_id: str = "run") -> None:
        driver.tell(RunSaid(run_id, offset, data))

    def test_what_is_said_is_kept_at_once(self) -> None:
        """By a call in a lane of its own."""
        driver = executing(a_job())
        self.said(driver, b"hello")

        assert driver.store.read_output("run", 0, 9) == [OutputChunk("run", 0, b"hello")]
        assert [call.lane for call in driver.called(KeepOutput)] == [Lane.OUTPUT]

    def test_calls_rest_in_between(self) -> None:
        """What comes meanwhile goes with the next; a chunk that has grown goes once."""
        driver = executing(a_job())
        for number in range(1, 6):
            self.said(driver, b"a" * number)
        self.said(driver, b"b", run_id="other")
        assert len(driver.called(KeepOutput)) == 1
        driver.advance(OUTPUT_EVERY_S)

        _, second = driver.called(KeepOutput)
        assert second.chunks == (OutputChunk("run", 0, b"aaaaa"), OutputChunk("other", 0, b"b"))
        driver.advance(10)
        assert len(driver.called(KeepOutput)) == 2

    def test_a_standby_relays_what_its_runs_go_on_saying(self) -> None:
        """Work outlives the tenure that started it."""
        driver = executing(a_job())
        driver.store.mint_term("elsewhere")
        driver.advance(2)
        assert driver.engine.term is None
        self.said(driver, b"still here")

        assert driver.store.read_output("run", 0, 9)

    def test_a_call_is_bounded(self) -> None:
        """So that a store with one writer is not kept from others for long."""
        driver = executing(a_job())
        driver.hold(KeepOutput)
        for number in range(40):
            self.said(driver, b"x" * LONGEST_CHUNK, number * LONGEST_CHUNK)
        driver.release()
        driver.advance(10 * OUTPUT_EVERY_S)

        sizes = [sum(len(c.data) for c in call.chunks) for call in driver.called(KeepOutput)]
        assert max(sizes) <= OUTPUT_BATCH + LONGEST_CHUNK
        assert sum(sizes) == 40 * LONGEST_CHUNK

    def test_while_the_store_is_silent_the_oldest_is_left_out(self) -> None:
        """Records and clearances have their own lanes; what waits here stays bounded."""
        driver = executing(a_job())
        driver.hold(KeepOutput)
        for number in range(200):
            self.said(driver, b"x" * LONGEST_CHUNK, number * LONGEST_CHUNK)
        (first,) = driver.pending(KeepOutput)
        driver.fail(first)
        driver.release()
        driver.advance(10)

        sent = {one.offset for call in driver.called(KeepOutput) for one in call.chunks}
        newest = range(200 - OUTPUT_BACKLOG // LONGEST_CHUNK, 200)
        assert sent == {0, *(number * LONGEST_CHUNK for number in newest)}


class TestPieces:
    """Putting chunks together."""

    def test_pieces_join_up_from_any_place(self) -> None:
        """Each begins where the one before ends; what is missing is a gap."""
        chunks = [OutputChunk("r", 2, b"cd"), OutputChunk("r", 4, b"ef"), OutputChunk("r", 9, b"j")]
        assert list(joined(chunks, 0)) == [Gap(0, 2), *chunks[:2], Gap(6, 9), chunks[2]]
        assert list(joined(chunks, 5)) == [OutputChunk("r", 5, b"f"), Gap(6, 9), chunks[2]]
        assert list(joined(chunks, 10)) == list(joined([], 3)) == []

    def test_a_row_keeps_the_beginning_and_the_end(self) -> None:
        """With the places where they were."""
        assert chunks_of("r", Output(head="ab", size=2)) == [OutputChunk("r", 0, b"ab")]
        assert chunks_of("r", Output(head="ä", tail="z", size=99)) == [
            OutputChunk("r", 0, "ä".encode()),
            OutputChunk("r", 98, b"z"),
        ]

    def test_half_a_surrogate_pair_does_no_harm(self) -> None:
        """Lenient decoding may have left one in a row."""
        assert chunks_of("r", Output(head="a\udc80", size=2)) == [OutputChunk("r", 0, b"a?")]

    @pytest.mark.parametrize(
        ("pieces", "output"),
        [
            ({}, None),
            ({0: b"abc"}, Output(head="abc", size=3)),
            ({0: b"abc", 3: b"def"}, Output(head="abcdef", size=6)),
            ({0: b"0123456789abc"}, Output(head="0123", tail="9abc", size=13)),
            ({0: b"a", 5: b"xyz"}, Output(head="a", tail="xyz", size=8)),
            ({100: b"xyz"}, Output(head="", tail="xyz", size=103)),
            (
                {0: "abcä".encode(), 9: "€z".encode()},
                Output(head="abc", tail="€z", size=13),
            ),
        ],
    )
    def test_chunks_amount_to_an_output(
        self, pieces: dict[int, bytes], output: Output | None
    ) -> None:
        """As the row will have it, or as near to it as they go."""
        chunks = [OutputChunk("r", offset, data) for offset, data in pieces.items()]
        assert output_of(chunks, 8) == output

    def test_the_number_of_chunks_is_bounded_by_their_sizes(self) -> None:
        """Reading all of them is one call."""
        assert KEPT // FULL_CHUNK == 256
