"""What a store answers when a write meets something that stands already.

These are the few judgements that must be the same on every adapter, so none of them
makes its own.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.calendar import StoredCalendar
from executor.domain.channel import StoredChannel
from executor.domain.job import Job
from executor.domain.run import Run, RunState
from executor.domain.secret import StoredSecret
from executor.domain.writes import (
    BrokenCalendar,
    BrokenChannel,
    BrokenJob,
    BrokenSecret,
    CalendarClash,
    ChannelClash,
    JobClash,
    JobWrite,
    SecretClash,
)


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


def judge_calendar(
    written: StoredCalendar, standing: StoredCalendar | BrokenCalendar | None
) -> CalendarClash | None:
    """Return what a write that changed nothing has met; None if it had been applied before."""
    if standing == written:
        return None
    return CalendarClash(standing if isinstance(standing, StoredCalendar) else None)


def judge_secret(
    written: StoredSecret, standing: StoredSecret | BrokenSecret | None
) -> SecretClash | None:
    """Return what a write that changed nothing has met; None if it had been applied before."""
    if standing == written:
        return None
    return SecretClash(standing if isinstance(standing, StoredSecret) else None)


def judge_channel(
    written: StoredChannel, standing: StoredChannel | BrokenChannel | None
) -> ChannelClash | None:
    """Return what a write that changed nothing has met; None if it had been applied before."""
    if standing == written:
        return None
    return ChannelClash(standing if isinstance(standing, StoredChannel) else None)


def unreadable_run(row: Run, error: str) -> Run:
    """Return what stands in the way of *row* when the record there cannot be read.

    The place is taken, and what became of it nobody knows: that is the meaning of lost.
    """
    return replace(row, state=RunState.LOST, error=error)
