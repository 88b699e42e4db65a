"""Commands that change a job: each makes a new revision, or says why not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.errors import Fault, InvalidInput, InvalidJob, NameTaken, NotWatched
from executor.domain.filling import secret_places_of_job
from executor.domain.identity import job_id
from executor.domain.instant import TICK, from_text
from executor.domain.job import Definition, Job, LastCommand, Pause, definition_from_document
from executor.domain.replacement import replace
from executor.domain.schedule import creation_faults, for_job, next_after
from executor.domain.targets import CommandTarget
from executor.domain.watch import is_watched, new_key
from executor.domain.writes import BrokenJob
from executor.engine import narrowing
from executor.engine.scene import Answer, Decision, RefusalError, Scene, Write, result_of


def create(command: Command, scene: Scene) -> Write:
    """Make a job."""
    now = scene.desk.now
    own_id = job_id(command.id)
    document = command.arguments.get("definition")
    definition = _definition(command, document, scene, own_id, None)
    job = Job(
        id=own_id,
        definition=definition,
        revision=1,
        created_at=now,
        updated_at=now,
        next_fire_at=first_slot(definition, own_id, _beginning(command, now)),
        last_command=LastCommand.of(command),
        ping_key=_ping_key(command, definition, own_id),
    )
    return Write(job, None, result_of(command, now, ResultStatus.CREATED, job))


def put(command: Command, scene: Scene) -> Decision:
    """Make a job, or give the one of that name another definition."""
    is_new = scene.roster.find(command.subject) is None and scene.damaged(command) is None
    if is_new and command.if_revision is None:
        return create(command, scene)
    return update(command, scene)


def update(command: Command, scene: Scene) -> Write:
    """Give a job another definition; one whose record cannot be read is mended by that."""
    broken = scene.damaged(command)
    if broken is not None:
        return _mend(command, scene, broken)
    return redefine(command, command.arguments.get("definition"), scene, scene.job(command))


def _mend(command: Command, scene: Scene, broken: BrokenJob) -> Write:
    """Write a job anew over a record that cannot be read: from now on, never retroactively."""
    document = command.arguments.get("definition")
    definition = _definition(command, document, scene, broken.id, None)
    first = first_slot(definition, broken.id, _beginning(command, scene.desk.now))
    return _over(command, scene, broken, _anew(scene, broken, definition, next_fire_at=first))


def _anew(scene: Scene, broken: BrokenJob, definition: Definition, **facts: Any) -> Job:
    now = scene.desk.now
    return Job(
        id=broken.id,
        definition=definition,
        revision=broken.revision + 1,
        created_at=now,
        updated_at=now,
        **facts,
    )


def _over(command: Command, scene: Scene, broken: BrokenJob, job: Job) -> Write:
    """Return the write of *job* over what cannot be read, of which no revision can be kept."""
    key = _ping_key(command, job.definition, job.id)
    job = replace(job, last_command=LastCommand.of(command), ping_key=key)
    result = result_of(command, scene.desk.now, ResultStatus.DONE, job)
    return Write(job, broken.revision, result)


def redefine(command: Command, document: object, scene: Scene, job: Job) -> Write:
    """Give *job* the definition in *document*, which *command* brings."""
    definition = _definition(command, document, scene, job.id, job)
    key = job.ping_key or _ping_key(command, definition, job.id)
    changed = replace(job, definition=definition, ping_key=key)
    if definition.schedule != job.definition.schedule:
        # From now on, never retroactively, but for what its sender counts as due by it.
        first = first_slot(definition, job.id, _beginning(command, scene.desk.now))
        changed = replace(changed, next_fire_at=first)
    return revise(command, scene, job, changed)


def _ping_key(command: Command, definition: Definition, own_id: str) -> str:
    """Return the key of a job that is watched from now on; it keeps it whatever it becomes."""
    made = is_watched(definition.target) and command.nonce
    return new_key(command.nonce, own_id) if made else ""


def rotate_ping(command: Command, scene: Scene) -> Write:
    """Give a watched job another key; pings with the former one are not known any more."""
    job = scene.job(command)
    key = _ping_key(command, job.definition, job.id)
    if not key:
        raise RefusalError(ResultStatus.CONFLICT, NotWatched(job.name))
    return revise(command, scene, job, replace(job, ping_key=key))


def delete(command: Command, scene: Scene) -> Decision:
    """Remove a job, and what depends on it alone; see ``graph``."""
    broken = scene.damaged(command)
    if broken is not None:
        # Whatever it was; nobody reads the definition of a job that is gone.
        remains = Definition(name=broken.name, target=CommandTarget(argv=("true",)))
        return _over(command, scene, broken, _anew(scene, broken, remains, deleted=True))
    job = scene.job(command)
    now = scene.desk.now
    write = revise(command, scene, job, replace(job, deleted=True, next_fire_at=None))
    others = []
    for former, changed in scene.roster.graph.without(job):
        # Not recognised by this command: it is done when its own job is gone.
        changed = replace(
            changed,
            revision=former.revision + 1,
            updated_at=now,
            last_command=LastCommand.beside(command),
        )
        if not changed.deleted:
            changed = replace(changed, next_fire_at=scene.roster.settled_until(former))
        forward = not changed.deleted
        others.append(Write(changed, former.revision, write.result, former, forward))
    narrowing.check_others(command, job, others)
    return replace(write, first=tuple(others))


def pause(command: Command, scene: Scene) -> Decision:
    """Let a job rest."""
    job = scene.job(command)
    until = command.arguments.get("until")
    try:
        ends = None if until is None else from_text(str(until))
    except ValueError as error:
        fault = InvalidInput([Fault("until", str(error))])
        raise RefusalError(ResultStatus.INVALID, fault) from None
    resting = Pause(
        since=scene.desk.now,
        reason=str(command.arguments.get("reason") or ""),
        by=str(command.arguments.get("by") or ""),
        until=ends,
    )
    return revise(command, scene, job, replace(job, paused=resting))


def resume(command: Command, scene: Scene) -> Decision:
    """End the rest of a job."""
    job = scene.job(command)
    if job.paused is None:
        return Answer(result_of(command, scene.desk.now, ResultStatus.DONE, job))
    return revise(command, scene, job, replace(job, paused=None))


def _definition(
    command: Command, document: object, scene: Scene, own_id: str, job: Job | None
) -> Definition:
    """Return the definition in *document* for *job* (None: for a new one).

    Raises:
        RefusalError: it is not one, its name is taken, or it does not fit the other jobs.
    """
    try:
        definition = definition_from_document(document)
    except InvalidJob as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    holder = scene.roster.find(definition.name)
    if holder is not None and holder.id != own_id and holder.name == definition.name:
        raise RefusalError(ResultStatus.CONFLICT, NameTaken(definition.name))
    faults = [
        *_permission_faults(definition, job, scene),
        *_schedule_faults(command, definition, job, scene.desk.now),
        *scene.roster.graph.faults(definition, own_id),
        *_calendar_faults(definition, scene),
        *scene.admission.vault.faults(secret_places_of_job(definition)),
        *_channel_faults(definition, scene),
        *_renaming_faults(definition, job, scene),
        *narrowing.faults(command, definition, job, scene),
    ]
    if faults:
        raise RefusalError(ResultStatus.INVALID, InvalidJob(faults))
    return definition


def _permission_faults(definition: Definition, job: Job | None, scene: Scene) -> list[Fault]:
    # What was saved before may be kept: whoever may run nothing can still be disabled.
    if job is not None and job.definition.target == definition.target:
        return []
    return scene.permitted.faults(definition.target)


def _schedule_faults(
    command: Command, definition: Definition, job: Job | None, now: datetime
) -> Iterable[Fault]:
    schedule = definition.schedule
    if command.kind is CommandKind.DECLARE_JOB:
        # What lay ahead when the code was written may be past when it is read.
        return ()
    if schedule is None or (job is not None and job.definition.schedule == schedule):
        return ()
    if command.arguments.get("begun"):
        # A document that was kept somewhere: its schedule was judged when somebody first set it.
        return ()
    return [fault.under("schedule") for fault in creation_faults(schedule, now)]


def _calendar_faults(definition: Definition, scene: Scene) -> list[Fault]:
    known = scene.admission.blackouts.calendars
    return [
        Fault(f"calendars.{index}.name", f"there is no calendar {use.name!r}")
        for index, use in enumerate(definition.calendars)
        if known.value(use.name) is None
    ]


def _channel_faults(definition: Definition, scene: Scene) -> list[Fault]:
    missing = scene.admission.channels.missing(rule.channel for rule in definition.notify)
    return [
        Fault(
            f"notify.{index}.channel",
            f"there is no channel {rule.channel!r}; PUT /v1/channels/{rule.channel} makes it",
        )
        for index, rule in enumerate(definition.notify)
        if rule.channel in missing
    ]


def _renaming_faults(definition: Definition, job: Job | None, scene: Scene) -> list[Fault]:
    if job is None or definition.name == job.name:
        return []
    naming = [one.name for one in scene.roster.graph.naming(job) if _by_name(one, job.name)]
    if not naming:
        return []
    return [Fault("name", f"other jobs name it: {', '.join(naming)}; change these first")]


def _by_name(one: Job, name: str) -> bool:
    after = one.definition.after
    return one.definition.on_failure == name or (after is not None and name in after.jobs)


def _beginning(command: Command, now: datetime) -> datetime:
    """Return the instant after which the slots of a new schedule count: *now* or, said so, before.

    What has passed by *now* is caught up by the job's misfire policy.
    """
    since = command.arguments.get("since")
    if since is None:
        return now
    try:
        return min(now, from_text(str(since)) - TICK)
    except (ValueError, OverflowError) as error:
        fault = InvalidInput([Fault("since", str(error))])
        raise RefusalError(ResultStatus.INVALID, fault) from None


def first_slot(definition: Definition, own_id: str, now: datetime) -> datetime | None:
    """Return the first slot of a schedule that begins *now*."""
    if definition.schedule is None:
        return None
    return next_after(for_job(definition.schedule, own_id), now)


def revise(command: Command, scene: Scene, job: Job, changed: Job) -> Write:
    """Return what makes *job* what it is in *changed*, as its next revision."""
    now = scene.desk.now
    forward = not changed.deleted and changed.definition.schedule == job.definition.schedule
    if forward:
        changed = replace(changed, next_fire_at=scene.roster.settled_until(job))
    changed = replace(
        changed, revision=job.revision + 1, updated_at=now, last_command=LastCommand.of(command)
    )
    result = result_of(command, now, ResultStatus.DONE, changed)
    return Write(changed, job.revision, result, job, forward)
