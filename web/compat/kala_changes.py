"""Kala's writes: make, delete, disable, enable and start jobs.

All of them are commands, as everywhere.  Jobs of lovego's fork differ for its clients: 200 where
Kala says 204, and one that has run is only marked as deleted unless the client insists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import RunNotFound, StoreUnavailable
from executor.domain.fields import is_name
from executor.domain.identity import job_id
from executor.domain.job import (
    Definition,
    Job,
    definition_from_document,
    definition_to_document,
)
from executor.domain.writes import BrokenJob
from executor.ports.store import Readers, RunFilter
from web.changes import PATCH_TRIES, arguments_of, check_target
from web.commands import check_refusal, command, send
from web.compat.kala_history import history_of
from web.compat.kala_jobs import LABEL, Making, document_of, id_of, is_forks, unique_name
from web.compat.kala_reading import all_jobs, found_job, kala_response, no_such_job, without_slash
from web.compat.kala_requests import KalaJob
from web.problems import Problem
from web.routes import Call

#: Seconds that a start waits for the run, and what follows it, to end.  Kala waits for ever;
#: routers of platforms give up after 30 s.
LONGEST_S: Final = 25.0

#: Seconds between two looks at a run that was started: at first, and at most.
_PAUSE_S: Final = (0.05, 1.0)

#: Commands that are sent together.
_AT_ONCE: Final = 500

#: Runs that are looked at for those that follow another one.
_RECENT: Final = 1_000

_DELETED: Final = f"{LABEL}deleted"


def create(call: Call) -> Response:
    """Make a job; one without a schedule is run at once.  Lovego: with an id, change it."""
    job: KalaJob = call.document
    if without_slash(call) and job.id:
        return _redefine(call, job)
    result, made = _create(call, job, second=False)
    if result is not None and result.status is ResultStatus.CONFLICT:
        # Names may be the same there.
        result, made = _create(call, job, second=True)
    if result is None:
        return kala_response({"id": id_of(made)}, HTTPStatus.ACCEPTED)
    _check(result)
    return kala_response({"id": id_of(made)}, HTTPStatus.CREATED)


def _create(call: Call, job: KalaJob, *, second: bool) -> tuple[CommandResult | None, str]:
    """Ask for a job, by the name that its maker wishes or, *second*, by one of its own."""
    asked = command(call, CommandKind.CREATE_JOB, "", part="second" if second else "")
    made = job_id(asked.id)
    definition = _definition(call, job, made, unique_name(job.name, made) if second else job.name)
    asked = replace(asked, subject=definition.name, arguments=arguments_of(definition))
    if job.disabled or job.schedule or job.parent_jobs:
        return send(call, asked), made
    # After the job, in the same queue: it is there when its first run is asked for.
    first = command(call, CommandKind.TRIGGER_JOB, made, part="first run" + " again" * second)
    timeout_s = call.services.command_timeout_s
    result, _ = call.services.sender.send_all([asked, first], timeout_s)
    return result, made


def _definition(call: Call, job: KalaJob, made: str, name: str) -> Definition:
    """Return the definition of *job*, by another name if it cannot have this one."""
    tags = call.within if call.within is not None and len(call.within) == 1 else ()
    making = Making(job_id=made, name=name, tags=tags, forks=without_slash(call))
    if not is_name(name):
        making = replace(making, name=unique_name(name, made))
    definition = definition_from_document(document_of(job, making))
    check_target(call, definition)
    return definition


def _redefine(call: Call, job: KalaJob) -> Response:
    """Give a job the definition that was sent; what Kala does not know stays."""
    named = replace(call, path={"job": job.id})
    found = found_job(named)

    def changed(present: Job) -> Definition:
        standing = definition_to_document(present.definition)
        making = Making(job_id=present.id, name=present.name, forks=is_forks(present))
        made = document_of(job, making)
        labels = {
            name: text for name, text in standing["labels"].items() if not name.startswith(LABEL)
        }
        definition = definition_from_document(
            {
                **standing,
                "schedule": None,
                "after": None,
                "on_failure": None,
                **made,
                "tags": standing["tags"],
                "labels": {**labels, **made["labels"]},
            }
        )
        check_target(named, definition)
        return definition

    _change(call, found.id, changed)
    return kala_response({"id": id_of(found.id)}, HTTPStatus.CREATED)


def disable(call: Call) -> Response:
    """Switch a job off."""
    job = found_job(call)
    _change(call, job.id, lambda present: replace(present.definition, enabled=False))
    return _done(call, job)


def enable(call: Call) -> Response:
    """Switch a job on, also one that rests or is marked as deleted."""
    job = found_job(call)

    def enabled(present: Job) -> Definition:
        labels = {
            name: text for name, text in present.definition.labels.items() if name != _DELETED
        }
        return replace(present.definition, enabled=True, labels=labels)

    _change(call, job.id, enabled)
    if job.paused is not None:
        _check(send(call, command(call, CommandKind.RESUME_JOB, job.id, part="resume")))
    return _done(call, job)


def delete(call: Call) -> Response:
    """Delete a job, and the children that would never run any more."""
    job = found_job(call)
    if _is_lovegos(call, job):
        history = history_of(call.services.readers, job.id)
        if history.is_running:
            raise Problem(HTTPStatus.CONFLICT, "running job can not delete")
        if history.stats and not call.query["force"]:
            _change(call, job.id, _marked)
            return _done(call, job)
    _check(send(call, command(call, CommandKind.DELETE_JOB, job.id)))
    return _done(call, job)


def _marked(job: Job) -> Definition:
    labels = {**job.definition.labels, _DELETED: "true"}
    return replace(job.definition, enabled=False, labels=labels)


def delete_all(call: Call) -> Response:
    """Delete every job, whoever made it."""
    jobs = list(all_jobs(call.services.readers))
    for begin in range(0, len(jobs), _AT_ONCE):
        asked = [
            command(call, CommandKind.DELETE_JOB, job.id) for job in jobs[begin : begin + _AT_ONCE]
        ]
        timeout_s = call.services.command_timeout_s
        for result in call.services.sender.send_all(asked, timeout_s):
            # What is not there has gone with its parent.
            if result is None or result.status is not ResultStatus.NOT_FOUND:
                _check(result)
    return Response(status=HTTPStatus.NO_CONTENT)


def start(call: Call) -> Response:
    """Run a job now; answered when the run and all that follows it have ended.

    A run that takes long goes on after the answer.  A disabled job is not run.
    """
    job = found_job(call)
    if not job.is_active(call.services.clock.now()):
        return _done(call, job)
    asked = command(call, CommandKind.TRIGGER_JOB, job.id)
    result = send(call, asked)
    _check(result)
    if result is not None and result.run_id:
        _await(call, result.run_id)
    return _done(call, job)


def _await(call: Call, run_id: str) -> None:
    """Let time pass until the run is over, with its repetitions and followers."""
    services = call.services
    place = services.followers.take_place()
    if place is None:
        return  # so many wait already that others could not be served
    with place:
        begun, pause = services.clock.monotonic(), _PAUSE_S[0]
        while not _is_over(services.readers, run_id):
            if services.clock.monotonic() - begun >= LONGEST_S or services.followers.rest(pause):
                return
            pause = min(pause * 1.5, _PAUSE_S[1])


def _is_over(readers: Readers, run_id: str) -> bool:
    """Whether a run, and whatever followed it, is over; what the store does not tell is not."""
    try:
        first = readers.get_run(run_id)
        if first.is_live or first.follow_up:
            return False
        page = readers.list_runs(RunFilter(since=first.created_at), _RECENT, None)
    except RunNotFound:
        return True
    except StoreUnavailable:
        return False
    family = {run_id}
    for run in sorted(page.items, key=lambda one: one.created_at):
        if run.parent_run_id in family:
            family.add(run.id)
            if run.is_open:
                return False
    return True


# Commands ---------------------------------------------------------------------------------


def _change(call: Call, key: str, changed: Callable[[Job], Definition]) -> None:
    """Give a job another definition, made of its present one, unless that is the same."""
    result: CommandResult | None = None
    for _ in range(PATCH_TRIES):
        job = call.services.readers.find_job(key)
        if isinstance(job, BrokenJob):
            raise Problem(HTTPStatus.CONFLICT, "the record of the job cannot be read")
        definition = changed(job)
        if definition == job.definition:
            return
        asked = _update(call, job, definition)
        result = send(call, asked)
        if result is None or result.status is not ResultStatus.PRECONDITION_FAILED:
            break
    _check(result)


def _update(call: Call, job: Job, definition: Definition) -> Command:
    arguments = arguments_of(definition)
    part = str(job.revision)
    return command(call, CommandKind.UPDATE_JOB, job.id, arguments, job.revision, part=part)


def _check(result: CommandResult | None) -> None:
    """Go on only if the change is made.

    Raises:
        Problem: it was refused, in the executor's words; or 202, nobody has answered in time.
    """
    if result is None:
        raise Problem(
            HTTPStatus.ACCEPTED,
            "the change is accepted and will be made, but was not answered in time; look again",
        )
    if result.status is ResultStatus.NOT_FOUND:
        raise no_such_job()
    check_refusal(result)


def _is_lovegos(call: Call, job: Job) -> bool:
    """Whether *job* is to behave as in lovego's fork: it is one of its jobs, and its client."""
    return without_slash(call) and is_forks(job)


def _done(call: Call, job: Job) -> Response:
    if _is_lovegos(call, job):
        return kala_response({})
    return Response(status=HTTPStatus.NO_CONTENT)
