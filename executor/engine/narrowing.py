"""What a caller whose rights are narrowed to tags may not write into the jobs he can reach.

Scene.job keeps him away from other jobs.  Beyond that a definition could lead out of his reach,
by the tags it loses, by the jobs it would start or watch, and by the secrets it would send
somewhere.  What a job has already, somebody with more rights has put there: it may stay.
"""

from __future__ import annotations

from executor.domain.command import Command, ResultStatus
from executor.domain.errors import BeyondReach, Fault
from executor.domain.filling import secret_places_of_job, secrets_of_job
from executor.domain.job import Definition, Job
from executor.engine.roster import Roster
from executor.engine.scene import RefusalError, Scene, Write


def faults(command: Command, definition: Definition, job: Job | None, scene: Scene) -> list[Fault]:
    """Return what *definition* may not hold, for *job* (None: a new one)."""
    if command.within is None:
        return []
    return [
        *_tag_faults(command, definition),
        *_reference_faults(command, definition, job, scene.roster),
        *_secret_faults(definition, job),
    ]


def check_others(command: Command, job: Job, others: list[Write]) -> None:
    """Refuse a deletion that changes jobs beyond reach as well.

    Raises:
        RefusalError: it names them.
    """
    outside = [
        one.job.name
        for one in others
        if one.former is None or not command.reaches(one.former.definition.tags)
    ]
    if outside:
        raise RefusalError(ResultStatus.CONFLICT, BeyondReach(job.name, outside))


def _tag_faults(command: Command, definition: Definition) -> list[Fault]:
    if command.reaches(definition.tags):
        return []
    tags = " or ".join(map(repr, command.within or ()))
    return [Fault("tags", f"must hold {tags}: your rights extend to such jobs only")]


def _references(definition: Definition) -> dict[str, str]:
    """Return the jobs that *definition* names, each with its field."""
    found = {}
    if definition.after is not None:
        found.update({name: f"after.jobs.{i}" for i, name in enumerate(definition.after.jobs)})
    if definition.on_failure is not None:
        found[definition.on_failure] = "on_failure"
    return found


def _reference_faults(
    command: Command, definition: Definition, job: Job | None, roster: Roster
) -> list[Fault]:
    standing = _references(job.definition) if job is not None else {}
    found = []
    for name, field in _references(definition).items():
        named = roster.find(name)
        if named is None or (job is not None and named.id == job.id) or name in standing:
            continue
        if not command.reaches(named.definition.tags):
            found.append(Fault(field, f"there is no job {name!r} that your rights extend to"))
    return found


def _secret_faults(definition: Definition, job: Job | None) -> list[Fault]:
    standing = secrets_of_job(job.definition) if job else frozenset()
    return [
        Fault(field, f"secret {name!r} may be brought into a job by unnarrowed rights only")
        for field, name in secret_places_of_job(definition)
        if name not in standing
    ]
