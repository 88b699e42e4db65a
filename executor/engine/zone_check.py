"""Next fire times that are none any more, because the rules of a time zone have changed.

Which zone data is in use may differ between two executors: an upgrade, another machine.
So each job's watermark is checked when it is loaded, whatever the versions say.  One that
is not the next fire time by the rules of here and now was computed by others; it is
computed anew, logged, and written as a new revision, so that what is shown is what will
be executed.

1. A watermark in the past stays if it is a fire time; the misfire policy decides about it.
2. One that lies ahead has to be the first fire time from now on.  A slot before it that
   only the new rules know is run, too.
3. Never retroactively: what a former executor has decided, or was about to, stays decided.
   That reaches somewhat beyond its last clearance, by its own clock, which may have been
   ahead of this one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from executor.domain.instant import TICK, to_text
from executor.domain.job import Job
from executor.domain.schedule import for_job, next_after
from executor.domain.term import TermRecord
from executor.domain.writes import JobClash, JobWrite
from executor.engine.desk import Call, Desk
from executor.engine.roster import Roster
from executor.engine.store_requests import Request, WriteJobs
from executor.engine.timing import ADOPT_ROWS, CLAIM_AHEAD_S, TRUST_S

#: So far beyond its last clearance an executor may have claimed slots, and accounted for them: it
#: claims on the strength of that clearance, and ahead.
_CLAIMED_BEYOND = timedelta(seconds=TRUST_S + CLAIM_AHEAD_S)


class ZoneCheck:
    """Checks the watermarks of the jobs that a tenure loads."""

    def __init__(self, desk: Desk, roster: Roster, record: TermRecord) -> None:
        self._desk = desk
        self._roster = roster
        self._term = record.term
        self._tzdata = record.tzdata
        self._former_tzdata = record.previous[0].tzdata if record.previous else ""
        cleared = (former.cleared_until for former in record.previous)
        self._cleared = max(filter(None, cleared), default=None)
        self._moved: list[JobWrite] = []
        self._write: Call[WriteJobs] = Call(desk)
        if self._former_tzdata not in {"", self._tzdata}:
            desk.note(
                "tzdata_changed",
                "the time zone data is another than the former executor's",
                was=self._former_tzdata,
                is_now=self._tzdata,
            )

    def checked(self, job: Job) -> Job:
        """Return *job* with a watermark that is right by the rules of here and now."""
        if job.definition.schedule is None or job.next_fire_at is None or job.deleted:
            return job
        schedule = for_job(job.definition.schedule, job.id)
        found = next_after(schedule, min(job.next_fire_at - TICK, self._decided_until(job)))
        if found == job.next_fire_at:
            return job
        self._desk.note(
            "fire_time_moved",
            "a job's next fire time has moved: the rules of its time zone are others now",
            "WARNING",
            job=job.name,
            job_id=job.id,
            was=to_text(job.next_fire_at),
            is_now=None if found is None else to_text(found),
            tzdata=self._tzdata,
            former_tzdata=self._former_tzdata,
        )
        moved = replace(
            job, revision=job.revision + 1, updated_at=self._desk.now, next_fire_at=found
        )
        self._moved.append(JobWrite(moved, job.revision))
        return replace(job, next_fire_at=found)

    def _decided_until(self, job: Job) -> datetime:
        """Return up to when nothing of *job* is decided anew."""
        since = max(self._desk.now, job.updated_at)
        return since if self._cleared is None else max(since, self._cleared + _CLAIMED_BEYOND)

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._write.answered(request):
            return False
        assert isinstance(request, WriteJobs)
        assert isinstance(result, list)
        for write, clash in zip(request.writes, result, strict=True):
            current = clash.current if isinstance(clash, JobClash) else None
            if clash is None:
                self._roster.put(write.job)
            elif current and current.definition.schedule == write.job.definition.schedule:
                # Something else was changed in between, which kept the later watermark.
                self.checked(current)
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._write.failed(request)

    def advance(self, trusted: bool) -> None:
        """Write what has moved, while the term may be taken for the newest."""
        if not trusted:
            return
        self._write.advance()
        if self._moved and self._write.idle:
            some, self._moved = self._moved[:ADOPT_ROWS], self._moved[ADOPT_ROWS:]
            self._write.send(WriteJobs(tuple(some), self._term))
