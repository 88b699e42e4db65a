"""The law of ``executor/ports/broker.py``, for every adapter.

A subclass supplies what :class:`~tests.contract.broker_workshop.Workshop` asks for;
:class:`CrashLaw` asks in addition for ways to end a token and an intake as
``kill -9`` would.  Nothing here knows how an adapter works, so whatever takes time is
waited for as a fact.  Tests never promise that something takes *at least* a while,
except :meth:`BrokerContract.test_a_holder_that_steps_aside_stays_aside`.

"""

import pytest

from executor.domain.command import Command, CommandResult
from executor.domain.errors import NoExecutor
from executor.ports.broker import TokenWon
from tests.contract.broker_workshop import Workshop
from tests.contract.broker_world import (
    PATIENCE_S,
    Candidate,
    Executor,
    Sending,
    command,
    done,
)
from tests.waiting import eventually


class BrokerContract(Workshop):
    """What holds for every broker, as long as nobody dies."""

    # --- the token -------------------------------------------------------------------

    def test_a_lone_candidate_wins(self) -> None:
        """A fresh broker has a token, and the first candidate gets it."""
        self.holder()

    def test_only_one_of_several_candidates_holds_the_token(self) -> None:
        """The others win nothing while it is held."""
        several = [self.candidate(name) for name in "abc"]
        eventually(lambda: any(one.holds for one in several), PATIENCE_S, "one has won")

        sender = self.sender()
        eventually(lambda: sender.token_state() == "held", PATIENCE_S, "the token is held")

        assert [one.wins for one in several].count(0) == 2

    def test_a_holder_that_stops_hands_the_token_on(self) -> None:
        """Once ``stop`` has returned the next candidate wins, and the former hears nothing more."""
        first = self.holder("a")
        second = self.candidate("b")

        first.token.stop()
        heard = list(first.news)
        second.await_win()

        assert first.news == heard

    def test_every_candidate_gets_its_turn(self) -> None:
        """As one holder after another stops, each of the others wins exactly once."""
        waiting = [self.candidate(name) for name in "abc"]
        for _ in range(3):
            eventually(lambda: any(one.holds for one in waiting), PATIENCE_S, "one has won")
            (holder,) = (one for one in waiting if one.holds)
            waiting.remove(holder)
            holder.token.stop()

            assert holder.wins == 1

    def test_a_standby_that_stops_changes_nothing(self) -> None:
        """The holder keeps the token and hears nothing."""
        holder = self.holder("a")
        standby = self.candidate("b")

        standby.token.stop()

        assert standby.news == []
        assert (holder.wins, holder.holds) == (1, True)

    def test_a_holder_that_steps_aside_lets_another_win(self) -> None:
        """It is told that it has lost the token, and a standby gets it."""
        holder = self.holder("a")
        standby = self.candidate("b")

        holder.token.step_aside(60)
        standby.await_win()

        holder.await_loss()
        assert holder.wins == 1

    def test_a_holder_that_steps_aside_for_no_time_lets_go_all_the_same(self) -> None:
        """It loses the token, and wins it again only by a new victory."""
        holder = self.holder()

        holder.token.step_aside(0)
        holder.await_win(2)

        assert holder.news.count(TokenWon()) == 2

    def test_a_holder_that_steps_aside_stays_aside(self) -> None:
        """Even without any other candidate it does not win again before the time is over."""
        holder = self.holder()
        aside_at = self.monotonic()

        holder.token.step_aside(1)
        holder.await_loss()
        early = holder.wins
        self.let_pass(1)
        holder.await_win(2)

        assert early == 1
        assert self.monotonic() - aside_at >= 1

    def test_a_standby_can_step_aside(self) -> None:
        """The holder is not disturbed, and the standby misses the next vacancy."""
        holder, sender = self.holder("a"), self.sender()
        standby = self.candidate("b")

        standby.token.step_aside(60)
        undisturbed = (holder.wins, holder.holds)
        holder.token.stop()

        eventually(lambda: sender.token_state() == "ready", PATIENCE_S, "nobody holds it")
        assert undisturbed == (1, True)
        assert standby.news == []

    def test_stopping_twice_or_without_starting_is_harmless(self) -> None:
        """``stop`` always ends with a stopped token."""
        self.make_token("never started").stop()
        holder = self.holder()

        holder.token.stop()
        holder.token.stop()

    def test_a_connected_end_says_so(self) -> None:
        """``describe`` is ``connected`` for the status page."""
        holder, sender = self.holder(), self.sender()

        eventually(lambda: holder.token.describe() == "connected", PATIENCE_S, "token connected")
        eventually(lambda: sender.describe() == "connected", PATIENCE_S, "sender connected")

    # --- what a sender sees of the token -----------------------------------------------

    def test_a_held_token_is_seen_as_held(self) -> None:
        """``token_state`` follows the holder."""
        sender = self.sender()
        holder = self.holder()
        eventually(lambda: sender.token_state() == "held", PATIENCE_S, "held")

        holder.token.stop()

        eventually(lambda: sender.token_state() == "ready", PATIENCE_S, "ready")

    def test_before_the_first_executor_nobody_holds_the_token(self) -> None:
        """A fresh broker has either a waiting token or none yet."""
        sender = self.sender()

        seen = eventually(
            lambda: (state := sender.token_state()) != "unknown" and state, PATIENCE_S, "known"
        )
        assert seen in {"ready", "missing"}

    # --- commands ------------------------------------------------------------------------

    def test_a_command_is_answered(self) -> None:
        """``send`` returns what the executor settled the command with."""
        self.holder()
        executor = self.answering_executor(lambda asked: done(asked, "carried out"))
        asked = command("1", reason="a test", umlaut="ä")

        answer = self.sender().send(asked, PATIENCE_S)

        assert answer == done(asked, "carried out")
        assert executor.deliveries[0].command == asked

    def test_without_an_executor_nothing_is_sent(self) -> None:
        """``NoExecutor``, and a later executor never sees the command."""
        sender = self.sender()
        # A broker nobody has used yet may count as no broker, for as long as it is not connected.
        eventually(lambda: sender.token_state() != "unknown", PATIENCE_S, "the sender is connected")

        with pytest.raises(NoExecutor):
            sender.send(command("refused"), 0.5)

        self.holder()
        executor = self.answering_executor()
        sender.send(command("later"), PATIENCE_S)
        assert executor.received == ["later"]

    def test_a_sender_waits_for_the_next_executor(self) -> None:
        """A failover that is shorter than the timeout is not noticed."""
        sending = Sending(self.sender(), command("1"), PATIENCE_S)

        self.holder()
        self.answering_executor()

        assert sending.join() == done(sending.command)

    def test_a_command_without_an_answer_is_kept(self) -> None:
        """``None`` means accepted: it is delivered once somebody opens, and not before."""
        self.holder()
        executor = self.executor()

        assert self.sender().send(command("1"), 1.5) is None
        assert executor.received == []
        executor.intake.open()

        executor.await_deliveries(1)
        assert executor.received == ["1"]

    def test_what_is_posted_waits_for_the_next_executor(self) -> None:
        """It is accepted while nobody executes, in order, and nobody waits for its answer."""
        sender = self.sender()
        for name in ("1", "2"):
            sender.post(command(name), PATIENCE_S)

        self.holder()
        executor = self.answering_executor()
        executor.await_deliveries(2)
        sender.post(command("3"), PATIENCE_S)
        executor.await_deliveries(3)

        assert executor.received == ["1", "2", "3"]
        assert sender.send(command("4"), PATIENCE_S) == done(command("4"))

    def test_unsettled_commands_come_again_in_order(self) -> None:
        """``close`` gives back what was not settled; ``open`` brings it in the order sent."""
        self.holder()
        executor = self.open_executor()
        sendings = self.deliver_unsettled(self.sender(), executor, 5)

        executor.intake.close()
        executor.intake.open()
        again = executor.await_deliveries(10)[5:]

        assert [delivery.command.id for delivery in again] == list("01234")
        for delivery in again:
            executor.intake.settle(delivery, done(delivery.command))
        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]

    def test_a_reply_reaches_the_sender_and_leaves_the_command(self) -> None:
        """With the settlement it is there at the latest; unsettled, the command comes again."""
        self.holder()
        executor = self.open_executor()
        sender = self.sender()
        (sending,) = self.deliver_unsettled(sender, executor, 1)

        executor.intake.reply(executor.deliveries[0], done(sending.command))
        executor.intake.close()
        executor.intake.open()
        again = executor.await_deliveries(2)[1]
        executor.intake.reply(again, done(again.command))
        executor.intake.settle(again, done(again.command))

        assert sending.join() == done(sending.command)
        assert sender.send(command("next"), 1.5) is None
        assert executor.await_deliveries(3)[2].command.id == "next"

    def test_what_was_handed_over_before_never_counts_as_first(self) -> None:
        """Nor does what may have been: it waited when the queue was opened."""
        self.holder()
        executor = self.open_executor()
        sendings = self.deliver_unsettled(self.sender(), executor, 2)

        executor.intake.close()
        executor.intake.open()
        again = executor.await_deliveries(4)[2:]

        assert not any(delivery.first for delivery in again)
        for delivery, sending in zip(again, sendings, strict=True):
            executor.intake.settle(delivery, done(delivery.command))
            sending.join()

    def test_a_void_tag_settles_nothing(self) -> None:
        """What was given back by ``close`` comes again, even if it is settled afterwards."""
        self.holder()
        executor = self.open_executor()
        (sending,) = self.deliver_unsettled(self.sender(), executor, 1)

        executor.intake.close()
        executor.intake.settle(executor.deliveries[0], done(sending.command))
        executor.intake.open()
        again = executor.await_deliveries(2)[1]

        assert again.command == sending.command
        executor.intake.settle(again, done(sending.command))
        assert sending.join() == done(sending.command)

    def test_a_settled_command_never_comes_again(self) -> None:
        """Opening again brings only what is new."""
        self.holder()
        sender = self.sender()
        executor = self.answering_executor()
        sender.send(command("1"), PATIENCE_S)

        executor.intake.close()
        executor.intake.open()
        sender.send(command("2"), PATIENCE_S)

        assert executor.received == ["1", "2"]

    def test_a_stopped_intake_gives_back_what_it_did_not_settle(self) -> None:
        """The next executor gets it and its answer reaches the sender that still waits."""
        self.holder()
        former = self.open_executor()
        (sending,) = self.deliver_unsettled(self.sender(), former, 1)

        former.intake.stop()
        self.answering_executor()

        assert sending.join() == done(sending.command)

    def test_stopping_an_intake_twice_or_without_starting_is_harmless(self) -> None:
        """``stop`` always ends with a stopped intake."""
        self.make_intake().stop()
        executor = self.open_executor()

        executor.intake.stop()
        executor.intake.stop()

    def test_a_message_that_is_no_command_is_removed(self) -> None:
        """It is not delivered, it does not come again and what follows is not held up."""
        self.holder()
        self.put_garbage(b"\xff not JSON")
        self.put_garbage(b'{"version": 999}')
        executor = self.answering_executor()

        self.sender().send(command("1"), PATIENCE_S)

        assert executor.received == ["1"]

    def test_many_commands_are_sent_at_once_and_answered_each(self) -> None:
        """They arrive in the order given, and every answer is that to its own command."""
        self.holder()
        executor = self.answering_executor()
        asked = [command(str(number)) for number in range(60)]

        answers = self.sender().send_all(asked, PATIENCE_S)

        assert answers == [done(one) for one in asked]
        assert executor.received == [one.id for one in asked]

    def test_of_many_commands_those_without_an_answer_are_kept(self) -> None:
        """Each of them answers None once the time is up for all of them."""
        self.holder()
        executor = self.open_executor()

        answers = self.sender().send_all([command("1"), command("2")], 1.0)

        assert answers == [None, None]
        assert [one.command.id for one in executor.await_deliveries(2)] == ["1", "2"]

    def test_an_answer_that_comes_too_late_disturbs_nobody(self) -> None:
        """The next command of the same sender gets its own answer."""
        self.holder()
        executor = self.executor()
        sender = self.sender()
        assert sender.send(command("slow"), 1) is None

        executor.answering(done).intake.open()
        executor.await_deliveries(1)

        assert sender.send(command("next"), PATIENCE_S) == done(command("next"))

    def test_every_thread_gets_its_own_answer(self) -> None:
        """Eight threads share one sender."""
        self.holder()
        self.answering_executor()
        sender = self.sender()
        sendings = [Sending(sender, command(str(n)), PATIENCE_S) for n in range(8)]

        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]

    def test_several_senders_do_not_meet(self) -> None:
        """Each web process gets the answers to its own commands."""
        self.holder()
        self.answering_executor()
        sendings = [Sending(self.sender(), command(str(n)), PATIENCE_S) for n in range(3)]

        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]

    def test_a_large_command_and_its_large_answer_arrive_whole(self) -> None:
        """Two megabytes each way."""
        self.holder()
        self.answering_executor(_echo)
        text = "solocron " * 220_000

        answer = self.sender().send(command("1", text=text), PATIENCE_S)

        assert answer == done(command("1", text=text), text)


