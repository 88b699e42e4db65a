"""The store: jobs, runs, the term and command results.

Two faces.  :class:`Readers` (``readers.py``) are all that web is given.
:class:`ExecutorStore` changes things and is handed to the executor alone.

The contract, checked by ``tests/contract/store_contract.py`` on every adapter:

1. Every method is safe to call from several threads and returns within seconds:
   with its result, or with :class:`~executor.domain.errors.StoreUnavailable`, which for
   a write means *unknown whether it was written*.  Repeating any call with the same
   arguments is safe and leads to the same final state.
2. What a write has returned from is durable (MongoDB: majority; SQLite: synced).
3. Batches are unordered and not atomic: each row stands for itself.
4. Instants are aware UTC in whole milliseconds, both ways.
5. "The store's now" is the store's clock, never the caller's.
6. A document that does not decode never fails a call that concerns others: it is
   left out of :class:`Job` lists and reported as :class:`BrokenJob` (that of a
   named resource as :class:`~executor.domain.named.Broken`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from executor.domain.audit import Change
from executor.domain.command import CommandResult
from executor.domain.job import Job
from executor.domain.live_output import OutputChunk
from executor.domain.named import Broken, Kind, NamedClash, NamedWrite, Stored, Value
from executor.domain.notification import Notification, NotificationChange
from executor.domain.run import Run, RunChange
from executor.domain.tally import Tally
from executor.domain.term import TermRecord
from executor.domain.writes import (
    Adoption,
    BrokenJob,
    Instance,
    JobClash,
    JobProgress,
    JobWrite,
    KnownCommands,
    LoadedJobs,
    Retention,
)
from executor.ports.entrance_store import SessionStore, TokenUseStore
from executor.ports.readers import (
    ChangeFilter,
    Counts,
    InvalidCursor,
    JobFilter,
    JobOrder,
    NotificationFilter,
    Page,
    Readers,
    RunFilter,
    ScheduleCount,
)

__all__ = [
    "Adoption",
    "AuditStore",
    "BrokenJob",
    "Change",
    "ChangeFilter",
    "Counts",
    "ExecutorStore",
    "Instance",
    "InvalidCursor",
    "JobClash",
    "JobFilter",
    "JobOrder",
    "JobProgress",
    "JobWrite",
    "KnownCommands",
    "LoadedJobs",
    "NamedStore",
    "NotificationFilter",
    "OutboxStore",
    "Page",
    "Readers",
    "Retention",
    "RunFilter",
    "ScheduleCount",
    "SessionStore",
    "TokenUseStore",
]


class TermStore(Protocol):
    """The term: minted, cleared, resigned.  The only fence there is."""

    def mint_term(self, holder: str, tzdata: str = "") -> TermRecord:
        """Begin the next term for *holder*; return its record, with what former terms had cleared.

        *tzdata* says which time zone data the holder goes by; it is kept with the term.

        One atomic step.  Unlike every other write, repeating it makes another term; an answer that
        was lost merely leaves a term without an executor.
        """
        ...

    def clear_term(self, term: int, until: datetime) -> None:
        """Record that rows of *term* up to *until* may start; advances the heartbeat.

        ``cleared_until`` never moves back.

        Raises:
            StaleTerm: a newer term exists; nothing was written.
        """
        ...

    def resign_term(self, term: int) -> None:
        """Mark *term* as given up on purpose; nothing happens if it is over already."""
        ...

    def read_term(self) -> TermRecord | None:
        """As :meth:`Readers.read_term`."""
        ...


class RunStore(Protocol):
    """Runs: written before they start, changed only by the term that owns them."""

    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert each row unless its id, or its slot ``(job_id, fire_at)`` if scheduled, is taken.

        Returns:
            For every row that was not inserted, by that row's id: the row that stands there.
        """
        ...

    def existing_runs(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return those of *run_ids* of which there is a row."""
        ...

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Move rows, pending or handed over (see :class:`Adoption`), to *term*.

        Returns:
            The ids that belong to *term* now, or did before.
        """
        ...

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Apply each change whose row has its term and an allowed state; the others do nothing."""
        ...

    def renew_leases(self, term: int, run_ids: Collection[str], lease_s: float) -> frozenset[str]:
        """Set the lease of live rows of *term* to the store's now plus *lease_s*.

        Returns:
            The ids that could not be renewed: no longer live, no longer of *term*, or gone.
        """
        ...

    def open_runs_before(self, term: int) -> list[Run]:
        """Return every row of a term before *term* with something left to do, oldest first."""
        ...

    def stamp_leases(self, run_ids: Collection[str], lease_s: float) -> None:
        """Give live rows that have no lease one of *lease_s* from the store's now."""
        ...

    def expire_runs(self, term: int) -> list[Run]:
        """Mark as lost every live row of a lower term whose lease is over by the store's clock.

        But no remote one: that holds no lease, whatever its row says of one.  Sets ``finished_at``
        to the store's now, and ``follow_up``.  Returns the rows as they are.
        """
        ...

    def settle_follow_ups(self, run_ids: Collection[str]) -> None:
        """Clear ``follow_up``: what the rows demanded is written."""
        ...

    def prune_runs(self, retentions: Sequence[Retention], limit: int) -> int:
        """Remove at most about *limit* rows; return how many were removed."""
        ...


class OutputStore(Protocol):
    """What runs say while they go on: passing, bounded, and never in anybody's way."""

    def keep_output(self, chunks: Sequence[OutputChunk]) -> None:
        """Keep *chunks*; one that is kept already under its run and offset is replaced.

        Of each run only what belongs to its newest :data:`~executor.domain.live_output.KEPT`
        bytes stays.  Rule 2 of the contract does not hold here: a power cut may take it back.
        Runs need not exist.
        """
        ...

    def purge_output(self, rest_s: float) -> None:
        """Remove the chunks of runs that are over or have no row.

        Once no chunk was added for *rest_s* seconds of the store's clock, so that who follows can
        finish.  Those of lost runs stay as long as their rows: nothing else tells of them.
        """
        ...


class JobStore(Protocol):
    """Jobs as the engine needs them."""

    def due_jobs(self, until: datetime) -> LoadedJobs:
        """Return the jobs, not deleted, whose watermark is at or before *until*."""
        ...

    def all_jobs(self) -> Iterator[LoadedJobs]:
        """Yield every job that is not deleted, in batches."""
        ...

    def load_job(self, job_id: str) -> Job | None:
        """Return the job with this id, deleted or not; None if there is none that can be read."""
        ...

    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Apply each write; None in the answer's place means applied, now or by an earlier call.

        The record's own ``last_run`` stays: it is news, not part of a revision.

        A record that cannot be read is overwritten by a write that expects its revision.
        """
        ...

    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Record progress; entries of unknown jobs do nothing."""
        ...

    def archive_jobs(self, jobs: Sequence[Job]) -> None:
        """Keep each of *jobs* as a former revision; one that is kept already stays as it was.

        To be called before the record is overwritten.  Of a job no more than about the newest
        100 are kept, and none longer than its record.  Progress (``next_fire_at``, ``last_run``)
        is no part of a revision.
        """
        ...

    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs not updated since *before*, at most *limit* jobs.

        With their runs, former revisions and tallies.  One with open rows waits until they are
        closed.
        """
        ...


class NamedStore(Protocol):
    """Named resources of each :class:`~executor.domain.named.Kind`: few, and loaded all at once."""

    def all_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return every record, deleted ones included, in the order of their names (code point)."""
        ...

    def write_named(self, write: NamedWrite[Value]) -> NamedClash[Value] | None:
        """Store a record whole, if it is at the revision that is expected (None: there is none).

        None means applied, now or by an earlier call; nothing remains of the former value.  A
        deleted resource is written with ``deleted``: its record, and what it knows of the last
        command, stays under its name and is overwritten by whoever makes one of that name again.
        A record that cannot be read is overwritten by a write that expects its revision.
        """
        ...

    def purge_named(self, kind: Kind[Any], before: datetime) -> int:
        """Remove the records of those deleted before *before*; return how many."""
        ...


class OutboxStore(Protocol):
    """What is to be told, and what of it was: tallies of jobs, and notifications."""

    def read_tallies(self, job_ids: Collection[str]) -> list[Tally]:
        """Return the tallies of these jobs, in no order.

        A job without one is left out, and so is one whose tally cannot be read.
        """
        ...

    def write_tallies(self, tallies: Sequence[Tally]) -> list[bool]:
        """Store each tally if that of its job is at the revision before (none: at 0).

        One that cannot be read is overwritten.

        Returns:
            For each, whether it stands there now, written by this call or by an earlier one.
        """
        ...

    def add_notifications(self, notifications: Sequence[Notification]) -> None:
        """Insert each unless its id is taken.

        A pending ping of which the store holds a later one of its job (by ``created_at``) is
        superseded then, whichever came first; its ``finished_at`` is its own ``created_at``.
        """
        ...

    def due_notifications(
        self, until: datetime, limit: int, besides: Collection[str]
    ) -> list[Notification]:
        """Return pending ones that are due at *until*, the earliest ``due_at`` first.

        Args:
            besides: channels of which none is returned.
        """
        ...

    def change_notifications(self, changes: Sequence[NotificationChange]) -> None:
        """Apply each change to its notification while that is pending; the others do nothing."""
        ...

    def prune_notifications(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* that were created before *before*; return how many.

        Pending ones stay.
        """
        ...


class AuditStore(Protocol):
    """The audit: appended to, never changed, and pruned by age."""

    def append_changes(self, changes: Sequence[Change]) -> None:
        """Keep each entry without its ``before``; one whose id is kept already stays as it was."""
        ...

    def prune_changes(self, before: datetime, limit: int) -> int:
        """Remove entries older than *before*, at most about *limit*; return how many."""
        ...


class CommandStore(Protocol):
    """Answers to commands, kept for a day."""

    def known_commands(self, command_ids: Collection[str]) -> KnownCommands:
        """Return what is remembered of *command_ids*."""
        ...

    def save_results(self, results: Sequence[CommandResult]) -> None:
        """Keep each answer; one that is kept already stays as it was."""
        ...


class ExecutorStore(
    TermStore,
    RunStore,
    OutputStore,
    JobStore,
    NamedStore,
    OutboxStore,
    TokenUseStore,
    SessionStore,
    AuditStore,
    CommandStore,
    Protocol,
):
    """Everything the executor may do to the store."""

    def prepare(self) -> None:
        """Create or upgrade what the store needs (indexes, tables, version mark).  Safe to repeat.

        The first call ever also makes the key of :meth:`Readers.callback_key`, at random.

        Raises:
            SchemaTooNew: a newer Solocron has been here.
        """
        ...

    def callback_key(self) -> bytes:
        """As :meth:`Readers.callback_key`."""
        ...

    def beat(self, instance: Instance) -> None:
        """Record that *instance* lives; ``seen_at`` becomes the store's now."""
        ...

    def forget_instance(self, instance_id: str) -> None:
        """Remove the record of an instance that stops."""
        ...

    def close(self) -> None:
        """Give connections back; no method may be called afterwards."""
        ...
