"""What a job will do next, as things stand: the fire times that people are shown.

One answer for every place that shows one, and the one that the engine carries out:

* a disabled job runs nothing on schedule, nor does one that is paused without an end;
* a pause that ends hides the slots before its end.  That instant belongs to it no more: a
  slot at it is run;
* of a job that is active the next fire time is its watermark, also while it is overdue.

Left out: what the misfire policy makes of slots that a pause has hidden, and calendars.
"""

from __future__ import annotations

from datetime import datetime

from executor.domain.instant import TICK
from executor.domain.job import Job
from executor.domain.schedule import for_job, next_after


def runs_after(job: Job, now: datetime) -> datetime | None:
    """Return after which instant (*now*, or later) slots of *job* will be run; None: none will."""
    if not job.definition.enabled:
        return None
    if job.paused is None or not job.is_paused(now):
        return now
    return job.paused.until and job.paused.until - TICK


def next_fire_time(job: Job, now: datetime) -> datetime | None:
    """Return the slot of *job* that is run next as things stand *now*; None if there is none."""
    after, mark = runs_after(job, now), job.next_fire_at
    if after is None or mark is None or mark > after or not job.is_paused(now):
        return None if after is None else mark
    schedule = job.definition.schedule
    # What has a watermark has a schedule, unless its record was damaged.
    return None if schedule is None else next_after(for_job(schedule, job.id), after)
