"""What may be read of the store: all that web is given of it.

The contract of ``store.py`` holds here as well; it is checked by
``tests/contract/store_contract.py`` on every adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from executor.domain.audit import Change
from executor.domain.command import CommandKind, CommandResult
from executor.domain.job import Job
from executor.domain.live_output import OutputChunk
from executor.domain.named import Broken, Kind, Stored, Value
from executor.domain.notification import Notification, NotificationState
from executor.domain.run import Cause, Run, RunState
from executor.domain.schedule import Schedule
from executor.domain.session import Session
from executor.domain.term import TermRecord
from executor.domain.writes import BrokenJob, Instance

Item = TypeVar("Item", covariant=True)

#: Longest time by which the row of a slot is written before its fire time: half a second before
#: the second in which it lies begins, rounded up.
_AHEAD: Final = timedelta(seconds=2)

#: The first instant that there is.
_FIRST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list; ``next`` is the cursor of the following part, None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; None means any.

    ``q`` matches a part of the name, letter case aside.  ``state`` is that of the latest
    finished run.  ``tags``: jobs that carry at least one of these.
    """

    q: str | None = None
    tag: str | None = None
    enabled: bool | None = None
    owner: str | None = None
    state: RunState | None = None
    tags: tuple[str, ...] | None = None


