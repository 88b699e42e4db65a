"""Which jobs name which others: as parents (``after``) and as failure handlers.

References are what the user wrote, names or ids; they are resolved when they are used.

Rules, for what is saved
------------------------
1. A job names only jobs that exist, and no circle comes about.
2. A job that others name keeps its name.
3. When a job is deleted, those that name it lose it.  One that could then never run any
   more by itself, because it ran after that job alone and has no schedule, is deleted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from executor.domain.dependency import find_cycle
from executor.domain.errors import Fault
from executor.domain.job import Definition, Job

_NOBODY: Final[frozenset[str]] = frozenset()


def _named(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield each reference with the path of its field."""
    for index, subject in enumerate(definition.after.jobs if definition.after else ()):
        yield f"after.jobs.{index}", subject
    if definition.on_failure is not None:
        yield "on_failure", definition.on_failure


class JobGraph:
    """The references among the jobs of one tenure."""

    def __init__(self, find: Callable[[str], Job | None]) -> None:
        self._find = find
        self._naming: dict[str, set[str]] = {}
        self._named: dict[str, tuple[str, ...]] = {}

    def put(self, job: Job) -> None:
        """Take in the references of a job, instead of those it had."""
        for subject in self._named.pop(job.id, ()):
            self._naming[subject].discard(job.id)
            if not self._naming[subject]:
                del self._naming[subject]
        subjects = () if job.deleted else tuple(name for _, name in _named(job.definition))
        if subjects:
            self._named[job.id] = subjects
        for subject in subjects:
            self._naming.setdefault(subject, set()).add(job.id)

    def naming(self, job: Job) -> list[Job]:
        """Return the jobs that name *job*, in the order in which they were created."""
        ids = self._naming.get(job.id, _NOBODY) | self._naming.get(job.name, _NOBODY)
        if not ids:
            return []
        found = [one for one in map(self._find, ids) if one is not None]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def dependents(self, job: Job) -> list[Job]:
        """Return the jobs that run after *job*, in the order in which they were created."""
        return [one for one in self.naming(job) if _runs_after(one, job)]

    def faults(self, definition: Definition, own_id: str) -> list[Fault]:
        """Return what is wrong with the references of a job that is to be saved."""
        faults = [
            Fault(path, f"there is no job {subject!r}")
            for path, subject in _named(definition)
            if self._find(subject) is None and subject != definition.name
        ]
        return faults or self._circle(definition, own_id)

    def _circle(self, definition: Definition, own_id: str) -> list[Fault]:
        def resolved(subject: str) -> str | None:
            if subject == definition.name:
                return own_id
            job = self._find(subject)
            return None if job is None else job.id

        def dependencies(job_id: str) -> Iterator[str]:
            job = self._find(job_id)
            mine = definition if job_id == own_id else job.definition if job else None
            for subject in mine.after.jobs if mine and mine.after else ():
                if (parent := resolved(subject)) is not None:
                    yield parent
            if job is not None:
                for other in self.naming(job):
                    handler = other.definition.on_failure
                    if other.id != own_id and handler is not None and resolved(handler) == job_id:
                        yield other.id
            handler = definition.on_failure
            if handler is not None and resolved(handler) == job_id:
                yield own_id

        way = find_cycle(own_id, dependencies)
        if not way:
            return []
        names = [
            definition.name if one == own_id else job.name if (job := self._find(one)) else one
            for one in reversed(way)
        ]
        field = "after.jobs" if definition.after else "on_failure"
        return [Fault(field, f"makes a circle: {' -> '.join(names)}")]

    def without(self, gone: Job) -> Iterator[tuple[Job, Job]]:
        """Yield what the deletion of *gone* does to others, as pairs of a job and what it becomes.

        Those that are deleted with it come before those that they were named by are reached.
        """
        doomed, changed = {gone.id: gone}, dict[str, Job]()
        to_look_at = [gone]
        while to_look_at:
            lost = to_look_at.pop()
            for job in self.naming(lost):
                if job.id in doomed:
                    continue
                rest = _without(changed.get(job.id, job), lost)
                if rest.definition.after is None and not _can_run(rest, job):
                    doomed[job.id] = job
                    changed[job.id] = replace(job, deleted=True, next_fire_at=None)
                    to_look_at.append(job)
                else:
                    changed[job.id] = rest
        for job_id, job in changed.items():
            former = self._find(job_id)
            if former is not None:
                yield former, job


def _runs_after(child: Job, parent: Job) -> bool:
    after = child.definition.after
    return after is not None and (parent.name in after.jobs or parent.id in after.jobs)


def _can_run(rest: Job, job: Job) -> bool:
    """Whether a job that runs after nothing any more has not lived by that alone."""
    return job.definition.after is None or rest.definition.schedule is not None


def _without(job: Job, lost: Job) -> Job:
    definition = job.definition
    subjects = {lost.id, lost.name}
    if definition.on_failure in subjects:
        definition = replace(definition, on_failure=None)
    after = definition.after
    if after is not None:
        left = tuple(subject for subject in after.jobs if subject not in subjects)
        definition = replace(definition, after=replace(after, jobs=left) if left else None)
    return replace(job, definition=definition)
