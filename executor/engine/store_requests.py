"""The calls of the store that the engine wants made.

A :class:`Request` is one call of a store method; it is answered by an event that carries the
request itself (see ``events``).  Its ``lane`` says which of the runtime's store threads makes
it: calls of one lane happen one after another, so that slow bookkeeping never delays a
clearance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from executor.domain.audit import Change
from executor.domain.command import CommandResult
from executor.domain.job import Job
from executor.domain.live_output import OutputChunk
from executor.domain.named import NamedWrite
from executor.domain.notification import Notification, NotificationChange
from executor.domain.run import Run, RunChange
from executor.domain.session import Session
from executor.domain.tally import Tally
from executor.domain.writes import (
    Adoption,
    Instance,
    JobProgress,
    JobWrite,
    Retention,
)


class Lane(StrEnum):
    """A queue of store calls with a thread of its own."""

    DISPATCH = "dispatch"
    JOURNAL = "journal"
    COMMANDS = "commands"
    UPKEEP = "upkeep"
    RETENTION = "retention"
    OUTBOX = "outbox"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One store call; compared by identity, so that a late answer is told from the awaited one."""

    lane: ClassVar[Lane] = Lane.DISPATCH


@dataclass(frozen=True, slots=True, eq=False)
class MintTerm(Request):
    """``mint_term``; the answer is the TermRecord."""

    holder: str
    tzdata: str


@dataclass(frozen=True, slots=True, eq=False)
class ReadOpenRuns(Request):
    """``open_runs_before``; the answer is a list of Run."""

    term: int


@dataclass(frozen=True, slots=True, eq=False)
class ReadDueJobs(Request):
    """``due_jobs``; the answer is LoadedJobs."""

    until: datetime


@dataclass(frozen=True, slots=True, eq=False)
class ReadAllJobs(Request):
    """``all_jobs``; answered by one ``JobsLoaded`` event for each batch, then by None."""

    lane: ClassVar[Lane] = Lane.UPKEEP


@dataclass(frozen=True, slots=True, eq=False)
class InsertRuns(Request):
    """``insert_runs``; the answer maps the ids of rows not inserted to what stands there.

    That is a Run, or Refused for a row that cannot be written.
    """

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AdoptRuns(Request):
    """``adopt_runs``; the answer is the frozenset of ids that are ours."""

    adoptions: tuple[Adoption, ...]
    term: int


@dataclass(frozen=True, slots=True, eq=False)
class ClearTerm(Request):
    """``clear_term``; the answer is None.  ``started`` is the monotonic time of the decision."""

    term: int
    until: datetime
    started: float


@dataclass(frozen=True, slots=True, eq=False)
class ResignTerm(Request):
    """``resign_term``; the answer is None."""

    term: int


