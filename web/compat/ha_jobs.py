"""The face of ha-jobs: ``/jobs`` and what its clients look for below.

Every job is a job type, whether it has ever run or not.  A job is started by its policies: while a
run is unfinished 409 shows the way to it.  To cancel a type ends all its runs, wherever they are.
"""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from flask import Response

from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.errors import JobNotFound, RunNotFound
from executor.domain.run import Run, RunState
from executor.ports.store import RunFilter
from web.commands import answer, command, send
from web.compat.foreign import Foreign
from web.compat.ha_jobs_words import (
    STATES,
    as_run_id,
    cron_of,
    job_status,
    status_path,
)
from web.compat.lists import all_jobs, all_runs
from web.documents import json_response
from web.jobs import found_job
from web.parameters import DEFAULT_LIMIT, limit
from web.problems import Problem
from web.routes import Answer, Call, Table
from web.schema_parts import INSTANT, STRING, Schema, enum, object_of, or_null, ref

TABLE: Final = Table()

#: Name of the schema of its refusals, and of its short answers.
RESULT: Final = "HaResult"

#: Runs in a list, unless asked for otherwise.
USUAL: Final = 20

#: Of every route of this face.
_OURS: Final[dict[str, Any]] = {"tag": "ha-jobs", "lenient": True, "refusal": RESULT}

#: The states in which a run is in the way of another, or can be cancelled.
_UNFINISHED: Final = (RunState.RUNNING, RunState.CANCELLING, RunState.PENDING)

_RUNNING: Final = "The job's already running"

_STATES: Final = ("WARNING", "NO_ACTION_NEEDED", *(state for state, _ in STATES.values()))


@TABLE.add(
    "GET",
    "/jobs",
    summary="List all jobs by name (ha-jobs)",
    answers={HTTPStatus.OK: Answer(schema="HaJobTypes", description="The names.")},
    **_OURS,
)
def list_job_types(call: Call) -> Response:
    """Answer with the name of every job."""
    return json_response({"jobTypes": [job.name for job in all_jobs(call.services.readers)]})


@TABLE.add(
    "GET",
    "/jobs/{job}",
    summary="The newest runs of a job (ha-jobs)",
    query=(limit(USUAL),),
    answers={HTTPStatus.OK: Answer(schema="HaJobs", description="Newest first.")},
    **_OURS,
)
def list_job_statuses(call: Call) -> Response:
    """Answer with the history of a job, its cron expression, and where its latest run is."""
    job = found_job(call)
    runs = _newest(call, job.id, call.query["limit"])
    return json_response(
        {
            "jobs": [job_status(run, job.name, content=False) for run in runs],
            "cron": cron_of(job),
            "latest": status_path(job.name, runs[0].id) if runs else None,
        }
    )


@TABLE.add(
    "POST",
    "/jobs/{job}",
    summary="Run a job now (ha-jobs)",
    description="409 with the place of the run that is in the way.",
    writes=True,
    repeatable=True,
    answers={
        HTTPStatus.CREATED: Answer(schema=RESULT, description="Started.", headers=("Location",))
    },
    **_OURS,
)
def start_job_type(call: Call) -> Response:
    """Ask for a run of a job."""
    job = found_job(call)
    asked = command(call, CommandKind.TRIGGER_JOB, job.id)
    result = send(call, asked)
    if result is not None and result.status is ResultStatus.CONFLICT:
        raise _refused(call, job.id, job.name, result)

    def show(result: CommandResult) -> Response:
        response = json_response({"status": "OK"}, HTTPStatus.CREATED)
        response.headers["Location"] = status_path(job.name, result.run_id or "")
        return response

    return answer(asked, result, show)


def _refused(call: Call, job_id: str, job: str, result: CommandResult) -> Problem:
    """Return the refusal of a start, with the run that is in the way, if it is the job's own."""
    running = next(iter(_live_runs(call, job_id)), None)
    if running is None:
        return Problem(HTTPStatus.CONFLICT, result.message)
    location = {"Location": status_path(job, running.id)}
    return Problem(HTTPStatus.CONFLICT, _RUNNING, headers=location)


def _live_runs(call: Call, job_id: str) -> list[Run]:
    """Return the unfinished runs of a job, those that go on already first."""
    filters = [RunFilter(job_id=job_id, state=state) for state in _UNFINISHED]
    return [run for which in filters for run in all_runs(call.services.readers, which)]


def _newest(call: Call, job_id: str, count: int) -> list[Run]:
    """Return the newest runs of a job, without those that were skipped: they are none there."""
    part = max(count, DEFAULT_LIMIT)
    runs = all_runs(call.services.readers, RunFilter(job_id=job_id), part)
    return list(islice((run for run in runs if run.state is not RunState.SKIPPED), count))


