"""What a store answers when a write meets something that stands already.

These are the few judgements that must be the same on every adapter, so none of them
makes its own.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.job import Job
from executor.domain.named import Broken, NamedClash, Stored, Value
from executor.domain.run import Run, RunState
from executor.domain.writes import BrokenJob, JobClash, JobWrite


def judge_write(
    write: JobWrite, standing: Job | BrokenJob | None, name_taken: bool
) -> JobClash | None:
    """Return what a write that changed nothing has met; None if it had been applied before.

    Applied before means that the record is this write's, apart from the progress made since:
    so a write whose answer was lost is repeated with the same answer.

    Args:
        write: The write that changed nothing.
        standing: The record with the job's id now.
        name_taken: Whether another job, not deleted, has the name.
    """
    current = standing if isinstance(standing, Job) else None
    if current is not None:
        progressed = replace(
            write.job, next_fire_at=current.next_fire_at, last_run=current.last_run
        )
        if progressed == current:
            return None
    return JobClash(current, name_taken)


def judge_named(
    written: Stored[Value], standing: Stored[Value] | Broken | None
) -> NamedClash[Value] | None:
    """Return what a write that changed nothing has met; None if it had been applied before."""
    if standing == written:
        return None
    return NamedClash(standing if isinstance(standing, Stored) else None)


def unreadable_run(row: Run, error: str) -> Run:
    """Return what stands in the way of *row* when the record there cannot be read.

    The place is taken, and what became of it nobody knows: that is the meaning of lost.
    """
    return replace(row, state=RunState.LOST, error=error)