@dataclass(frozen=True, slots=True, eq=False)
class Record(Request):
    """``change_runs`` and then ``advance_jobs``; the answer is two lists, an entry for each.

    It is None where the entry is written, else Refused.
    """

    lane: ClassVar[Lane] = Lane.JOURNAL
    changes: tuple[RunChange, ...]
    progress: tuple[JobProgress, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RecallCommands(Request):
    """``known_commands`` and ``existing_runs``; the answer is the pair of theirs.

    What the jobs among it have to say to the audit is appended first.
    """

    lane: ClassVar[Lane] = Lane.COMMANDS
    command_ids: tuple[str, ...]
    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeepFormer(Request):
    """``append_changes``, ``save_results`` and ``archive_jobs``, before an overwriting.

    The answer is None.
    """

    lane: ClassVar[Lane] = Lane.COMMANDS
    results: tuple[CommandResult, ...]
    jobs: tuple[Job, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WriteNamed(Request):
    """``write_named`` for each; the answer is a list of clashes or None."""

    lane: ClassVar[Lane] = Lane.COMMANDS
    writes: tuple[NamedWrite[Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReadNamed(Request):
    """``all_named`` of every kind; the answer is a dict of their lists."""


@dataclass(frozen=True, slots=True, eq=False)
class WriteJobs(Request):
    """``write_jobs``, ``append_changes`` of what was applied, then a look at the term.

    The answer is a list with one entry for each write.

    It is JobClash, None, or Refused.  Fails with StaleTerm if *term* was over when it looked: the
    writes stand, and its successor may have read the jobs without them.
    """

    lane: ClassVar[Lane] = Lane.COMMANDS
    writes: tuple[JobWrite, ...]
    term: int


@dataclass(frozen=True, slots=True, eq=False)
class SaveResults(Request):
    """``append_changes``, uses of tokens, sessions, then ``save_results``; the answer is None."""

    lane: ClassVar[Lane] = Lane.COMMANDS
    results: tuple[CommandResult, ...]
    changes: tuple[Change, ...] = ()
    uses: Mapping[str, datetime] = field(default_factory=dict)
    opened: tuple[Session, ...] = ()
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WatchOpenRuns(Request):
    """Supervision's look: ``stamp_leases`` for *stamp*, ``expire_runs``, then ``open_runs_before``.

    The answer is the pair (open rows as read last, rows just marked lost).
    """

    lane: ClassVar[Lane] = Lane.UPKEEP
    term: int
    stamp: tuple[str, ...]
    lease_s: float


@dataclass(frozen=True, slots=True, eq=False)
class SettleFollowUps(Request):
    """``settle_follow_ups``; the answer is None."""

    lane: ClassVar[Lane] = Lane.UPKEEP
    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RenewLeases(Request):
    """``renew_leases``; the answer is the frozenset of ids that are no longer ours."""

    lane: ClassVar[Lane] = Lane.JOURNAL
    term: int
    run_ids: tuple[str, ...]
    lease_s: float


@dataclass(frozen=True, slots=True, eq=False)
class KeepOutput(Request):
    """``keep_output``; the answer is None."""

    lane: ClassVar[Lane] = Lane.OUTPUT
    chunks: tuple[OutputChunk, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prune(Request):
    """All that is removed by age: ``prune_`` and ``purge_`` of everything.

    The answer is the number of rows and records removed, but for output, uses of tokens
    and sessions.
    ``limit`` bounds the rows, ``purge_limit`` the jobs; ``output_rest_s`` is for ``purge_output``.
    Entries of the audit go from before ``audit_before``, notifications that are not pending from
    before ``told_before``, sessions that have expired at ``now``.
    """

    lane: ClassVar[Lane] = Lane.RETENTION
    retentions: tuple[Retention, ...]
    purge_before: datetime
    audit_before: datetime
    told_before: datetime
    now: datetime
    limit: int
    purge_limit: int
    output_rest_s: float


@dataclass(frozen=True, slots=True, eq=False)
class ReadTallies(Request):
    """``read_tallies``; the answer is a list of Tally."""

    lane: ClassVar[Lane] = Lane.OUTBOX
    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """Write ``tally``, if it is given; if it stands then, add the notifications."""

    tally: Tally | None
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tell(Request):
    """``write_tallies``, then ``add_notifications``; the answer is a list, one entry for each.

    It says whether the entry's tally stands, and with it that its notifications do.
    """

    lane: ClassVar[Lane] = Lane.OUTBOX
    tellings: tuple[Telling, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReadOutbox(Request):
    """``due_notifications``; the answer is a list of Notification."""

    lane: ClassVar[Lane] = Lane.OUTBOX
    until: datetime
    limit: int
    besides: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RecordDeliveries(Request):
    """``change_notifications``; the answer is None."""

    lane: ClassVar[Lane] = Lane.OUTBOX
    changes: tuple[NotificationChange, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Beat(Request):
    """``beat``; the answer is None."""

    lane: ClassVar[Lane] = Lane.UPKEEP
    instance: Instance
