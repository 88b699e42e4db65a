"""Watched runs: until when somebody has to be heard, and what becomes of one that nobody pings.

A watched run is a remote one that is everybody else's: nobody here can begin, send or end it.
So it is over as soon as that is decided, and nobody is asked to confirm it.  And it is not given
up for what may be in the queue: pings are accepted while nobody executes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf

from executor.domain.instant import to_text
from executor.domain.job import Definition, Job
from executor.domain.run import Outcome, Reason, Run, RunState
from executor.domain.watch import is_watched
from executor.engine.desk import Desk
from executor.engine.timing import PINGS_IN_S


class Hearing:
    """Since when reports and pings can be heard, and whether those that waited are known.

    Attributes:
        since: seconds of ``Desk.awake``; None: nobody can be heard.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.since: float | None = None
        self._from = desk.now
        self._behind = 0.0

    def attend(self, hearing: bool) -> bool:
        """Take note of whether anybody can be heard; return whether that is a change."""
        if hearing == (self.since is not None):
            return False
        self.since = self._behind = self._desk.awake
        self._from = self._desk.now
        if not hearing:
            self.since = None
        return True

    def ping(self, at: datetime) -> None:
        """Take note of a ping received *at*: perhaps it has waited until somebody executes."""
        if at < self._from:
            self._behind = self._desk.awake

    @property
    def caught_up_at(self) -> float:
        """Monotonic time at which every ping counts as known that was sent before."""
        if self.since is None:
            return inf
        return self._desk.monotonic + PINGS_IN_S - (self._desk.awake - self._behind)


def watches(definition: Definition | None) -> bool:
    """Whether the runs of a job are only watched."""
    return definition is not None and is_watched(definition.target)


def longest_wait(definition: Definition | None) -> timedelta | None:
    """Return how long after its due instant a run may begin; None: as late as it likes."""
    if definition is None:
        return None
    target = definition.target
    return target.grace if is_watched(target) else definition.start_timeout


def awaited_until(run: Run, definition: Definition) -> datetime:
    """Return the instant by which somebody has to say that *run* has begun, or is done."""
    wait = longest_wait(definition)
    assert wait is not None
    return (run.due or run.created_at) + wait


def unheard(run: Run, definition: Definition, job: Job | None, now: datetime) -> Outcome:
    """Return how *run* ends of which nothing was heard in time; *job*: as it is now."""
    if run.state is not RunState.PENDING:
        longest = f"{definition.timeout.total_seconds():g} s"
        return Outcome(
            state=RunState.TIMED_OUT, error=f"no ping said within {longest} that it has ended"
        )
    reason = _unwanted(job, now)
    if reason is not None:
        return Outcome(state=RunState.SKIPPED, reason=reason)
    until = to_text(awaited_until(run, definition))
    return Outcome(
        state=RunState.FAILED, reason=Reason.NO_PING, error=f"no ping came until {until}"
    )


def _unwanted(job: Job | None, now: datetime) -> Reason | None:
    """Return why no ping is missed of *job*."""
    if job is None:
        return Reason.DELETED
    if not job.definition.enabled:
        return Reason.DISABLED
    if job.is_paused(now):
        return Reason.PAUSED
    return None if watches(job.definition) else Reason.SUPERSEDED