def _echo(asked: Command) -> CommandResult:
    return done(asked, str(asked.arguments["text"]))


class CrashLaw(BrokerContract):
    """What holds when processes die without a word.  For adapters whose tests can do that."""

    def crash_token(self, candidate: Candidate) -> None:
        """End the candidate's token as ``kill -9`` of its process would; it never comes back."""
        raise NotImplementedError

    def crash_intake(self, executor: Executor) -> None:
        """End the executor's intake as ``kill -9`` of its process would."""
        raise NotImplementedError

    def test_a_dead_holder_is_succeeded(self) -> None:
        """The token is not lost with its holder."""
        holder = self.holder("a")
        standby = self.candidate("b")

        self.crash_token(holder)

        standby.await_win()

    def test_successors_die_too(self) -> None:
        """One after another: the token outlives them all."""
        for name in "abcd":
            self.crash_token(self.holder(name))
        self.holder("e")

    def test_a_dead_standby_changes_nothing(self) -> None:
        """The holder keeps the token and hears nothing."""
        holder = self.holder("a")
        standby = self.candidate("b")

        self.crash_token(standby)

        assert (holder.wins, holder.holds) == (1, True)

    def test_commands_of_a_dead_executor_come_again(self) -> None:
        """The next executor gets what was delivered and not settled, in order."""
        self.holder()
        former = self.open_executor()
        sendings = self.deliver_unsettled(self.sender(), former, 3)

        self.crash_intake(former)
        successor = self.answering_executor()

        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]
        assert successor.received == list("012")