class JobOrder(StrEnum):
    """How a list of jobs is sorted; where two are alike, by name (code point).

    ``next_fire``: by the watermark, the earliest first.  ``last_run``: by the end of the latest
    finished run, the newest first.  Jobs that have no such instant come last.
    """

    NAME = "name"
    NEXT_FIRE = "next_fire"
    LAST_RUN = "last_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs; None means any.

    ``since`` (inclusive) and ``until`` (exclusive) bound ``created_at``, or ``fire_at`` where that
    is later: the row of a slot is written a little ahead.  ``tags``: runs of jobs, not deleted,
    that carry at least one of these now.
    """

    job_id: str | None = None
    state: RunState | None = None
    cause: Cause | None = None
    since: datetime | None = None
    until: datetime | None = None
    tags: tuple[str, ...] | None = None

    @property
    def written_since(self) -> datetime | None:
        """No row that ``since`` lets through was created before; None if that is."""
        if self.since is None:
            return None
        return self.since - min(_AHEAD, self.since - _FIRST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Which entries of the audit; None means any.

    ``since`` (inclusive) and ``until`` (exclusive) bound ``at``.
    """

    job_id: str | None = None
    actor: str | None = None
    action: CommandKind | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """Which notifications; None means any.  An empty ``channel`` is that of pings."""

    state: NotificationState | None = None
    job_id: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs exist and how many runs are running."""

    jobs: int
    running: int


@dataclass(frozen=True, slots=True)
class ScheduleCount:
    """How many jobs have a schedule.

    ``job_id`` is set where the starts depend on the job (``H``, ``jitter``): then it is one job
    and ``schedule`` is as :func:`~executor.domain.schedule.for_job` makes it.
    """

    schedule: Schedule
    jobs: int
    job_id: str | None = None


class InvalidCursor(ValueError):
    """The cursor was not made by this list."""


class Readers(Protocol):
    """Everything web may ask.  Deleted jobs are never found or listed; their runs are."""

    def find_job(self, job: str) -> Job | BrokenJob:
        """Return the job with this id, else the one with this name.

        Raises:
            JobNotFound: neither exists.
        """
        ...

    def find_pinged(self, digest: str) -> Job | BrokenJob:
        """Return the job whose key for pings has this digest (``watch.digest_of_key``).

        Raises:
            JobNotFound: there is none; it names the digest.
        """
        ...

    def list_jobs(
        self,
        which: JobFilter,
        limit: int,
        cursor: str | None,
        order: JobOrder = JobOrder.NAME,
    ) -> Page[Job | BrokenJob]:
        """Return at most *limit* jobs in *order*.

        Raises:
            InvalidCursor: *cursor* is not one of this list's, in this order.
        """
        ...

    def list_users(self, kind: Kind[Value], name: str, which: JobFilter, limit: int) -> list[Job]:
        """Return at most *limit* of these jobs that use *name* of a kind (``uses``), by name.

        One that cannot be read is left out, and whether there is such a calendar, secret or
        channel does not matter.
        """
        ...

    def get_run(self, run_id: str) -> Run:
        """Return the run, with its output.

        Raises:
            RunNotFound: there is none.
        """
        ...

    def read_output(self, run_id: str, offset: int, limit: int) -> list[OutputChunk]:
        """Return chunks of what a run said, by offset, from the one that holds *offset* on.

        At most *limit* chunks.  None if nothing is kept of what it said there or later; an
        unknown run has said nothing.
        """
        ...

    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return at most *limit* runs without their output, newest ``created_at`` first.

        Raises:
            InvalidCursor: *cursor* is not one of this list's.
        """
        ...

    def latest_runs(self, job_ids: Sequence[str], each: int) -> dict[str, list[Run]]:
        """Return for each of these jobs at most *each* runs, as :meth:`list_runs` does.

        In one call, because a page shows them for every job of a list.
        """
        ...

    def list_revisions(self, job_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """Return at most *limit* former revisions of the job, newest first.

        Those that are kept (see :meth:`~executor.ports.store.JobStore.archive_jobs`), also of a
        deleted job.  The present one is not among them.  One that cannot be read is left out.

        Raises:
            InvalidCursor: *cursor* is not one of such a list.
        """
        ...

    def get_revision(self, job_id: str, revision: int) -> Job:
        """Return a former revision of the job, as :meth:`list_revisions` does.

        Raises:
            RevisionNotFound: it is not kept, is the present one, or cannot be read.
        """
        ...

    def slots_between(self, job_id: str, since: datetime, until: datetime, limit: int) -> list[Run]:
        """Return the rows of slots from *since* up to but not including *until*, by fire time.

        At most *limit*, the earliest, without their output.  A row that stands for several slots
        counts with its ``fire_at``, the last of them.
        """
        ...

    def slot_at(self, job_id: str, instant: datetime) -> Run | None:
        """Return the row, without output, that accounts for the slot *instant*; None if none does.

        It is the row of that slot, or one that stands for several: ``covers_from`` up to
        ``fire_at``, both included.  Whether *instant* is a slot at all is the caller's business.
        """
        ...

    def schedule_counts(self) -> list[ScheduleCount]:
        """Return how many jobs have each schedule, in no order.

        Of jobs that are enabled, not paused at the store's now, and have one.  A record that
        cannot be read may be counted.
        """
        ...

    def list_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return those of a kind that are not deleted, in the order of their names (code point)."""
        ...

    def get_named(self, kind: Kind[Value], name: str) -> Stored[Value] | Broken:
        """Return the one of a kind with this name; of a secret there is its sealed value.

        Raises:
            NamedNotFound: there is none, or it is deleted.
        """
        ...

    def list_notifications(
        self, which: NotificationFilter, limit: int, cursor: str | None
    ) -> Page[Notification]:
        """Return at most *limit* notifications, newest ``created_at`` first.

        Raises:
            InvalidCursor: *cursor* is not one of this list's.
        """
        ...

    def get_notification(self, notification_id: str) -> Notification:
        """Return the notification.

        Raises:
            NotificationNotFound: there is none, or its record cannot be read.
        """
        ...

    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used last, as far as it was noted, by name."""
        ...

    def find_session(self, digest: str) -> Session | None:
        """Return the session with this digest, be it expired.

        None: it was closed or never opened, or its record cannot be read.
        """
        ...

    def list_changes(self, which: ChangeFilter, limit: int, cursor: str | None) -> Page[Change]:
        """Return at most *limit* entries of the audit, newest ``at`` first.

        With ``before``, where the entry that says it is kept.  One that cannot be read is left out.

        Raises:
            InvalidCursor: *cursor* is not one of this list's.
        """
        ...

    def get_result(self, command_id: str) -> CommandResult:
        """Return the durable answer to a command.

        Raises:
            CommandNotFound: not answered yet, never sent, or expired.
        """
        ...

    def read_term(self) -> TermRecord | None:
        """Return the present term, or None before the first executor."""
        ...

    def list_instances(self) -> list[Instance]:
        """Return the processes seen within the last 30 s, in the order of their ids."""
        ...

    def count(self) -> Counts:
        """Return the number of jobs (not deleted) and of runs in a live state but pending."""
        ...

    def callback_key(self) -> bytes:
        """Return the secret by which call-backs are proved here: 32 bytes, always the same.

        Raises:
            StoreUnavailable: also when no executor has prepared the store yet.
        """
        ...

    def now(self) -> datetime:
        """Return the store's now; the cheapest proof that it answers."""
        ...
