"""Reading jobs: the list, one job, its runs.

A job is addressed by id or by name.  A record that cannot be read is shown as
``broken`` with the reason, and never hides the others.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.access import Scope
from executor.domain.job import Job
from executor.domain.watch import address_of, is_watched
from executor.domain.writes import BrokenJob
from executor.ports.store import JobFilter
from web import parameters
from web.documents import etag, job_document, json_response, list_document
from web.problems import Problem
from web.routes import Answer, Call, Table
from web.runs import runs_answer

TABLE: Final = Table()


def found_job(call: Call) -> Job | BrokenJob:
    """Return the job that the path names.

    Raises:
        JobNotFound: there is none.
    """
    return call.services.readers.find_job(call.path["job"])


def shown(call: Call, job: Job | BrokenJob) -> dict[str, Any]:
    """Return the API's form of *job*, with what only those may see who may write it."""
    url = None
    if isinstance(job, Job) and is_watched(job.definition.target) and job.ping_key:
        tags = call.caller.tags([Scope.JOBS_WRITE])
        may_write = call.caller.has(Scope.JOBS_WRITE) and (
            tags is None or not set(tags).isdisjoint(job.definition.tags)
        )
        url = address_of(call.services.url, job.ping_key) if may_write else None
    return job_document(job, call.services.clock.now(), url)


def sound_job(call: Call) -> Job:
    """Return the job that the path names, if its record can be read.

    Raises:
        JobNotFound: there is none.
        Problem: 409, the record is broken.
    """
    job = found_job(call)
    if isinstance(job, BrokenJob):
        detail = (
            f"the record of job {job.name!r} cannot be read ({job.error}); PUT it anew or DELETE it"
        )
        raise Problem(HTTPStatus.CONFLICT, detail)
    return job


@TABLE.add(
    "GET",
    "/v1/jobs",
    summary="List jobs by name",
    tag="jobs",
    query=(
        parameters.Q,
        parameters.TAG,
        parameters.OWNER,
        parameters.ENABLED,
        parameters.LAST_STATE,
        parameters.limit(),
        parameters.CURSOR,
    ),
    answers={HTTPStatus.OK: Answer(schema="Jobs", description="Jobs in the order of their names.")},
)
def list_jobs(call: Call) -> Response:
    """Answer with a part of the list of jobs."""
    query = call.query
    which = JobFilter(
        q=query["q"],
        tag=query["tag"],
        enabled=query["enabled"],
        owner=query["owner"],
        state=query["state"],
    )
    page = call.services.readers.list_jobs(which, query["limit"], query["cursor"])
    return json_response(list_document((shown(call, job) for job in page.items), page.next))


@TABLE.add(
    "GET",
    "/v1/jobs/{job}",
    summary="Read a job",
    tag="jobs",
    answers={HTTPStatus.OK: Answer(schema="Job", description="The job.", headers=("ETag",))},
)
def get_job(call: Call) -> Response:
    """Answer with one job, its revision as ETag."""
    job = found_job(call)
    response = json_response(shown(call, job))
    if isinstance(job, Job):
        response.headers["ETag"] = etag(job.revision)
    return response


@TABLE.add(
    "GET",
    "/v1/jobs/{job}/runs",
    summary="List the runs of a job",
    tag="runs",
    query=parameters.RUN_FILTERS,
    answers={HTTPStatus.OK: Answer(schema="Runs", description="Runs, newest first.")},
)
def list_job_runs(call: Call) -> Response:
    """Answer with a part of the history of a job."""
    return runs_answer(call, found_job(call).id)
