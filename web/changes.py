"""Changing jobs: create, replace, patch, delete, pause, resume, trigger.

Documents are checked here, so that a person learns of every fault at once and without
an executor; whether a sound change is possible is the executor's to say.

What GET shows may be edited and PUT back: the service's own fields are ignored there.
Everywhere else they are unknown fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from flask import Response
from pydantic import ConfigDict, Field

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import Fault, InvalidJob, JobNotFound
from executor.domain.fields import Text, is_job_id
from executor.domain.instant import to_text
from executor.domain.job import (
    READ_ONLY,
    Definition,
    Job,
    definition_from_document,
    definition_to_document,
)
from web.bodies import JSON, Instant, object_reader
from web.commands import Show, answer, applied, carry_out, command, send
from web.conditions import if_match
from web.documents import json_response, run_document
from web.jobs import found_job, shown, sound_job
from web.problems import Problem, unprocessable
from web.routes import NOTHING, Answer, Body, Call, Table

TABLE: Final = Table()

MERGE_PATCH: Final = "application/merge-patch+json"

#: How often a patch without If-Match is applied again to a job that others change
#: at the same moment; each time one of them has succeeded.
PATCH_TRIES: Final = 5

_CREATED: Final = Answer(schema="Job", description="Created.", headers=("Location", "ETag"))
_CHANGED: Final = Answer(schema="Job", description="The job as it is now.", headers=("ETag",))


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest:
    """Why a job is to rest, who says so, and until when; null means until it is resumed."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(max_length=1_000)] = ""
    by: Annotated[Text, Field(max_length=200)] = ""
    until: Instant | None = None


@TABLE.add(
    "POST",
    "/v1/jobs",
    summary="Create a job",
    description="409 when the name is taken.",
    tag="jobs",
    body=Body(schema="Definition", read=definition_from_document),
    writes=True,
    repeatable=True,
    answers={HTTPStatus.CREATED: _CREATED},
)
def create_job(call: Call) -> Response:
    """Ask for a new job."""
    definition: Definition = call.document
    check_target(call, definition)
    asked = command(call, CommandKind.CREATE_JOB, definition.name, arguments_of(definition))
    return carry_out(call, asked, job_shower(call))


@TABLE.add(
    "PUT",
    "/v1/jobs/{job}",
    summary="Create or replace a job",
    description="By name: creates the job, or replaces the whole of its definition.  By id: "
    "replaces it, and may rename it.  Fields that only the service sets are ignored.",
    tag="jobs",
    body=Body(schema="Replacement", read=dict),
    writes=True,
    conditional=True,
    answers={HTTPStatus.OK: _CHANGED, HTTPStatus.CREATED: _CREATED},
)
def put_job(call: Call) -> Response:
    """Ask for a job to be as given, whether it exists or not."""
    key = call.path["job"]
    document = {name: value for name, value in call.document.items() if name not in READ_ONLY}
    if is_job_id(key):
        kind, subject = CommandKind.UPDATE_JOB, found_job(call).id
    else:
        kind, subject = CommandKind.PUT_JOB, key
        if document.setdefault("name", key) != key:
            raise unprocessable(
                [Fault("name", "differs from the name in the address; rename a job by its id")]
            )
    definition = definition_from_document(document)
    check_target(call, definition)
    asked = command(call, kind, subject, arguments_of(definition), if_match(call))
    return carry_out(call, asked, job_shower(call))


@TABLE.add(
    "PATCH",
    "/v1/jobs/{job}",
    summary="Change parts of a job",
    description="JSON merge patch (RFC 7396) over the definition; null resets a field.",
    tag="jobs",
    body=Body(schema="Patch", read=dict, media_types=(JSON, MERGE_PATCH)),
    writes=True,
    conditional=True,
    answers={HTTPStatus.OK: _CHANGED},
)
def patch_job(call: Call) -> Response:
    """Ask for a job to be changed in part; two patches at one time both take effect."""
    expected = if_match(call)
    return carry_out_anew(call, lambda: _patched(call, expected), job_shower(call), expected)


def carry_out_anew(
    call: Call,
    make: Callable[[], Command],
    show: Show,
    expected: int | None = None,
    send: Callable[[Call, Command], CommandResult | None] = send,
) -> Response:
    """Send the command that *make* makes of the job as it is, and answer by its result.

    When others have changed the job in between it is made and sent anew, unless the caller
    *expected* a revision.  *send* is for who has to send more with it.

    Raises:
        Problem: 409, that happens too often; or the executor refused.
    """
    for _ in range(PATCH_TRIES):
        asked = make()
        result = send(call, asked)
        overtaken = result is not None and result.status is ResultStatus.PRECONDITION_FAILED
        if not overtaken or expected is not None:
            return answer(asked, result, show)
    detail = "others keep changing this job at the same moment; try again"
    raise Problem(HTTPStatus.CONFLICT, detail)


