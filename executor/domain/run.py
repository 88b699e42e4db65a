"""The life of a run, as one table.

Rule 1: everything that changes a run's state is in this file.
Rule 2: this file does not know who asks.  The executor, a cancel request and crash
recovery all go through :data:`TRANSITIONS`; stores refuse a change whose present
state is not among :func:`sources` of the new one.

    pending <-> running --> succeeded | failed | timed_out | cancelled | lost
       |           `--> cancelling --> cancelled (or any other end: the work got there first)
       `--> skipped | cancelled | lost

``running -> pending`` is for *remote* runs alone, whose work goes on elsewhere: whoever had one
has fallen silent, and it is sent again.  ``pending -> pending``: it is known to wait there.

``lost`` means *outcome unknown*: the executor died or was superseded while the run
was, or may have been, in progress.  The work may have happened.  ``pending -> lost``
is the surprising arrow: a claim whose term had been cleared up to it may have been
started although nobody recorded the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final


class RunState(StrEnum):
    """Where a run stands; the values are what the API shows and the stores keep."""

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    SKIPPED = "skipped"


class Cause(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    CATCH_UP = "catch_up"
    MANUAL = "manual"
    DEPENDENCY = "dependency"
    FAILURE_HANDLER = "failure_handler"
    BACKFILL = "backfill"
    RETRY = "retry"
    RETRIGGER = "retrigger"
    PING = "ping"


class Reason(StrEnum):
    """Why a run was skipped, cancelled or given up, or what kind of success it was by its account.

    ``no_ping``: nobody was heard who had been expected.  The last three are what a job's code
    says of a run that did not fail.
    """

    OVERLAP = "overlap"
    QUEUE_FULL = "queue_full"
    LOCKED = "locked"
    REPLACED = "replaced"
    MISFIRE = "misfire"
    BLACKOUT = "blackout"
    START_TIMEOUT = "start_timeout"
    RETRY_WINDOW = "retry_window"
    JOINED = "joined"
    PAUSED = "paused"
    DISABLED = "disabled"
    SUPERSEDED = "superseded"
    DELETED = "deleted"
    REQUESTED = "requested"
    SHUTDOWN = "shutdown"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    NO_PING = "no_ping"
    WARNING = "warning"
    NO_ACTION_NEEDED = "no_action_needed"
    SKIPPED = "skipped"


_ENDS: Final = frozenset(
    {
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.TIMED_OUT,
        RunState.CANCELLED,
        RunState.LOST,
    }
)

#: state -> the states it may change to.  A short run's start and end are one change,
#: so everything reachable from ``running`` is reachable from ``pending`` too.  From a state
#: to itself: there are news of it.  To ``pending``: of remote runs only, see above.
TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.PENDING: _ENDS
    | {RunState.PENDING, RunState.RUNNING, RunState.CANCELLING, RunState.SKIPPED},
    RunState.RUNNING: _ENDS | {RunState.PENDING, RunState.RUNNING, RunState.CANCELLING},
    RunState.CANCELLING: _ENDS | {RunState.CANCELLING},
    **{end: frozenset() for end in (*_ENDS, RunState.SKIPPED)},
}

#: States in which a run occupies its job.
LIVE: Final = frozenset(state for state, following in TRANSITIONS.items() if following)


def sources(state: RunState) -> frozenset[RunState]:
    """Return the states from which *state* may be entered."""
    return _SOURCES[state]


_SOURCES: Final = {
    state: frozenset(before for before, following in TRANSITIONS.items() if state in following)
    for state in RunState
}


#: The ``clear_at`` of rows that wait for something other than time.  No term is ever cleared so
#: far, so such a row has certainly not started.  AWAITING: a dependency not met in full.
#: QUEUED: whatever occupies its job or its lock.
AWAITING: Final = datetime(9999, 12, 30, tzinfo=UTC)
QUEUED: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a target said: the first and the last bytes, decoded leniently, and how much there was.

    ``head`` and ``tail`` together are the whole when ``size`` (bytes) did not exceed the limit;
    then ``tail`` is empty.
    """

    head: str = ""
    tail: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job, as stored.

    Attributes:
        fire_at: the slot's fire time; a retriggered run inherits it, a manual run has none.
        scheduled: this row *is* the slot ``(job_id, fire_at)``; no two rows may claim one.
        term: the term that owns the row; only its holder may change it.
        clear_at: the run may start once its term is cleared up to here.  Always later than
            every clearance requested before the row was written, so a row beyond the last
            clearance of its term has certainly not started.
        due_at: it is not started before; None: at its ``fire_at``, or at once.
        since: when the first attempt of its chain was asked for, if this is a later one.
        parent_run_id: the run that this one repeats or follows.
        parent_job_id: the job of the run that this one follows, if it is another one.
        trigger_id: id of the first run of a chain of retriggers; the targets' idempotency key.
            Of a row that was joined with others: of the run that they have become.
        command_id: of a slot that was backfilled: the command that asked for it.
        retriggers: how many lost or shut-down runs precede this one in its chain; of a remote
            run, with the times that it was sent again itself.
        lease_until: by the store's clock; None until somebody stamps it.
        remote: its work was handed over and goes on elsewhere.  It holds no run lease: whichever
            executor dies, it is supervised by the present one and lost by its own silence only.
        follow_up: the end of this run still demands a run (a retrigger) that is not yet written.
        covers: how many slots this row accounts for; more than one only for skipped rows that
            sum up the oldest slots of a long gap, from ``covers_from`` to ``fire_at``.
        details: what the target says of its progress and its result; a JSON object.
        retry_after: for how many seconds after its end the target does not want to be asked
            again, as it said itself; None if it did not.
    """

    id: str
    job_id: str
    job: str
    cause: Cause
    state: RunState
    term: int
    clear_at: datetime
    created_at: datetime
    scheduled: bool = False
    fire_at: datetime | None = None
    reason: Reason | None = None
    trigger_id: str = ""
    command_id: str = ""
    attempt: int = 1
    retriggers: int = 0
    due_at: datetime | None = None
    since: datetime | None = None
    parent_run_id: str | None = None
    parent_job_id: str | None = None
    revision: int = 0
    executor: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_until: datetime | None = None
    remote: bool = False
    follow_up: bool = False
    covers: int = 1
    covers_from: datetime | None = None
    exit_code: int | None = None
    http_status: int | None = None
    retry_after: int | None = None
    error: str | None = None
    details: Mapping[str, Any] | None = None
    output: Output | None = None

    @property
    def due(self) -> datetime | None:
        """The instant before which it is not started; None: it has none of its own."""
        return self.due_at or (self.fire_at if self.scheduled else None)

    @property
    def is_parked(self) -> bool:
        """Whether it waits for more than time: for its turn, or for other runs."""
        return self.clear_at >= AWAITING

    @property
    def is_live(self) -> bool:
        """Whether the run is not over."""
        return self.state in LIVE

    @property
    def is_open(self) -> bool:
        """Whether an executor still has something to do about this row."""
        return self.follow_up or self.state in LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a target's work ended; ``state`` is one of succeeded, failed, timed_out, cancelled.

    ``signal`` is the number of the one that ended a program; a row has it in words, in ``error``.
    ``details`` None: those told before stay.
    ``retry_after`` (s) is for how long the target wants to be left alone.
    """

    state: RunState
    reason: Reason | None = None
    exit_code: int | None = None
    signal: int | None = None
    http_status: int | None = None
    retry_after: int | None = None
    error: str | None = None
    details: Mapping[str, Any] | None = None
    output: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """A change to one row, applied only while the row belongs to ``term`` and its state allows it.

    The allowed present states are ``sources(state)``.  None leaves a field as it is.
    ``lease_s`` sets ``lease_until`` to the store's now plus so many seconds.
    """

    run_id: str
    term: int
    state: RunState
    reason: Reason | None = None
    trigger_id: str | None = None
    executor: str | None = None
    revision: int | None = None
    attempt: int | None = None
    retriggers: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_s: float | None = None
    remote: bool | None = None
    follow_up: bool | None = None
    exit_code: int | None = None
    http_status: int | None = None
    retry_after: int | None = None
    error: str | None = None
    details: Mapping[str, Any] | None = None
    output: Output | None = None

    def merged_with(self, later: RunChange) -> RunChange:
        """Return one change with the effect of this one, then *later*: same row, same term."""
        fields = {
            name: value
            for change in (self, later)
            for name in RunChange.__slots__
            if (value := getattr(change, name)) is not None
        }
        return RunChange(**fields)
