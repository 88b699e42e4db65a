"""The broker of ``ports/broker.py`` on RabbitMQ 3.10 to 4.x, through pika.

Start at ``connection``: every end of the broker here is one :class:`~.connection.Link`,
that is one connection, one thread and callbacks on it that never block.  ``queues`` has
the names and properties of the queues.  ``token`` holds, ``watchdog`` replaces, ``intake``
receives, ``sender`` sends; ``publisher`` and ``sight`` are what the last two publishing
ends share.  ``trust`` has whom all of them trust.

Runs for workers: ``topology`` has the queues of a job and ``protocol`` what is written into
them; ``message_launcher`` sends runs, ``reports`` takes what workers report, and ``work_queue``
is a worker's end.  ``outbox`` keeps what they publish until the broker has it.

pika's ``BlockingConnection`` is not used.  Its calls have no deadline of their own, it does
not raise when the broker closes a channel, and one publish at a time waits for its confirm.
``SelectConnection``, which it wraps, has none of that: everything is a callback.
"""

from executor.adapters.rabbitmq.intake import RabbitIntake
from executor.adapters.rabbitmq.message_launcher import MessageLauncher
from executor.adapters.rabbitmq.reports import RabbitReports
from executor.adapters.rabbitmq.sender import RabbitSender
from executor.adapters.rabbitmq.token import RabbitToken
from executor.adapters.rabbitmq.trust import trusting
from executor.adapters.rabbitmq.work_queue import RabbitWorkQueue

__all__ = [
    "MessageLauncher",
    "RabbitIntake",
    "RabbitReports",
    "RabbitSender",
    "RabbitToken",
    "RabbitWorkQueue",
    "trusting",
]
