"""A thread for each lane of store calls, so that bookkeeping never delays a clearance."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from executor.domain.errors import StoreUnavailable
from executor.engine.events import Event, Failed
from executor.engine.store_requests import Lane, Request
from executor.ports.store import ExecutorStore
from executor.runtime.store_calls import perform

logger = logging.getLogger(__name__)


class Lanes:
    """Makes the engine's store calls; the calls of one lane follow each other."""

    def __init__(self, store: ExecutorStore, post: Callable[[Event], None]) -> None:
        self._store = store
        self._post = post
        self._queues: dict[Lane, SimpleQueue[Request | None]] = {
            lane: SimpleQueue() for lane in Lane
        }
        self._threads = [
            Thread(target=self._run, args=(queue,), name=f"store-{lane}", daemon=True)
            for lane, queue in self._queues.items()
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def put(self, request: Request) -> None:
        """Make *request* after those before it in its lane."""
        self._queues[request.lane].put(request)

    def stop(self, timeout_s: float) -> bool:
        """End the threads once they have made the calls they have.

        Returns:
            Whether all of them ended within *timeout_s*.
        """
        deadline = time.monotonic() + timeout_s
        for queue in self._queues.values():
            queue.put(None)
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, queue: SimpleQueue[Request | None]) -> None:
        while (request := queue.get()) is not None:
            try:
                perform(request, self._store, self._post)
            except Exception as error:  # Top of a thread: a bug must be seen, not end the lane.
                logger.exception(
                    "a store call failed in an unexpected way",
                    extra={"action": "store_call_broken", "call": type(request).__name__},
                )
                unknown = StoreUnavailable(f"unexpected: {error!r}")
                self._post(Failed(request, unknown))
