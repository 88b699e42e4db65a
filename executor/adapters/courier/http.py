"""Delivery over HTTP, by a launcher of HTTP targets of its own.

To that launcher a delivery is a run without a job: its id is the notification's.  It has a
thread and limits of its own, so neither keeps the other waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from executor.adapters.courier.requests import request_of
from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.rules import HttpRules
from executor.domain.job import Definition
from executor.domain.run import Cause, Outcome, Run, RunState
from executor.domain.targets import HttpTarget
from executor.ports.clock import Clock
from executor.ports.courier import CourierListener, Parcel
from executor.ports.keys import Opener
from executor.ports.target import Work

#: Requests in flight, of one host and in all: the engine hands over no more than this at once.
PARALLEL: Final = 100
PER_HOST: Final = 50

#: Bytes kept of an answer: nobody looks at it but to judge it.
_KEPT: Final = 1_024

#: A definition needs a name; nobody sees this one.
_NAME: Final = "notification"


class HttpCourier:
    """Delivers to webhooks, Slack-compatible webhooks and monitors."""

    def __init__(
        self, listener: CourierListener, clock: Clock, rules: HttpRules, opener: Opener | None
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._launcher = HttpLauncher(
            _Reports(listener),
            clock,
            parallel=PARALLEL,
            output_limit=_KEPT,
            rules=replace(rules, per_host=PER_HOST),
            opener=opener,
            identify=identify,
        )

    def deliver(self, parcel: Parcel) -> None:
        """Send the request; returns at once."""
        note = parcel.notification
        try:
            definition = Definition(name=_NAME, target=request_of(parcel))
        except Exception as error:  # One that cannot be written down must not stop others.
            self._listener(note.id, self._clock.now(), f"nothing was sent: {error!r}")
            return
        run = Run(
            id=note.id,
            job_id=note.job_id,
            job=note.job,
            cause=Cause.MANUAL,
            state=RunState.PENDING,
            term=0,
            clear_at=note.created_at,
            created_at=note.created_at,
            attempt=note.attempts + 1,
        )
        self._launcher.start([Work(run, definition, parcel.sealed)])

    def stop(self) -> None:
        """Break everything off without reporting, and end the thread."""
        self._launcher.stop()


def identify(run: Run, _target: HttpTarget) -> list[str]:
    """Return the headers by which a receiver knows a repetition; a notification is no run."""
    return [f"Idempotency-Key: {run.id}", f"X-Solocron-Attempt: {run.attempt}"]


class _Reports:
    """What a launcher tells, to a courier's listener."""

    def __init__(self, listener: CourierListener) -> None:
        self._listener = listener

    def may_start(self) -> bool:
        """Always: the engine has decided."""
        return True

    def started(self, run_id: str, at: datetime) -> None:
        """Of no interest."""

    def progressed(self, run_id: str, details: Mapping[str, Any]) -> None:
        """Never called."""

    def not_started(self, run_id: str) -> None:
        """Never called."""

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        raise AssertionError("no message asks to be called back")

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        """Never called."""

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        """Pass on how it ended."""
        succeeded = outcome.state is RunState.SUCCEEDED
        error = None if succeeded else (outcome.error or outcome.state.value)
        self._listener(run_id, at, error)
