"""What the engine tells the store and what the store answers: plain values, no behaviour.

They live here because both sides of the port speak of them: the engine decides in
these terms and every adapter carries them out.  The methods that take them, and the
rules they follow, are in ``executor/ports/store.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from executor.domain.command import CommandResult
from executor.domain.job import Job, LastRun
from executor.domain.run import RunState


@dataclass(frozen=True, slots=True)
class BrokenJob:
    """A job record that cannot be read; every other job is unaffected.

    Attributes:
        revision: what a write that mends or deletes it has to expect; 0 if that is unreadable too.
    """

    id: str
    name: str
    error: str
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running executor process.

    ``role`` is ``executing`` or ``standby``; ``seen_at`` is by the store's clock; ``tzdata`` says
    which time zone data it goes by.  ``reports``: how many reports about remote runs it has taken
    since its term began, by their :class:`~executor.domain.report.Verdict`.
    """

    id: str
    host: str
    version: str
    role: str
    seen_at: datetime
    detail: str = ""
    tzdata: str = ""
    reports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadedJobs:
    """Jobs for the engine, and the records among them that did not decode."""

    jobs: tuple[Job, ...]
    broken: tuple[BrokenJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Adoption:
    """Take over row ``run_id``, if it is still pending under ``from_term``.

    It may start once the new term is cleared to ``clear_at``.  ``from_clear_at`` is what it had
    before (None: anything): so a call that comes late undoes nothing of later ones.  ``due_at``
    is set if it is given.

    ``remote_in`` is for a run that was handed over: then the row has to be in that state, which
    is live, in place of pending, and is marked as remote.
    """

    run_id: str
    from_term: int
    clear_at: datetime
    from_clear_at: datetime | None = None
    due_at: datetime | None = None
    remote_in: RunState | None = None

    @property
    def from_state(self) -> RunState:
        """The state that the row has to be in."""
        return self.remote_in or RunState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """News about a job that is not a new revision.

    ``next_fire_at`` moves the watermark forward if the job is still at ``revision``; a watermark is
    never moved back, and None leaves it.  ``over`` says, in place of it, that every slot of that
    revision's schedule is accounted for: then the job has no watermark, and gets none again but
    by a new revision.  ``last_run`` replaces an older one.
    """

    job_id: str
    revision: int
    next_fire_at: datetime | None = None
    over: bool = False
    last_run: LastRun | None = None


@dataclass(frozen=True, slots=True)
class JobWrite:
    """Store ``job`` whole, if its record is at revision ``expect`` now (None: if there is none).

    ``forward``: the schedule is what it was, so a later watermark of the record stays; none at all,
    here or there, is the latest: the schedule is over.
    """

    job: Job
    expect: int | None
    forward: bool = False


@dataclass(frozen=True, slots=True)
class JobClash:
    """A :class:`JobWrite` that was not applied: what stands there instead.

    ``current`` is the job with that id (None: there is none); ``name_taken`` says that another
    job has the name.
    """

    current: Job | None
    name_taken: bool


@dataclass(frozen=True, slots=True)
class KnownCommands:
    """What the store remembers of some commands.

    ``results`` by command id; ``jobs`` are those, deleted ones included, whose
    ``last_command`` is one of them.
    """

    results: Mapping[str, CommandResult]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Remove runs of a job: all but the newest ``keep_runs`` and all created before ``older_than``.

    Rows that ended at or after ``spare_since`` (None: no limit) stay in any case: before they
    ended their insertion was acknowledged, however long that took.  Open rows are never removed,
    nor are slots at or after the watermark of the job's record: they would be taken for slots
    without a row.
    """

    job_id: str
    keep_runs: int
    older_than: datetime
    spare_since: datetime | None = None
