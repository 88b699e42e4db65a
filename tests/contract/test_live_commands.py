"""Programs are heard while they run: in time, whole, without secrets, and within bounds."""

import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from executor.adapters.command_target import CommandLauncher
from executor.adapters.keyring import Keyring
from executor.adapters.system_clock import SystemClock
from executor.domain.live_output import LONGEST_CHUNK, OutputChunk, joined
from executor.domain.run import Reason, RunState
from executor.ports.target import SAID_EVERY_S, Launcher
from tests.contract.command_workshop import CommandWorkshop
from tests.contract.launcher_contract import make_work
from tests.contract.programs import run, said, shell
from tests.fakes.work_log import WorkLog

KEYRING = Keyring([b"k" * 32])


def heard(log: WorkLog, run_id: str = "run") -> bytes:
    """Return what was heard of a run, which must be without a gap."""
    pieces = list(joined(log.chunks.get(run_id, ()), 0))
    assert all(isinstance(piece, OutputChunk) for piece in pieces)
    return b"".join(piece.data for piece in pieces if isinstance(piece, OutputChunk))


class TestLiveCommands(CommandWorkshop):
    """What the listener hears between the start and the end."""

    def test_a_program_is_heard_while_it_runs(self, launcher: Launcher, log: WorkLog) -> None:
        """Both streams, in the order written; what comes at the end as well."""
        script = "echo begun; echo trouble >&2; sleep 1.2; echo over"
        launcher.start([make_work(shell(script))])
        log.wait_for_words("run", b"begun\ntrouble\n")
        assert "run" not in log.outcomes

        outcome = log.wait_for_end("run")
        assert heard(log) == said(outcome).encode() == b"begun\ntrouble\nover\n"

    def test_a_short_program_costs_nothing(self, launcher: Launcher, log: WorkLog) -> None:
        """Its row has all that it said."""
        launcher.start([make_work(shell("echo hello; seq 20000"), f"run-{n}") for n in range(20)])
        log.wait_for_ends(20)
        assert log.chunks == {}

    def test_words_are_batched(self, launcher: Launcher, log: WorkLog) -> None:
        """A program that says something all the time is heard twice a second."""
        launcher.start([make_work(shell("while echo $((i+=1)); do sleep 0.01; done"))])
        began = time.monotonic()
        log.wait_for_words("run", b"\n150\n")
        launcher.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        seconds = time.monotonic() - began

        assert len(log.chunks["run"]) <= seconds / SAID_EVERY_S + 1
        assert heard(log) == said(outcome).encode()

    def test_a_cancelled_program_is_heard_to_its_end(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Its last words are what one wants to know."""
        script = "trap 'echo last words; exit 1' TERM; echo begun; while :; do sleep 0.05; done"
        launcher.start([make_work(shell(script))])
        log.wait_for_words("run", b"begun")
        launcher.cancel("run", Reason.REQUESTED)

        assert log.wait_for_end("run").state is RunState.CANCELLED
        # The shell may have its say about what it waited for.
        assert heard(log).startswith(b"begun\n")
        assert heard(log).endswith(b"last words\n")

    def test_a_torrent_is_bounded_and_slows_nobody(self, launcher: Launcher, log: WorkLog) -> None:
        """A gigabyte: its newest bytes, with gaps, in bounded memory; others run meanwhile."""
        size = 1_000_000_000
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        launcher.start([make_work(shell(f"yes 0123456789abcde | head -c {size}"), "torrent")])
        log.wait_for_start("torrent")
        began = time.monotonic()
        names = [f"quick-{number}" for number in range(20)]
        launcher.start([make_work(shell("echo hello"), name) for name in names])
        for name in names:
            assert said(log.wait_for_end(name)) == "hello\n"
        quick_s = time.monotonic() - began
        outcome = log.wait_for_end("torrent", timeout_s=120)
        seconds = time.monotonic() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory

        chunks = log.chunks.get("torrent", [])
        print(
            f"1 GB: {seconds:.2f} s, {len(chunks)} chunks, {grown} KiB; 20 others {quick_s:.2f} s"
        )
        assert outcome.output is not None
        assert outcome.output.size == size
        assert all(len(chunk.data) <= LONGEST_CHUNK for chunk in chunks)
        assert all(one.end <= other.offset for one, other in pairwise(chunks))
        assert len(chunks) <= seconds / SAID_EVERY_S + 1
        assert grown < 20_000


class TestLiveSecrets(CommandWorkshop):
    """What is heard is as clean as what is kept."""

    @pytest.fixture
    def keyed(self, log: WorkLog) -> Iterator[Launcher]:
        launcher = CommandLauncher(log, SystemClock(), opener=KEYRING)
        yield launcher
        launcher.stop()

    def test_a_secret_is_never_heard_in_part(self, keyed: Launcher, log: WorkLog) -> None:
        """Though it is said with a pause in the middle; what comes before it is not held back."""
        script = 'printf "key: corr"; sleep 1.7; printf "ect-horse ok\n"; sleep 0.7; echo "$TOKEN"'
        target = replace(shell(script), env={"TOKEN": "{{ secret.TOKEN }}"})
        work = replace(make_work(target), sealed={"TOKEN": KEYRING.seal("TOKEN", "correct-horse")})
        keyed.start([work])
        log.wait_for_words("run", b"key: ")
        outcome = log.wait_for_end("run")

        assert all(b"corr" not in chunk.data for chunk in log.chunks["run"])
        assert heard(log) == said(outcome).encode() == b"key: [secret TOKEN] ok\n[secret TOKEN]\n"


class TestOneRun(CommandWorkshop):
    """Listeners that need no news."""

    def test_a_silent_program_is_not_heard(self, launcher: Launcher, log: WorkLog) -> None:
        """Nothing is told of nothing."""
        assert run(launcher, log, shell("sleep 1.2")).output is None
        assert log.chunks == {}
