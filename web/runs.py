"""Runs: list, read, cancel.

Runs outlive their job: those of a deleted job are found by its id.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.command import CommandKind, CommandResult
from executor.domain.errors import JobNotFound
from executor.domain.fields import is_job_id
from executor.ports.store import RunFilter
from web import parameters
from web.commands import carry_out, command
from web.documents import json_response, list_document, run_document
from web.routes import NOTHING, Answer, Call, Table

TABLE: Final = Table()


def runs_answer(call: Call, job_id: str | None) -> Response:
    """Answer with a part of the runs that the query asks for, of one job or of all."""
    query = call.query
    which = RunFilter(
        job_id=job_id,
        state=query["state"],
        cause=query["cause"],
        since=query["from"],
        until=query["to"],
    )
    page = call.services.readers.list_runs(which, query["limit"], query["cursor"])
    return json_response(list_document(map(run_document, page.items), page.next))


@TABLE.add(
    "GET",
    "/v1/runs",
    summary="List runs",
    tag="runs",
    query=(parameters.JOB, *parameters.RUN_FILTERS),
    answers={HTTPStatus.OK: Answer(schema="Runs", description="Runs, newest first.")},
)
def list_runs(call: Call) -> Response:
    """Answer with a part of the history of all jobs, or of the one asked for."""
    job = call.query["job"]
    return runs_answer(call, None if job is None else job_id_of(call, job))


def job_id_of(call: Call, job: str) -> str:
    """Return the id of *job* (name or id); that of a deleted job is taken as it is.

    Raises:
        JobNotFound: it is no id, and no job has this name.
    """
    try:
        return call.services.readers.find_job(job).id
    except JobNotFound:
        # A deleted job has no name any more, but its runs keep its id.
        if is_job_id(job):
            return job
        raise


@TABLE.add(
    "GET",
    "/v1/runs/{run}",
    summary="Read a run",
    tag="runs",
    answers={HTTPStatus.OK: Answer(schema="Run", description="The run.")},
)
def get_run(call: Call) -> Response:
    """Answer with one run."""
    return json_response(run_document(call.services.readers.get_run(call.path["run"])))


@TABLE.add(
    "POST",
    "/v1/runs/{run}/cancel",
    summary="Cancel a run",
    description="The run shows `cancelling` until its work has ended; 409 when it is over already.",
    tag="runs",
    body=NOTHING,
    writes=True,
    repeatable=True,
    answers={HTTPStatus.OK: Answer(schema="Run", description="The run as it is now.")},
)
def cancel_run(call: Call) -> Response:
    """Ask the executor to end a run early."""
    run = call.services.readers.get_run(call.path["run"])
    asked = command(call, CommandKind.CANCEL_RUN, run.id, {"job_id": run.job_id})
    return carry_out(call, asked, lambda result: _show(call, result, run.id))


def _show(call: Call, result: CommandResult, run_id: str) -> Response:
    return json_response(run_document(call.services.readers.get_run(result.run_id or run_id)))
