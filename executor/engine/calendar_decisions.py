"""Commands that change a calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from executor.domain.calendar import StoredCalendar, calendar_from_document
from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import (
    CalendarInUse,
    CalendarNotFound,
    Fault,
    InvalidCalendar,
    RevisionConflict,
)
from executor.domain.job import LastCommand
from executor.domain.writes import BrokenCalendar
from executor.engine.scene import (
    Answer,
    Decision,
    RefusalError,
    Scene,
    WriteCalendar,
    answered,
    implied,
)

#: Jobs that are named when a calendar in use is to be deleted.
_NAMED = 5


def put_calendar(command: Command, scene: Scene) -> Decision:
    """Make a calendar, or give the one of that name another definition."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    try:
        calendar = calendar_from_document(command.arguments.get("calendar"))
    except InvalidCalendar as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    if calendar.name != command.subject:
        fault = Fault("name", f"is not the addressed calendar's, {command.subject!r}")
        raise RefusalError(ResultStatus.INVALID, InvalidCalendar([fault]))
    return _write(
        command,
        scene,
        standing,
        StoredCalendar(calendar=calendar, revision=1, updated_at=scene.desk.now),
    )


def delete_calendar(command: Command, scene: Scene) -> Decision:
    """Remove a calendar that no job uses."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    if not isinstance(standing, StoredCalendar) or standing.deleted:
        raise RefusalError(ResultStatus.NOT_FOUND, CalendarNotFound(command.subject))
    users = [
        job.name
        for job in map(scene.roster.get, scene.roster.ids())
        if job is not None and any(use.name == standing.name for use in job.definition.calendars)
    ]
    if users:
        raise RefusalError(
            ResultStatus.CONFLICT, CalendarInUse(standing.name, sorted(users)[:_NAMED], len(users))
        )
    return _write(command, scene, standing, replace(standing, deleted=True))


def decide_calendar_again(
    command: Command, scene: Scene, current: StoredCalendar | None
) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if current is not None:
        scene.admission.blackouts.put(current)
    decide = put_calendar if "calendar" in command.arguments else delete_calendar
    return decide(command, scene)


def implied_calendar_result(calendar: StoredCalendar, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = calendar.last_command
    if made is None:
        return None
    return implied(made, calendar.revision, now, facts={"calendar": calendar.name})


def _standing(command: Command, scene: Scene) -> StoredCalendar | BrokenCalendar | None:
    standing = scene.admission.blackouts.record(command.subject)
    revision = standing.revision if standing else 0
    if command.if_revision is not None and command.if_revision != revision:
        conflict = RevisionConflict(command.subject, command.if_revision, revision, "calendar")
        if _repeated(command, standing, scene.desk.now) is None:
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return standing


def _repeated(
    command: Command, standing: StoredCalendar | BrokenCalendar | None, now: datetime
) -> Answer | None:
    """Return the answer to a command that has made the present revision already."""
    if not isinstance(standing, StoredCalendar):
        return None
    return answered(command, implied_calendar_result(standing, now), now)


def _write(
    command: Command,
    scene: Scene,
    standing: StoredCalendar | BrokenCalendar | None,
    calendar: StoredCalendar,
) -> WriteCalendar:
    now = scene.desk.now
    expect = standing.revision if standing else None
    written = replace(
        calendar,
        revision=(expect or 0) + 1,
        updated_at=now,
        last_command=LastCommand.of(command),
    )
    result = implied_calendar_result(written, now)
    assert result is not None
    former = standing if isinstance(standing, StoredCalendar) else None
    return WriteCalendar(written, expect, result, former)