@TABLE.add(
    "DELETE",
    "/jobs/{job}",
    summary="Cancel the runs of a job (ha-jobs)",
    description="All of them that are unfinished; nothing is a success too.  The job stays.",
    writes=True,
    answers={
        HTTPStatus.OK: Answer(schema=RESULT, description="They are being ended."),
        HTTPStatus.ACCEPTED: Answer(schema=RESULT, description="Not all of it is known to be so."),
        HTTPStatus.INTERNAL_SERVER_ERROR: Answer(schema=RESULT, description="No such job."),
    },
    **_OURS,
)
def cancel_job_type(call: Call) -> Response:
    """Ask for the end of every run of a job."""
    try:
        job = found_job(call)
    except JobNotFound:
        # Its clients know this status for it, odd as it is.
        words = f"Error when canceling job. JobType {call.path['job']} is unknown"
        raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, words) from None
    asked = [
        command(call, CommandKind.CANCEL_RUN, run.id, {"job_id": job.id})
        for run in _live_runs(call, job.id)
    ]
    results = call.services.sender.send_all(asked, call.services.command_timeout_s) if asked else []
    if None in results:
        words = "accepted; not all runs are known to be ended"
        return json_response({"status": "OK", "message": words}, HTTPStatus.ACCEPTED)
    return json_response({"status": "OK"})


@TABLE.add(
    "GET",
    "/jobs/{job}/latest",
    summary="Where the latest run of a job is (ha-jobs)",
    answers={
        HTTPStatus.TEMPORARY_REDIRECT: Answer(
            schema=None, description="There.", headers=("Location",)
        )
    },
    **_OURS,
)
def find_latest_status(call: Call) -> Response:
    """Answer with the address of the newest run."""
    job = found_job(call)
    runs = _newest(call, job.id, 1)
    if not runs:
        raise Problem(HTTPStatus.NOT_FOUND, f"job {job.name!r} has not run yet")
    return _elsewhere(status_path(job.name, runs[0].id))


@TABLE.add(
    "GET",
    "/jobs/{job}/{run}",
    summary="The status of a run (ha-jobs)",
    answers={HTTPStatus.OK: Answer(schema="HaJobStatus", description="With what it told.")},
    **_OURS,
)
def get_job_status(call: Call) -> Response:
    """Answer with one run of a job."""
    job = found_job(call)
    run = call.services.readers.get_run(as_run_id(call.path["run"]))
    if run.job_id != job.id:
        raise RunNotFound(call.path["run"])
    return json_response(job_status(run, job.name, content=True))


@TABLE.add(
    "GET",
    "/jobsOverview",
    summary="The page for people (ha-jobs)",
    answers={
        HTTPStatus.TEMPORARY_REDIRECT: Answer(
            schema=None, description="There.", headers=("Location",)
        )
    },
    **_OURS,
)
def show_overview(call: Call) -> Response:
    """Lead to the service's own page."""
    return _elsewhere("/")


def _elsewhere(address: str) -> Response:
    return Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": address})


def refuse(problem: Problem) -> Response:
    """Write *problem* as its clients expect it: ``KO`` and why."""
    return json_response({"status": "KO", "message": problem.detail}, problem.status)


_STATUS: Final[dict[str, Schema]] = {
    "triggerId": {**STRING, "description": "The same for a run and its repetitions."},
    "jobType": {**STRING, "description": "The job's name."},
    "jobId": {**STRING, "description": "The run."},
    "jobState": enum(*sorted(set(_STATES))),
    "jobResult": enum(*sorted({result for _, result in STATES.values()})),
    "jobStatusTs": INSTANT,
}

_SCHEMAS: Final[dict[str, Schema]] = {
    RESULT: {
        "type": "object",
        "properties": {"status": enum("OK", "KO"), "message": STRING},
        "required": ["status"],
        "additionalProperties": False,
    },
    "HaJobTypes": object_of({"jobTypes": {"type": "array", "items": STRING}}),
    "HaJobStatus": {
        **object_of(_STATUS, "A run in the words of ha-jobs."),
        "properties": {
            **_STATUS,
            "content": {"type": "object", "description": "What the run told of itself."},
            "startTime": INSTANT,
            "duration": {**STRING, "examples": ["10 minutes"]},
        },
    },
    "HaJobs": object_of(
        {
            "jobs": {"type": "array", "items": ref("HaJobStatus")},
            "cron": or_null(STRING),
            "latest": or_null(STRING),
        }
    ),
}

FACE: Final = Foreign(place="/jobs", tables=(TABLE,), refuse=refuse, schemas=_SCHEMAS)
