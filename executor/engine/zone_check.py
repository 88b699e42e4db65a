"""Next fire times that are none any more, because the rules of a time zone have changed.

Which zone data is in use may differ between two executors: an upgrade, another machine.
So each job's watermark is checked when it is loaded.  One that is no fire time of its
schedule was computed by other rules; it is computed anew, from now on and never
retroactively, logged, and written as a new revision, so that what is shown is what will
be executed.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.instant import TICK, to_text
from executor.domain.job import Job
from executor.domain.schedule import for_job, next_after
from executor.domain.writes import JobWrite
from executor.engine.desk import Call, Desk
from executor.engine.effects import Request, WriteJobs
from executor.engine.roster import Roster


class ZoneCheck:
    """Checks the watermarks of the jobs that a tenure loads."""

    def __init__(self, desk: Desk, roster: Roster, term: int) -> None:
        self._desk = desk
        self._roster = roster
        self._term = term
        self._moved: list[JobWrite] = []
        self._write: Call[WriteJobs] = Call(desk)

    def checked(self, job: Job) -> Job:
        """Return *job* with a watermark that is a fire time by the rules of here and now."""
        if job.definition.schedule is None or job.next_fire_at is None or job.deleted:
            return job
        schedule = for_job(job.definition.schedule, job.id)
        before = job.next_fire_at - TICK
        if next_after(schedule, before) == job.next_fire_at:
            return job
        now = self._desk.now
        found = next_after(schedule, min(before, now))
        self._desk.note(
            "fire_time_moved",
            "a job's next fire time has moved: the rules of its time zone are others now",
            "WARNING",
            job=job.name,
            job_id=job.id,
            was=to_text(job.next_fire_at),
            is_now=None if found is None else to_text(found),
        )
        moved = replace(job, revision=job.revision + 1, updated_at=now, next_fire_at=found)
        self._moved.append(JobWrite(moved, job.revision))
        return replace(job, next_fire_at=found)

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._write.answered(request):
            return False
        assert isinstance(request, WriteJobs)
        assert isinstance(result, list)
        for write, clash in zip(request.writes, result, strict=True):
            if clash is None:
                self._roster.put(write.job)
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
            self._write.send(WriteJobs(tuple(self._moved), self._term))
            self._moved = []
