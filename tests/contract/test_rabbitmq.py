"""The broker contract on RabbitMQ, with both types of queues."""

from typing import ClassVar

import pytest

from tests.contract.broker_contract import CrashLaw
from tests.contract.broker_world import PATIENCE_S, Sending, command, done
from tests.contract.rabbit_workshop import RabbitWorkshop


class SuccessionLaw(RabbitWorkshop, CrashLaw):
    """The contract, and what holds while the broker does not know yet that an executor is over."""

    @pytest.mark.parametrize("crashes", [True, False])
    def test_commands_go_to_one_executor_until_it_is_over(self, crashes: bool) -> None:
        """What it had comes to the next one before anything newer, however it ended.

        Else an old command, given up by its sender, would undo what was acknowledged since.
        """
        self.holder()
        sender = self.sender()
        former = self.open_executor()
        sendings = self.deliver_unsettled(sender, former, 1)

        successor = self.answering_executor()
        for number in (1, 2):
            sendings.append(Sending(sender, command(str(number)), PATIENCE_S))
            former.await_deliveries(number + 1)
        assert successor.received == []
        if crashes:
            self.crash_intake(former)
        else:
            former.intake.close()

        assert [one.join() for one in sendings] == [done(one.command) for one in sendings]
        assert successor.received == list("012")


class TestClassicQueues(SuccessionLaw):
    """The default."""


class TestQuorumQueues(SuccessionLaw):
    """For clusters; here of one node, where the same promises hold."""

    queue_type: ClassVar[str] = "quorum"
