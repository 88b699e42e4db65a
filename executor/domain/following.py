"""What the end of a run demands: that it be repeated, or that other jobs run.

Pure, and asked twice: when a run ends (is there a demand to remember with its end?) and
when the demand is met, perhaps by another executor hours later.  Then the jobs as they
are by that time decide.

Rules
-----
1. A run that certainly never started, because its executor was cut off, is repeated.
2. One that is lost, or was stopped with its executor, may have done its work or a part of
   it.  It is repeated as often as the job's ``retrigger`` says.
3. One that failed, timed out, or is lost with nothing left of ``retrigger``, is tried again
   as the job's ``retry`` says.  If the target said for how long it wants to be left alone, no
   attempt is due earlier; it cannot keep one away for longer than an hour.  None begins
   after ``retry.window``, whatever holds it up: a blackout, a lock, another executor.
4. A continuous job is not repeated: it is started again whatever became of its run.
5. A run that somebody cancelled is not repeated.  A repetition that may not start, because
   another run of the job is in progress or it is too late, is not tried again: it ends its
   chain without success, as a failure.
6. An end after which nothing is repeated is *final*: dependents and the failure handler
   follow it, in the order in which those jobs were created.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from executor.domain.identity import fraction
from executor.domain.instant import truncate
from executor.domain.job import Definition, Job
from executor.domain.policies import Retry
from executor.domain.run import Cause, Reason, Run, RunState

#: Cancelled because of their executor, not because somebody wanted it.
_CUT_SHORT: Final = frozenset({Reason.SHUTDOWN, Reason.SUPERSEDED})

#: Ends that are nobody's success.
_FAILURES: Final = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})

#: Runs that repeat another one, which was no success.
_REPETITIONS: Final = frozenset({Cause.RETRY, Cause.RETRIGGER})

#: The longest that a target can put its next attempt off.  Common limits are counted by the
#: minute or the hour; what says "tomorrow" would silence a job for as long as it likes.
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)

#: Doubling a delay oftener than this exceeds every limit.
_DOUBLINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Repeat:
    """The run is to be repeated because of ``cause``, not before ``due_at`` (None: at once)."""

    cause: Cause
    due_at: datetime | None = None


def repeat_of(run: Run, job: Job) -> Repeat | None:
    """Return how *run*, which is over, is to be repeated; None if its end is final."""
    if not job.definition.enabled or job.deleted or run.reason is Reason.REQUESTED:
        return None
    if job.definition.is_continuous:
        return None
    cut_short = run.state is RunState.CANCELLED and run.reason in _CUT_SHORT
    if run.state is RunState.LOST or cut_short:
        never_started = run.reason is Reason.SUPERSEDED and run.started_at is None
        if never_started or run.retriggers < job.definition.retrigger:
            return Repeat(Cause.RETRIGGER)
    due_at = _next_attempt(run, job.definition.retry)
    return None if due_at is None else Repeat(Cause.RETRY, due_at)


def _next_attempt(run: Run, retry: Retry) -> datetime | None:
    tried_again = run.attempt - 1 - run.retriggers
    if tried_again >= retry.attempts or run.state not in retry.on or run.finished_at is None:
        return None
    if run.state is RunState.FAILED and not _is_worth_it(run, retry):
        return None
    delay = retry.delay
    if retry.backoff == "exponential":
        delay = min(delay * 2 ** min(tried_again, _DOUBLINGS), retry.max_delay)
    delay *= 1 - retry.jitter * fraction("retry", run.id)
    if run.retry_after is not None:
        delay = max(delay, min(timedelta(seconds=run.retry_after), LONGEST_RETRY_AFTER))
    due_at = truncate(run.finished_at + delay)
    return due_at if is_within(run, retry, due_at) else None


def is_within(run: Run, retry: Retry, instant: datetime) -> bool:
    """Whether another attempt in the chain of *run* may begin at *instant*, as to its window."""
    return retry.window is None or instant <= begin_of(run) + retry.window


def _is_worth_it(run: Run, retry: Retry) -> bool:
    if retry.exit_codes and run.exit_code is not None:
        return run.exit_code in retry.exit_codes
    if retry.statuses and run.http_status is not None:
        status = str(run.http_status)
        return status in retry.statuses or f"{status[0]}xx" in retry.statuses
    # What has neither an exit code nor a status did not come so far: no list speaks of it.
    return True


def begin_of(run: Run) -> datetime:
    """Return when the first attempt of the run's chain was due, or asked for."""
    return run.fire_at or run.since or run.created_at


def starts(run: Run, child: Job) -> bool:
    """Whether the final end of *run* is one that *child* runs after."""
    after = child.definition.after
    if after is None or child.deleted or not child.definition.enabled:
        return False
    if after.when == "success":
        return run.state is RunState.SUCCEEDED
    return failed(run) or (after.when == "finished" and run.state is not RunState.SKIPPED)


def failed(run: Run) -> bool:
    """Whether the final end of *run* is one for its job's failure handler."""
    return run.state in _FAILURES or (run.state is RunState.SKIPPED and run.cause in _REPETITIONS)


def too_late(run: Run, definition: Definition, now: datetime) -> Reason | None:
    """Return why *run* may not start any more, having waited so long; None if it still may."""
    start_timeout = definition.start_timeout
    if start_timeout is not None and now - (run.due or run.created_at) > start_timeout:
        return Reason.START_TIMEOUT
    if run.cause is Cause.RETRY and not is_within(run, definition.retry, now):
        return Reason.RETRY_WINDOW
    return None
