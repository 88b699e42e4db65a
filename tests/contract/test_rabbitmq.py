"""The broker contract on RabbitMQ, with both types of queues."""

from typing import ClassVar

from tests.contract.broker_contract import CrashLaw
from tests.contract.rabbit_workshop import RabbitWorkshop


class TestClassicQueues(RabbitWorkshop, CrashLaw):
    """The default."""


class TestQuorumQueues(RabbitWorkshop, CrashLaw):
    """For clusters; here of one node, where the same promises hold."""

    queue_type: ClassVar[str] = "quorum"
