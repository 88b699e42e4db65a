"""The other side of a job's queues: what a client of simple-scheduler's protocol does there.

It declares what such a client declares, so that a difference in any property is an error at once.
"""

import json
from types import TracebackType
from typing import Any, Self

import pika  # type: ignore[import-untyped]

from tests.waiting import eventually

#: Seconds for anything that takes the broker milliseconds.
PATIENCE_S = 10.0

KEYS = ("action", "status", "heartbeat")


class WorkerSide:
    """One connection to the broker at *url*, for one *job*; a context manager.

    Leaves nothing of the job behind.
    """

    def __init__(self, url: str, job: str) -> None:
        self.url = url
        self.job = job
        self.exchange = f"scheduler.job.{job}"
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self._connection.channel()
        self.channel.confirm_delivery()

    def declare(self) -> Self:
        """Declare exchange and queues as simple-scheduler's clients do."""
        self.channel.exchange_declare(self.exchange, "topic", durable=True)
        for key in KEYS:
            self.channel.queue_declare(self.queue(key), durable=True)
            self.channel.queue_bind(self.queue(key), self.exchange, key)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection.is_open:
            self.remove()
            self._connection.close()

    def remove(self) -> None:
        """Delete the job's exchange and queues."""
        for key in KEYS:
            self.channel.queue_delete(self.queue(key))
        self.channel.exchange_delete(self.exchange)

    def queue(self, key: str) -> str:
        """Return the name of one of the job's queues."""
        return f"{self.exchange}.{key}"

    def tell(self, key: str, body: Any) -> None:
        """Publish *body*, JSON unless it is bytes, as a client does."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        properties = pika.BasicProperties(content_type="application/json")
        self.channel.basic_publish(self.exchange, key, data, properties, mandatory=True)

    def status(self, run_id: str, status: str, **more: Any) -> None:
        """Report *status* of a run."""
        self.tell("status", {"jobName": self.job, "runId": run_id, "status": status, **more})

    def beat(self, run_id: str, **more: Any) -> None:
        """Report that a run goes on."""
        self.tell("heartbeat", {"jobName": self.job, "runId": run_id, **more})

    def take(self, queue: str = "") -> tuple[dict[str, Any], Any]:
        """Return the next order and its properties; it is acknowledged."""

        def look() -> Any:
            method, properties, body = self.channel.basic_get(queue or self.queue("action"))
            return None if method is None else (method, properties, body)

        method, properties, body = eventually(look, PATIENCE_S, "an order is there")
        self.channel.basic_ack(method.delivery_tag)
        return json.loads(body), properties

    def ready(self, key: str) -> int:
        """Count the messages that wait in one of the job's queues."""
        declared = self.channel.queue_declare(self.queue(key), passive=True)
        return int(declared.method.message_count)

    def consumers(self, key: str) -> int:
        """Count those who take from one of the job's queues."""
        declared = self.channel.queue_declare(self.queue(key), passive=True)
        return int(declared.method.consumer_count)