def _patched(call: Call, expected: int | None) -> Command:
    """Return the command that applies the patch to the job as it is now."""
    job = sound_job(call)
    document = merge(definition_to_document(job.definition), call.document)
    definition = definition_from_document(document)
    check_target(call, definition)
    revision = job.revision if expected is None else expected
    return command(call, CommandKind.UPDATE_JOB, job.id, arguments_of(definition), revision)


def merge(target: Any, patch: Any) -> Any:
    """Return *target* changed by the merge patch *patch*; neither is touched.

    Source: RFC 7396, section 2.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


@TABLE.add(
    "DELETE",
    "/v1/jobs/{job}",
    summary="Delete a job",
    description="Its runs stay until retention removes them.",
    tag="jobs",
    writes=True,
    conditional=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Deleted.")},
)
def delete_job(call: Call) -> Response:
    """Ask for a job to be deleted."""
    asked = command(call, CommandKind.DELETE_JOB, found_job(call).id, if_revision=if_match(call))
    return carry_out(call, asked, lambda result: Response(status=HTTPStatus.NO_CONTENT))


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/pause",
    summary="Pause a job",
    description="Meanwhile no run starts that comes due by the schedule, by which the misfire "
    "policy decides when the pause is over, or by the end of other jobs, of which the record "
    "says `paused`.  What belongs to a run from before goes on: its retries, its repetition "
    "after a loss, slots that are being caught up.  A trigger and a backfill run.  What waits "
    "for its turn by then keeps its place.",
    tag="jobs",
    body=Body(schema="PauseRequest", read=object_reader(PauseRequest), required=False),
    writes=True,
    conditional=True,
    repeatable=True,
    answers={HTTPStatus.OK: _CHANGED},
)
def pause_job(call: Call) -> Response:
    """Ask for a job to rest."""
    pause: PauseRequest = call.document
    if pause.until is not None and pause.until <= call.services.clock.now():
        raise unprocessable([Fault("until", "lies in the past; leave it out or write a later one")])
    arguments = {
        "reason": pause.reason,
        "by": pause.by,
        "until": None if pause.until is None else to_text(pause.until),
    }
    asked = command(call, CommandKind.PAUSE_JOB, found_job(call).id, arguments, if_match(call))
    return carry_out(call, asked, job_shower(call))


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/resume",
    summary="Resume a job",
    description="The job's misfire policy decides about the slots of the pause.",
    tag="jobs",
    body=NOTHING,
    writes=True,
    conditional=True,
    repeatable=True,
    answers={HTTPStatus.OK: _CHANGED},
)
def resume_job(call: Call) -> Response:
    """Ask for a job's pause to end."""
    asked = command(call, CommandKind.RESUME_JOB, found_job(call).id, if_revision=if_match(call))
    return carry_out(call, asked, job_shower(call))


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/trigger",
    summary="Run a job now",
    description="409 with the reason when a policy of the job refuses it.",
    tag="jobs",
    body=NOTHING,
    writes=True,
    conditional=True,
    repeatable=True,
    answers={
        HTTPStatus.CREATED: Answer(schema="Run", description="The run.", headers=("Location",))
    },
)
def trigger_job(call: Call) -> Response:
    """Ask for a run of a job, beside its schedule."""
    asked = command(call, CommandKind.TRIGGER_JOB, found_job(call).id, if_revision=if_match(call))
    return carry_out(call, asked, lambda result: _show_run(call, result))


def check_target(call: Call, definition: Definition) -> None:
    """Refuse a target that this instance does not permit, unless the job has it already.

    The executor has the last word.  But where nothing is set, it depends on who can reach an
    instance whether it permits programs, and it is this one that was reached.

    Raises:
        InvalidJob: with the faults of the target.
    """
    if faults := target_faults(call, definition, call.path.get("job")):
        raise InvalidJob(faults)


def target_faults(call: Call, definition: Definition, job: str | None) -> list[Fault]:
    """Return why this instance does not permit the target, unless *job* has it already.

    Args:
        job: id or name of the job that is to be so, if there is one; None: there is none.
    """
    faults = call.services.permitted.faults(definition.target)
    if not faults or job is None:
        return faults
    try:
        standing = call.services.readers.find_job(job)
    except JobNotFound:
        return faults
    has_it = isinstance(standing, Job) and standing.definition.target == definition.target
    return [] if has_it else faults


def arguments_of(definition: Definition) -> dict[str, Any]:
    """Return the arguments of a command that makes a job as *definition* says."""
    return {"definition": definition_to_document(definition)}


def job_shower(call: Call) -> Show:
    """Return what answers a command about a job with the job as it is now."""

    def show(result: CommandResult) -> Response:
        job = call.services.readers.find_job(result.job_id or "")
        response = json_response(shown(call, job))
        return applied(response, result, f"/v1/jobs/{job.id}")

    return show


def _show_run(call: Call, result: CommandResult) -> Response:
    run = call.services.readers.get_run(result.run_id or "")
    response = json_response(run_document(run), HTTPStatus.CREATED)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return response
