"""The broker contract on the embedded broker, and what it means to share one machine."""

import os
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from executor.adapters.local import LocalIntake, LocalSender, LocalToken
from executor.adapters.sqlite import SqliteStore
from executor.domain.command import encode_command
from executor.ports.broker import CommandIntake, CommandSender, Token, TokenLost
from tests.contract.broker_contract import CrashLaw
from tests.contract.broker_workshop import Workshop
from tests.contract.broker_world import (
    PATIENCE_S,
    Candidate,
    Executor,
    Sending,
    command,
    done,
)
from tests.contract.embedded_world import Child
from tests.waiting import eventually


class LocalWorkshop(Workshop):
    """Makes ends of a broker in a folder of the test's own."""

    @pytest.fixture(autouse=True)
    def _data(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "data"

    def make_token(self, instance_id: str) -> Token:
        return LocalToken(self.folder, instance_id)

    def make_intake(self) -> CommandIntake:
        return LocalIntake(self.folder)

    def make_sender(self) -> CommandSender:
        return LocalSender(self.folder)

    def put_garbage(self, body: bytes) -> None:
        store = SqliteStore(self.folder / "solocron.db")
        store.prepare()
        store.close()
        self.execute(
            "INSERT INTO local_commands (id, digest, body) VALUES (?, '', ?)", body.hex(), body
        )

    def execute(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Do something to the database behind the adapters' back."""
        with closing(sqlite3.connect(self.folder / "solocron.db")) as connection, connection:
            return connection.execute(statement, parameters).fetchall()


class TestLocalBroker(LocalWorkshop, CrashLaw):
    """The law; real deaths are below."""

    def crash_token(self, candidate: Candidate) -> None:
        candidate.token.stop()

    def crash_intake(self, executor: Executor) -> None:
        executor.intake.stop()


@contextmanager
def killed_in_the_end(pid: int) -> Iterator[None]:
    """Kill process *pid*, a grandchild, when leaving."""
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)


class TestTokenOfSeveralProcesses(LocalWorkshop):
    """The token when processes are killed."""

    def test_a_killed_holder_is_succeeded_within_a_second(self) -> None:
        """The kernel frees the lock at once, and standbys look every few milliseconds."""
        with Child("hold", self.folder) as child:
            child.await_word("won")
            standby = self.candidate()
            assert standby.news == []

            killed_at = time.monotonic()
            child.kill()
            standby.await_win()

        assert time.monotonic() - killed_at < 1

    def test_another_process_succeeds_a_holder_that_stops(self) -> None:
        """And only then."""
        holder = self.holder()
        with Child("hold", self.folder) as child:
            child.await_word("competing")
            assert ["won"] not in child.said

            holder.token.stop()

            child.await_word("won")

    @pytest.mark.parametrize("role", ["hold_with_program", "hold_with_fork"])
    def test_children_do_not_keep_the_token_of_a_killed_holder(self, role: str) -> None:
        """Neither a program that it has started nor a mere copy of it."""
        with Child(role, self.folder) as child:
            (pid,) = child.await_word("child")
            with killed_in_the_end(int(pid)):
                child.await_word("won")
                standby = self.candidate()
                child.kill_alone()

                standby.await_win(timeout_s=1)
                os.kill(int(pid), 0)

    def test_asking_for_the_token_gets_in_nobodys_way(self) -> None:
        """Candidates win at once while others ask without a pause, and so on, ten times."""
        senders = [self.sender() for _ in range(3)]
        enough = threading.Event()

        def ask(sender: CommandSender) -> None:
            while not enough.is_set():
                sender.token_state()

        asking = [threading.Thread(target=ask, args=(sender,)) for sender in senders]
        for thread in asking:
            thread.start()
        try:
            for name in "abcdefghij":
                holder = self.candidate(name)
                holder.await_win(timeout_s=2)
                holder.token.stop()
        finally:
            enough.set()
            for thread in asking:
                thread.join()

    def test_a_holder_whose_lock_file_is_removed_knows_that_it_lost(self) -> None:
        """Another could lock a new file by now; the former holder competes again."""
        holder = self.holder()

        (self.folder / "token.lock").unlink()

        holder.await_win(2)
        lost = holder.news[1]
        assert isinstance(lost, TokenLost)
        assert "removed" in lost.reason

    def test_the_lock_file_says_who_holds_it(self) -> None:
        """For people who look."""
        self.holder("instance-7")

        assert (self.folder / "token.lock").read_text() == "instance-7\n"

    def test_a_folder_that_vanishes_is_reported_and_noticed_when_it_is_back(self) -> None:
        """``describe`` says what is wrong for as long as it is."""
        self.folder.mkdir()
        candidate = Candidate("a", self.make_token("a"))
        self.folder.rmdir()
        self._candidates.append(candidate.start())
        eventually(
            lambda: "No such file" in candidate.token.describe(), PATIENCE_S, "it is reported"
        )

        self.folder.mkdir()

        candidate.await_win()
        assert candidate.token.describe() == "connected"


class TestLocalQueue(LocalWorkshop):
    """The queue in the file."""

    def test_commands_of_a_killed_executor_come_again(self) -> None:
        """In order, to whoever opens next; their senders get their answers."""
        self.holder()
        with Child("take", self.folder) as child:
            sender = self.sender()
            sendings = []
            for index in range(3):
                sendings.append(Sending(sender, command(str(index)), PATIENCE_S))
                child.await_word("took", index + 1)
            child.kill()
        successor = self.answering_executor()

        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]
        assert successor.received == list("012")

    def test_a_command_sent_again_is_on_the_queue_once(self) -> None:
        """Also when it was encoded at another time; both sendings get the answer."""
        self.holder()
        sender = self.sender()
        assert sender.send(command("1"), 0) is None
        assert self.sender().send(command("1"), 0) is None

        executor = self.answering_executor()

        assert sender.send(command("1"), PATIENCE_S) == done(command("1"))
        # Two sendings made one delivery; the third met it, or came when it was settled.
        assert executor.received in (["1"], ["1", "1"])

    def test_another_request_under_the_same_id_is_the_executors_to_judge(self) -> None:
        """It is delivered beside the first one, and each sender gets its own answer."""
        self.holder()
        sender = self.sender()
        first, second = command("1", value=1), command("1", value=2)
        assert sender.send(first, 0) is None
        executor = self.answering_executor()

        assert sender.send(second, PATIENCE_S) == done(second)
        assert [one.command for one in executor.deliveries] == [first, second]

    def test_a_settled_command_that_is_sent_again_is_delivered_again(self) -> None:
        """What it was answered with is the executor's memory, not the queue's."""
        self.holder()
        executor = self.answering_executor()
        sender = self.sender()
        for _ in range(2):
            assert sender.send(command("1"), PATIENCE_S) == done(command("1"))

        assert executor.received == ["1", "1"]

    def test_a_command_is_taken_without_a_bell(self) -> None:
        """Only later: within about a second."""
        self.folder.mkdir()
        (self.folder / "commands.bell").write_text("in the way")
        self.holder()
        self.answering_executor()

        assert self.sender().send(command("1"), PATIENCE_S) == done(command("1"))

    def test_rows_of_settled_commands_go_after_a_minute(self) -> None:
        """The file does not grow with every command."""
        self.holder()
        self.answering_executor()
        sender = self.sender()
        sender.send(command("old"), PATIENCE_S)
        self.execute("UPDATE local_commands SET settled_at = settled_at - 61000")

        sender.send(command("new"), PATIENCE_S)

        assert self.execute("SELECT id FROM local_commands") == [("new",)]

    def test_the_queue_survives_everybody(self) -> None:
        """A command that was accepted is in the file."""
        self.holder()
        sender = self.sender()
        assert sender.send(command("1"), 0) is None

        rows = self.execute("SELECT body FROM local_commands WHERE result IS NULL")
        assert rows == [(encode_command(command("1")),)]

    def test_what_is_in_the_folder_is_its_owners_alone(self) -> None:
        """Commands and definitions may hold secrets."""
        self.holder()
        self.answering_executor()
        self.sender().send(command("1"), PATIENCE_S)

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in self.folder.iterdir()}
        assert modes.keys() >= {"solocron.db", "solocron.db-wal", "token.lock", "commands.bell"}
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(self.folder.stat().st_mode) == 0o700
