"""The history of jobs as Kala keeps it: one stat for each finished run, and counts of attempts.

Here every attempt is a run of its own.  Those of one chain are one run there: it begins with the
first attempt, ends with the last, and has succeeded if that has.  What was skipped, or cancelled
before it began, is none.  Only runs that are still kept (see ``keep_runs``) count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Cause, Run, RunState
from executor.domain.schedule import for_job, next_after
from executor.ports.store import Readers, RunFilter
from web.compat.kala_jobs import NEVER, id_of
from web.compat.lists import all_runs

#: Runs that are looked at for one answer, the newest: a third of a second's work.
MOST_RUNS: Final = 10_000

_REPEATS: Final = frozenset({Cause.RETRY, Cause.RETRIGGER})

#: States of a run whose work is going on.
_RUNNING: Final = frozenset({RunState.RUNNING, RunState.CANCELLING})

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Stat:
    """One run as Kala counts them: a chain of attempts, the last of which is ``final``."""

    final: Run
    began: datetime

    @property
    def ended(self) -> datetime:
        """When the last attempt was over."""
        return self.final.finished_at or self.began

    def document(self) -> dict[str, Any]:
        """Return it in Kala's shape."""
        return {
            "job_id": id_of(self.final.job_id),
            "ran_at": to_text(self.began),
            "number_of_retries": self.final.attempt - 1,
            "success": self.final.state is RunState.SUCCEEDED,
            "execution_duration": (self.ended - self.began) // _MICROSECOND * 1000,
        }

    def additions(self, response: str) -> dict[str, Any]:
        """Return what lovego's fork tells besides: *response* is what the target said."""
        return {
            "duration": f"{(self.ended - self.began).total_seconds():g}s",
            "finish_at": to_text(self.ended),
            "error": self.final.error or "",
            "response": response,
        }


@dataclass(slots=True)
class History:
    """What is known of the runs of one job; ``stats`` are the newest first."""

    stats: list[Stat] = field(default_factory=list)
    successes: int = 0
    errors: int = 0
    last_success: datetime | None = None
    last_error: datetime | None = None
    last_attempt: datetime | None = None
    last_fire: datetime | None = None
    is_running: bool = False
    _is_live: bool = False
    _chains: dict[str, Stat] = field(default_factory=dict)
    _going_on: set[str] = field(default_factory=set)

    def add(self, run: Run) -> None:
        """Count *run*, which is older than all others so far."""
        self.is_running = self.is_running or run.state in _RUNNING
        self._is_live = self._is_live or run.is_live
        if run.scheduled and run.fire_at is not None:
            self.last_fire = max(run.fire_at, self.last_fire or run.fire_at)
        before = run.parent_run_id if run.cause in _REPEATS else None
        if run.is_live and before is not None:
            self._going_on.add(before)
        if run.started_at is None:
            return
        self.last_attempt = self.last_attempt or run.started_at
        if run.is_live:
            return
        if run.state is RunState.SUCCEEDED:
            self.successes += 1
            self.last_success = self.last_success or run.finished_at
        else:
            self.errors += 1
            self.last_error = self.last_error or run.finished_at
        self._add_to_chain(run, run.started_at, before)

    def _add_to_chain(self, run: Run, began: datetime, before: str | None) -> None:
        tried_again = run.follow_up and run.state is not RunState.SUCCEEDED
        if run.id in self._going_on or tried_again:
            # It is tried again at the moment: Kala's run has not ended.
            if before is not None:
                self._going_on.add(before)
            return
        stat = self._chains.pop(run.id, None)
        if stat is None:
            stat = Stat(run, began)
            self.stats.append(stat)
        stat.began = began
        if before is not None:
            self._chains[before] = stat

    def metadata(self) -> dict[str, Any]:
        """Return the counts in Kala's shape."""
        return {
            "success_count": self.successes,
            "last_success": text_of(self.last_success),
            "error_count": self.errors,
            "last_error": text_of(self.last_error),
            "last_attempted_run": text_of(self.last_attempt),
            "number_of_finished_runs": len(self.stats),
        }

    def next_fire(self, job: Job) -> datetime | None:
        """Return the first slot of *job* that has no row yet; None if there is none.

        The watermark of a job stays at its last slot, and is a moment late at any other.
        """
        due, schedule = job.next_fire_at, job.definition.schedule
        latest = self.last_fire
        if latest is None and job.last_run is not None:
            # The rows are too old to be looked at, or removed.
            latest = job.last_run.finished_at
        if schedule is None:
            return None
        if due is None or latest is None or latest < due:
            return due
        return next_after(for_job(schedule, job.id), latest)

    def next_run_at(self, job: Job) -> str:
        """Return when *job* is due next; of one that is no more, when it was due last."""
        return text_of(self.next_fire(job) or self.last_fire)

    def is_done(self, job: Job) -> bool:
        """Whether *job* will not run any more by itself: it has, and no time is left."""
        definition = job.definition
        if definition.is_continuous or self._is_live or self.next_fire(job) is not None:
            return False
        return definition.schedule is not None or bool(self.stats) or job.last_run is not None


def text_of(instant: datetime | None) -> str:
    """Write *instant*; Go's zero for what never was."""
    return NEVER if instant is None else to_text(instant)


def history_of(readers: Readers, job_id: str) -> History:
    """Return the history of one job."""
    return histories(readers, RunFilter(job_id=job_id)).get(job_id, History())


def histories(readers: Readers, which: RunFilter) -> dict[str, History]:
    """Return the histories of jobs, by id, as far as their runs are among the newest."""
    found: dict[str, History] = {}
    for run in islice(all_runs(readers, which), MOST_RUNS):
        found.setdefault(run.job_id, History()).add(run)
    return found
