"""Changes of many jobs at once, from the list of jobs.

Rules
-----
1. Each chosen job is one command, as the API would send for it; all of them are sent together, and
   the page says how many were carried out and what the first refusal was.
2. A tag is put into the definition that the job has now: if others change the job meanwhile it is
   read and sent again, as a patch of the API is.
3. Deleting asks once more, on a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Response

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import InvalidJob, JobNotFound, SolocronError
from executor.domain.job import Job, definition_from_document, definition_to_document
from executor.domain.writes import BrokenJob
from executor.ports.store import Readers
from web.changes import PATCH_TRIES, arguments_of
from web.commands import REFUSALS, command
from web.problems import problem_of
from web.sign_in import sentence
from web.ui.frame import Shelf, Visit, led_to, show
from web.ui.jobs import HERE, ROWS

SHELF: Final = Shelf()

#: Most jobs that are changed at once: as many as a page of the list shows.
MOST: Final = ROWS


class _Refused(Exception):
    """No command can be made for a job; the text says why."""


#: Makes the command for a job; None: the job is as it should be.
_Make = Callable[[Visit, Job | BrokenJob], Command | None]


@dataclass(slots=True)
class _Tally:
    """What has come of the commands so far; ``refused`` are lines of job and reason."""

    well: int = 0
    alike: int = 0
    late: int = 0
    refused: list[str] = field(default_factory=list)

    def told(self, done: str, gone: int) -> tuple[str, bool]:
        """Return it in words, and whether it is bad; *gone* jobs were not there."""
        parts = [f"{self.well} job{'s were' if self.well != 1 else ' was'} {done}."]
        if self.alike:
            parts.append(f"{self.alike} needed no change.")
        if self.late:
            parts.append(f"{self.late} accepted, but not answered yet.")
        if gone:
            parts.append(f"{gone} did not exist any more.")
        if self.refused:
            parts.append(f"{len(self.refused)} refused; {self.refused[0]}.")
        return " ".join(parts), bool(self.refused)


def _pause(visit: Visit, job: Job | BrokenJob) -> Command:
    reason = visit.text("reason")[:1_000]
    arguments = {"reason": reason, "by": visit.caller.actor, "until": None}
    return command(visit.call(), CommandKind.PAUSE_JOB, job.id, arguments)


def _resume(visit: Visit, job: Job | BrokenJob) -> Command:
    return command(visit.call(), CommandKind.RESUME_JOB, job.id)


def _delete(visit: Visit, job: Job | BrokenJob) -> Command:
    return command(visit.call(), CommandKind.DELETE_JOB, job.id)


def _tag(visit: Visit, job: Job | BrokenJob) -> Command | None:
    tag = visit.text("tag")
    return _with_tags(visit, job, lambda tags: tags if tag in tags else [*tags, tag])


def _untag(visit: Visit, job: Job | BrokenJob) -> Command | None:
    tag = visit.text("tag")
    return _with_tags(visit, job, lambda tags: [one for one in tags if one != tag])


def _with_tags(
    visit: Visit, job: Job | BrokenJob, changed: Callable[[list[str]], list[str]]
) -> Command | None:
    if isinstance(job, BrokenJob):
        raise _Refused("its record cannot be read")
    document: dict[str, Any] = definition_to_document(job.definition)
    tags = changed(document["tags"])
    if tags == document["tags"]:
        return None
    try:
        definition = definition_from_document({**document, "tags": tags})
    except InvalidJob as error:
        raise _Refused(str(error)) from None
    arguments = arguments_of(definition)
    return command(visit.call(), CommandKind.UPDATE_JOB, job.id, arguments, job.revision)


#: What can be done with many jobs: how each command is made, and how the page says it is done.
BULK: Final[dict[str, tuple[_Make, str]]] = {
    "pause": (_pause, "paused"),
    "resume": (_resume, "resumed"),
    "tag": (_tag, "tagged"),
    "untag": (_untag, "untagged"),
    "delete": (_delete, "deleted"),
}


@SHELF.add("POST", HERE)
def change_many(visit: Visit) -> Response:
    """Pause, resume, tag, untag or delete the chosen jobs."""
    back = _back(visit)
    what, chosen = visit.text("do"), list(dict.fromkeys(visit.form.getlist("job")))[:MOST]
    if what not in BULK or not chosen:
        return led_to(back, "Nothing was chosen.", bad=True)
    if what in {"tag", "untag"} and not visit.text("tag"):
        return led_to(back, "Write the tag first, then press Tag or Untag.", bad=True)
    found, gone = _found(visit.services.readers, chosen)
    if what == "delete" and visit.text("sure") != "yes":
        return show(visit, "ui/sure.html", title="Delete jobs", jobs=found, back=back)
    return led_to(back, *_carried_out(visit, what, found, gone))


def _back(visit: Visit) -> str:
    """Return where the list was that jobs were chosen from."""
    back = visit.text("back")
    return back if back.startswith(f"{HERE}?") else HERE


def _found(readers: Readers, chosen: Sequence[str]) -> tuple[list[Job | BrokenJob], int]:
    """Return those of the jobs that are there, and how many are not."""
    found = []
    for job_id in chosen:
        try:
            found.append(readers.find_job(job_id))
        except JobNotFound:
            continue
    return found, len(chosen) - len(found)


def _carried_out(
    visit: Visit, what: str, jobs: Sequence[Job | BrokenJob], gone: int
) -> tuple[str, bool]:
    """Send a command for each of *jobs*; return what came of them, and whether it is bad."""
    make, done = BULK[what]
    tally, left = _Tally(), list(jobs)
    try:
        for tries_left in reversed(range(PATCH_TRIES)):
            overtaken = _send(visit, make, left, tally, last=not tries_left)
            if not overtaken:
                break
            left, vanished = _found(visit.services.readers, overtaken)
            gone += vanished
    except SolocronError as error:
        return sentence(problem_of(error).detail), True
    return tally.told(done, gone)


def _send(
    visit: Visit, make: _Make, jobs: Sequence[Job | BrokenJob], tally: _Tally, *, last: bool
) -> list[str]:
    """Send a command for each of *jobs* and count what came of it.

    Returns:
        The ids of those that others have changed meanwhile; none if this is the *last* try.
    """
    sent, names = [], []
    for job in jobs:
        try:
            one = make(visit, job)
        except _Refused as refusal:
            tally.refused.append(f"{job.name}: {refusal}")
            continue
        if one is None:
            tally.alike += 1
        else:
            sent.append(one)
            names.append(job.name)
    results = visit.services.sender.send_all(sent, visit.services.command_timeout_s) if sent else []
    overtaken = []
    for asked, name, result in zip(sent, names, results, strict=True):
        if not last and _is_overtaken(result):
            overtaken.append(asked.subject)
        else:
            _count(tally, name, result)
    return overtaken


def _is_overtaken(result: CommandResult | None) -> bool:
    return result is not None and result.status is ResultStatus.PRECONDITION_FAILED


def _count(tally: _Tally, name: str, result: CommandResult | None) -> None:
    if result is None:
        tally.late += 1
    elif result.status in REFUSALS:
        tally.refused.append(f"{name}: {result.message}")
    else:
        tally.well += 1
