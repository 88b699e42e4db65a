"""Slots and schedules as readers show them: what every adapter does in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import UNREADABLE
from executor.domain.run import Run
from executor.domain.schedule import Schedule, for_job, schedule_from_document
from executor.domain.schedule_fields import NO_JITTER
from executor.ports.readers import ScheduleCount

#: Rows from an instant on among which the one that accounts for it is looked for.  Between a
#: slot and the row that stands for it lie only slots that were claimed ahead of time before
#: the gap: those of a second or two.
NEAREST: Final = 100


def accounting_for(instant: datetime, rows: Iterable[Run]) -> Run | None:
    """Return the first of *rows*, slots from *instant* on in order, that accounts for it."""
    for row in rows:
        since = row.fire_at if row.covers_from is None else row.covers_from
        if since is not None and since <= instant:
            return row
    return None


def counted(found: Iterable[tuple[Mapping[str, Any], str | None, int]]) -> list[ScheduleCount]:
    """Add up schedules.

    Args:
        found: documents of schedules, the job's id where the text looks as if starts depended
            on it, and how many jobs there are.  What cannot be read is left out.
    """
    counts: Counter[tuple[Schedule, str | None]] = Counter()
    for document, job_id, number in found:
        try:
            schedule = schedule_from_document(document)
        except UNREADABLE:
            continue
        if job_id is None or not (schedule.hashed or schedule.jitter != NO_JITTER):
            counts[schedule, None] += number
        else:
            counts[for_job(schedule, job_id), job_id] += number
    return [ScheduleCount(schedule, jobs, job_id) for (schedule, job_id), jobs in counts.items()]
