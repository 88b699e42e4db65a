"""What a form means, told while it is written: when the job fires, what is wrong, how it is written
elsewhere.

The same functions as behind the API's preview, over what the form says so far.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from executor.domain.errors import Fault, InvalidInput, InvalidSchedule
from executor.domain.job import Job, definition_from_document
from executor.domain.preview import ScheduleWarning, upcoming, warnings
from executor.domain.schedule import Schedule, for_job, schedule_from_document
from executor.domain.yaml_text import to_yaml
from web.documents import etag
from web.services import Services
from web.ui.definition import policies, schedule_words, target_words
from web.ui.written import Document, Texts, Written

#: Fire times that are shown.
_TIMES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is told about a form.

    Attributes:
        words: the schedule in plain English, with whose clock it is read on; empty if it is none.
        times: its next fire times, in UTC and on the schedule's own clock.
        told: what holds for the runs, if the definition is sound: questions and answers.
        faults: what is wrong, by the name of the control beside which it is shown; what belongs to
            none is under the empty name.
        views: the definition as others write it: a title, and the text.
    """

    words: str = ""
    times: Sequence[tuple[datetime, datetime]] = ()
    warnings: Sequence[ScheduleWarning] = ()
    told: Sequence[tuple[str, str]] = ()
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    views: Sequence[tuple[str, str]] = ()


def reading(
    services: Services, draft: Written, job: Job | None, host: str, only: Texts | None = None
) -> Reading:
    """Tell what *draft* means.

    Args:
        job: the one that is edited, None if it is yet to be made.
        host: the address of this service.
        only: if given, faults of controls that are empty in it are not told: somebody has only
            begun to write.
    """
    faults = draft.faults + [
        Fault(draft.control_of(fault.field), _message(draft, fault))
        for fault in _faults(services, draft, job)
    ]
    schedule = _schedule(draft.document)
    now = services.clock.now()
    is_new = job is None or job.definition.schedule != schedule
    timed = for_job(schedule, job.id) if schedule and job else schedule
    return Reading(
        words=schedule_words(timed) if timed else "",
        times=upcoming(timed, now, _TIMES) if timed else (),
        warnings=_warnings(timed, now, is_new=is_new),
        told=_told(draft.document),
        faults=by_control(faults, only),
        views=_views(draft.document, job, host, guarded=services.entrance.guarded),
    )


def by_control(faults: Sequence[Fault], only: Texts | None = None) -> dict[str, list[str]]:
    """Return the messages of *faults* by the names of their controls, each once."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        is_told = only is None or not fault.field or only.get(fault.field, "").strip()
        lines = found.setdefault(fault.field, []) if is_told else []
        if fault.message not in lines:
            lines.append(fault.message)
    return found


def placed(draft: Written, faults: Sequence[Fault]) -> list[Fault]:
    """Return *faults* of a document as faults of controls."""
    return [Fault(draft.control_of(one.field), _message(draft, one)) for one in faults]


def _message(draft: Written, fault: Fault) -> str:
    """Return what is said of *fault*, with its path where the control does not say it."""
    name = draft.control_of(fault.field)
    if name and draft.places.get(fault.field) == name:
        return fault.message
    return f"`{fault.field}`: {fault.message}" if fault.field else fault.message


def _faults(services: Services, draft: Written, job: Job | None) -> Sequence[Fault]:
    unread = {fault.field for fault in draft.faults}
    try:
        definition = definition_from_document(draft.document)
    except InvalidInput as error:
        return [one for one in error.faults if draft.control_of(one.field) not in unread]
    if job is not None and job.definition.target == definition.target:
        return []
    return services.permitted.faults(definition.target)


def _schedule(document: Document) -> Schedule | None:
    found = document.get("schedule")
    if found is None:
        return None
    try:
        return schedule_from_document(found)
    except InvalidSchedule:
        return None


def _warnings(schedule: Schedule | None, now: datetime, *, is_new: bool) -> list[ScheduleWarning]:
    if schedule is None:
        return []
    found = {one.code: one for one in reversed(warnings(schedule, now))}
    # What is said to somebody who is about to set a schedule does not concern one that stands.
    quiet = frozenset() if is_new else frozenset({"refused", "full_hour"})
    return [one for code, one in reversed(found.items()) if code not in quiet]


def _told(document: Document) -> list[tuple[str, str]]:
    try:
        definition = definition_from_document(document)
    except InvalidInput:
        return []
    return [("Runs", target_words(definition.target)), *policies(definition)]


def _views(
    document: Mapping[str, Any], job: Job | None, host: str, *, guarded: bool
) -> list[tuple[str, str]]:
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    return [
        ("As JSON", text),
        ("As YAML", to_yaml([dict(document)])),
        ("As curl", _curl(text, job, host, guarded=guarded)),
    ]


def _curl(text: str, job: Job | None, host: str, *, guarded: bool) -> str:
    """Return a command that does what saving does; for any POSIX shell."""
    what = "" if job is None else f" -X PUT -H 'If-Match: {etag(job.revision)}'"
    address = f"{host}/v1/jobs" if job is None else f"{host}/v1/jobs/{job.id}"
    who = ' -H "Authorization: Bearer $SOLOCRON_TOKEN"' if guarded else ""
    # No line of JSON text is the end mark alone, and within it nothing means anything to a shell.
    return (
        f"curl{what} {address} \\\n"
        f"  -H 'Content-Type: application/json'{who} \\\n"
        f"  --data-binary @- <<'END'\n{text}\nEND"
    )
