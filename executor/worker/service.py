"""The worker process: one thread that runs the bench, and the owners of everything else.

    broker thread --runs, orders, answers--.
    launcher threads --progress, ends------+--> events --> this thread --> steps --> both

A run is handed to the launcher as the executor would hand it over, with the target that the
worker's own modules have for its job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, Final

from executor.domain.instant import from_text
from executor.domain.job import Definition
from executor.domain.json_value import with_texts
from executor.domain.run import Cause, Outcome, Run, RunState
from executor.domain.targets import PythonTarget
from executor.ports.clock import Clock
from executor.ports.target import LauncherFactory, Work
from executor.ports.work_queue import Assignment, WorkQueue
from executor.worker.bench import Bench
from executor.worker.steps import (
    Acknowledge,
    Beat,
    Begin,
    Bury,
    CancelRun,
    CountLoss,
    Event,
    Exit,
    ForgetLosses,
    GiveBack,
    Overhear,
    RunEnded,
    RunTold,
    Step,
    StopAsked,
    StopTaking,
    Tell,
    Tick,
)

logger = logging.getLogger(__name__)

#: Exit statuses: everything was told or given back; or the broker did not answer in time.
CLEAN: Final = 0
UNCLEAN: Final = 1

#: Beyond the time that the executor gives a run, before the worker ends it by itself: the order
#: to stop comes first, and the executor says how the run has ended.  Without a broker it does not.
TIMEOUT_MARGIN: Final = timedelta(seconds=30)

#: The limit of a run that has none, which is as good as that.
_NO_TIMEOUT: Final = timedelta(days=10_000)


class _Listener:
    """What the launcher tells, as events; see :class:`~executor.ports.target.WorkListener`."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post

    def may_start(self) -> bool:
        return True

    def started(self, run_id: str, at: datetime) -> None:
        """It was told when the run was handed to the launcher."""

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        """Do nothing: all of it comes with the end."""

    def progressed(self, run_id: str, details: Mapping[str, Any]) -> None:
        self._post(RunTold(run_id, details))

    def not_started(self, run_id: str) -> None:
        raise AssertionError("a run that may start is not given back")

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        self._post(RunEnded(run_id, outcome))

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        raise AssertionError("functions run here")


class WorkerService:
    """Takes runs and works on them until it is stopped.

    Args:
        targets: what is called for the runs of each job, by the job's name.
        launchers: makes the launcher of the targets.
        grace_s: how long what runs may go on once the worker is to stop.
    """

    def __init__(
        self,
        *,
        queue: WorkQueue,
        launchers: LauncherFactory,
        targets: Mapping[str, PythonTarget],
        clock: Clock,
        grace_s: float,
    ) -> None:
        self._queue = queue
        self._targets = targets
        self._clock = clock
        self._bench = Bench(grace_s)
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._launcher = launchers(_Listener(self._events.put))
        self._status: int | None = None

    def run(self) -> int:
        """Work until stopped; return the process's exit status."""
        self._queue.start(self._events.put)
        try:
            while self._status is None:
                event = self._next_event()
                for step in self._bench.handle(event, self._clock.monotonic()):
                    self._carry_out(step)
        finally:
            self._launcher.stop()
            self._queue.stop()
        return self._status

    def stop(self) -> None:
        """Ask for a clean end; asked again, for one without grace.  Safe in a signal handler."""
        self._events.put(StopAsked())

    def abandon(self) -> None:
        """End all work by force, at once: the broker gives the runs to others."""
        self._launcher.stop()

    def _next_event(self) -> Event:
        wake = self._bench.wake_at
        wait_s = None if wake == inf else max(wake - self._clock.monotonic(), 0.0)
        try:
            return self._events.get(timeout=wait_s)
        except Empty:
            return Tick()

    def _carry_out(self, step: Step) -> None:
        match step:
            case Begin():
                logger.info("run taken", extra={"action": "run_taken", **_facts(step.assignment)})
                self._launcher.start([self._work(step.assignment)])
            case CancelRun():
                self._launcher.cancel(step.run_id, step.reason)
            case Exit():
                self._status = CLEAN if step.clean else UNCLEAN
            case _:
                self._tell_broker(step)

    def _tell_broker(self, step: Step) -> None:
        queue = self._queue
        match step:
            case Tell():
                if step.outcome is not None:
                    facts: dict[str, object] = {"state": step.outcome.state.value}
                    facts |= {"action": "run_over", "error": step.outcome.error}
                    facts |= _facts(step.assignment)
                    logger.info("run over", extra=facts)
                queue.tell(step.assignment, step.status, step.outcome)
            case Beat():
                queue.beat(step.assignment, step.details)
            case Acknowledge():
                queue.acknowledge(step.tag)
            case GiveBack():
                queue.give_back(step.tag)
            case Bury():
                queue.bury(step.tag, step.reason)
            case Overhear():
                queue.overhear(step.jobs)
            case CountLoss():
                queue.count_loss(step.run_id, step.job)
            case ForgetLosses():
                queue.forget_losses(step.run_id)
            case StopTaking():
                queue.stop_taking()

    def _work(self, assignment: Assignment) -> Work:
        """Return *assignment* as the launcher takes it."""
        now = self._clock.now()
        fire_at = None
        with suppress(ValueError):
            fire_at = from_text(assignment.fire_time) if assignment.fire_time else None
        run = Run(
            id=assignment.run_id,
            job_id="",
            job=assignment.job,
            cause=_cause(assignment.cause),
            state=RunState.PENDING,
            term=assignment.term,
            clear_at=now,
            created_at=now,
            fire_at=fire_at,
            trigger_id=assignment.trigger_id,
            attempt=assignment.attempt,
        )
        target = self._targets[assignment.job]
        # They are filled in already: braces in them are to stay.
        given = with_texts(dict(assignment.arguments), lambda text: text.replace("{{", "{{{{"))
        target = replace(target, arguments={**target.arguments, **given})
        limit = assignment.timeout_s
        timeout = _NO_TIMEOUT if limit is None else timedelta(seconds=limit) + TIMEOUT_MARGIN
        return Work(run, Definition(name=assignment.job, target=target, timeout=timeout))


def _cause(text: str) -> Cause:
    # A newer executor may know more causes than we do.
    return Cause(text) if text in set(Cause) else Cause.MANUAL


def _facts(assignment: Assignment) -> dict[str, object]:
    return {
        "run_id": assignment.run_id,
        "job": assignment.job,
        "attempt": assignment.attempt,
        "term": assignment.term,
    }
