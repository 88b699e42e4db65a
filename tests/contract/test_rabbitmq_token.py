"""What befalls the token on a RabbitMQ that goes on running: always one holder in the end.

The heartbeat is 1 s here, so the watchdog's patience is 8 s instead of 20.
"""

import time
from typing import ClassVar

from executor.adapters.rabbitmq.connection import CLOSE_TIMEOUT_S
from executor.adapters.rabbitmq.token import PREFETCH, RENEW_S
from executor.adapters.rabbitmq.watchdog import JITTER
from executor.domain.watchdog import interval, patience
from executor.ports.broker import TokenLost
from tests.contract.broker_world import PATIENCE_S, Candidate
from tests.contract.rabbit_workshop import RabbitWorkshop
from tests.waiting import eventually

#: Seconds in which a token that vanished must be replaced: up to the first look that misses
#: it, the patience, up to the look after that, and some more for a busy machine.
REPLACED_S = patience(1) + 2 * (1 + JITTER) * interval(1) + 5


class TokenMishaps(RabbitWorkshop):
    """The mishaps, for either type of queue."""

    heartbeat_s: ClassVar[int] = 1

    def await_consumers(self, number: int) -> None:
        """Wait until *number* candidates consume the token queue, as far as that can be seen."""
        seen = number if self.queue_type == "classic" else 1
        eventually(
            lambda: self.admin.consumers(self.queues.token) == seen,
            PATIENCE_S,
            f"{number} candidates consume",
        )

    def check_one_token(self, *candidates: Candidate) -> None:
        """Fail unless exactly one of *candidates* holds a token, and that is the only one."""
        assert [one.holds for one in candidates].count(True) == 1
        for one in sorted(candidates, key=lambda one: one.holds):
            one.token.stop()
        eventually(lambda: self.admin.ready(self.queues.token) > 0, PATIENCE_S, "a token is left")
        assert self.admin.ready(self.queues.token) == 1

    def test_the_first_candidate_of_a_fresh_broker_wins_at_once(self) -> None:
        """A queue that does not exist holds no token: nobody waits out the patience."""
        self.candidate().await_win(timeout_s=3)

    def test_a_killed_connection_is_replaced(self) -> None:
        """A lone holder loses the token with its connection and wins it again."""
        holder = self.holder()

        self.proxy_of(holder.token).cut()

        holder.await_win(2)
        self.check_one_token(holder)

    def test_a_deleted_token_queue_is_made_again(self) -> None:
        """A lone holder is told that it has lost the token, and wins a new one at once."""
        holder = self.holder()

        self.admin.delete(self.queues.token)

        holder.await_win(2, timeout_s=5)
        self.check_one_token(holder)

    def test_a_token_queue_deleted_at_the_worst_moment_is_made_again(self) -> None:
        """A standby that begins to consume just then may be deaf, but not for ever."""
        holder, standby = self.holder("a"), self.candidate("b")
        eventually(lambda: standby.token.describe() == "connected", PATIENCE_S, "it is there")

        self.admin.delete(self.queues.token)

        noticed_s = RENEW_S + self.heartbeat_s
        eventually(lambda: holder.wins + standby.wins == 2, noticed_s + REPLACED_S, "a new holder")
        self.check_one_token(holder, standby)

    def test_a_purged_token_is_replaced(self) -> None:
        """It was thrown away while nobody held it: the watchdogs miss it.

        Both may publish a new one; there is one holder all the same, and in the end one token.
        """
        self.holder("a").token.stop()
        eventually(lambda: self.admin.ready(self.queues.token), PATIENCE_S, "the token waits")
        self.admin.purge(self.queues.token)

        both = [self.candidate("b"), self.candidate("c")]
        eventually(lambda: any(one.holds for one in both), REPLACED_S, "one has won")
        self.check_one_token(*both)

    def test_tokens_published_by_hand_are_merged(self) -> None:
        """However many there are, the holder hears nothing and keeps one."""
        holder, standby = self.holder("a"), self.candidate("b")
        self.await_consumers(2)

        for _ in range(3):
            self.admin.publish(self.queues.token, b"one more")
        eventually(lambda: self.admin.ready(self.queues.token) == 0, PATIENCE_S, "all delivered")

        assert (holder.wins, standby.wins) == (1, 0)
        self.check_one_token(holder, standby)

    def test_several_tokens_at_the_beginning_are_merged(self) -> None:
        """More than a candidate takes at once, published before there was any."""
        self.admin.declare(self.queues.token)
        for _ in range(PREFETCH + 3):
            self.admin.publish(self.queues.token, b"one of many")

        holder = self.holder()
        eventually(lambda: self.admin.ready(self.queues.token) == 0, PATIENCE_S, "all delivered")
        self.check_one_token(holder)

    def test_instances_that_start_together_on_a_fresh_broker_agree(self) -> None:
        """All their watchdogs find the queue missing at the same moment."""
        several = [self.candidate(name) for name in "abcde"]

        eventually(lambda: any(one.holds for one in several), PATIENCE_S, "one has won")
        self.await_consumers(5)
        self.check_one_token(*several)

    def test_nobody_wins_against_a_foreign_presence_mark(self) -> None:
        """The former holder's connection lingers: its successor waits until it is gone."""
        with self.admin.occupied(self.queues.executor):
            candidate = self.candidate()
            self.await_consumers(1)
            eventually(lambda: self.admin.ready(self.queues.token) == 0, PATIENCE_S, "delivered")
            early = candidate.wins

        candidate.await_win()

        assert early == 0

    def test_a_frozen_connection_loses_the_token(self) -> None:
        """The token does not come back: the holder says so before the broker has noticed."""
        holder = self.holder()

        self.proxy_of(holder.token).freeze()

        # The next renewal and its limit, and some more for a busy machine.
        holder.await_loss(timeout_s=RENEW_S + self.heartbeat_s + 3)
        lost = holder.news[-1]
        assert isinstance(lost, TokenLost)
        assert "did not come back" in lost.reason
        self.proxy_of(holder.token).thaw()
        holder.await_win(2)

    def test_a_frozen_connection_does_not_hold_up_a_stop(self) -> None:
        """A broker that does not answer is left without a goodbye."""
        holder = self.holder()
        self.proxy_of(holder.token).freeze()

        began = time.monotonic()
        holder.token.stop()

        assert time.monotonic() - began < CLOSE_TIMEOUT_S + 1


class TestClassicToken(TokenMishaps):
    """The default."""


class TestQuorumToken(TokenMishaps):
    """For clusters; here of one node."""

    queue_type: ClassVar[str] = "quorum"
