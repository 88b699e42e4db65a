"""Real servers for the tests: RabbitMQ, MongoDB, and networks that can be cut.

Rules
-----
1. A server is a process of its own with its own ports, data folder and log; two
   test runs on one machine never meet.
2. No server outlives the process that started it, not even when that is killed
   with ``kill -9``.
3. A server that cannot be had is a failure that says what is missing, never a
   skipped test.

``find`` chooses the servers that tests share; a test that harms its server makes
one with :class:`RabbitMQ` or :class:`MongoDB`.
"""

from tests.servers.mongodb import MongoDB, MongoNode
from tests.servers.namespace import Cable, Namespace
from tests.servers.process import ServerFailedError, ServerMissingError
from tests.servers.rabbitmq import RabbitMQ

__all__ = [
    "Cable",
    "MongoDB",
    "MongoNode",
    "Namespace",
    "RabbitMQ",
    "ServerFailedError",
    "ServerMissingError",
]
