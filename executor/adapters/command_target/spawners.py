"""The threads that start processes.

Starting one takes half a millisecond, most of it in the kernel; a few threads take turns
at it so that the loop which reads everybody's output never waits.  A start that hangs
(a program on a network file system that is gone) occupies one of them.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final

from executor.adapters import handoff
from executor.adapters.command_target.child import Child
from executor.adapters.command_target.starter import ProcessTarget, Starter
from executor.ports.clock import Clock
from executor.ports.keys import Opener
from executor.ports.target import Work, WorkListener

#: Seconds :meth:`Spawners.stop` waits for starts under way.
_STOP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Spawned:
    """The program runs; its start is reported already."""

    child: Child


@dataclass(frozen=True, slots=True)
class Refused:
    """The listener did not want the run to start."""

    run_id: str


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """The program cannot be started; ``error`` is for a person."""

    run_id: str
    error: str


SpawnNews = Spawned | Refused | SpawnFailed


class Spawners:
    """Start programs and pass them on.

    Args:
        count: how many threads.
        starter: how that is done.
        output_limit: bytes kept of each program's output.
        opener: opens secrets; None if there is no key.
        post: takes exactly one piece of news for each work, unless stopped in between;
            called on the spawning threads.
    """

    def __init__(
        self,
        count: int,
        listener: WorkListener,
        clock: Clock,
        starter: Starter,
        output_limit: int,
        opener: Opener | None,
        post: Callable[[SpawnNews], None],
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._starter = starter
        self._output_limit = output_limit
        self._opener = opener
        self._post = post
        self._works: SimpleQueue[Work | None] = SimpleQueue()
        self._stopping = Event()
        self._threads: Sequence[Thread] = [
            Thread(target=self._serve, name=f"spawner-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work) -> None:
        """Have *work* started by the next free thread."""
        self._works.put(work)

    def stop(self) -> None:
        """Start nothing more; everything started until then has been posted."""
        self._stopping.set()
        for _ in self._threads:
            self._works.put(None)
        for thread in self._threads:
            thread.join(_STOP_S)

    def _serve(self) -> None:
        while (work := self._works.get()) is not None:
            if not self._stopping.is_set():
                self._start(work)

    def _start(self, work: Work) -> None:
        target = work.definition.target
        run_id = work.run.id
        if not self._starter.accepts(target):
            self._post(SpawnFailed(run_id, f"{target.kind} is not this launcher's kind of target"))
            return
        assert isinstance(target, ProcessTarget)
        if not self._listener.may_start():
            self._post(Refused(run_id))
            return
        begun = self._clock.now()
        # Whatever is wrong with one job's command must not end a thread that serves them all.
        clear: Callable[[str], str] = str
        try:
            prepared = handoff.prepare(work, self._opener)
            clear = prepared.clear
            assert isinstance(prepared.target, ProcessTarget)
            target = prepared.target
            wanted = target.limits.output
            limit = self._output_limit if wanted is None else min(wanted, self._output_limit)
            child = self._starter.start(work, prepared, limit)
        except Exception as error:
            self._post(SpawnFailed(run_id, clear(self._starter.explain(error, target))))
            return
        if self._stopping.is_set():
            child.signal(signal.SIGKILL)
        else:
            self._listener.started(run_id, begun)
        self._post(Spawned(child))
