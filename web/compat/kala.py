"""The face of Kala, and of lovego's fork of it: ``/api/v1/...``.

Kala's paths end with a slash, those of the fork do not; here both may be written.  Where the two
contradict each other Kala counts, but for jobs that were made in the fork's way.  Errors are
``{"error": "..."}`` and say why.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.errors import Fault
from web.compat import kala_changes, kala_reading
from web.compat.foreign import Foreign
from web.compat.kala_faults import in_kalas_words
from web.compat.kala_reading import kala_response
from web.compat.kala_requests import read_job
from web.compat.kala_schemas import SCHEMAS
from web.parameters import Parameter
from web.problems import Problem, problem_document
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: Where everything of it is.
PLACE: Final = "/api/v1"

_KALA: Final[dict[str, Any]] = {"tag": "kala", "lenient": True, "refusal": "KalaError"}

_FORCE: Final = Parameter(
    name="force",
    description="Lovego: `true` deletes a job that has run, instead of marking it.",
    read=lambda text: text.lower() in {"true", "1"},
    default=False,
)

_LATER: Final = Answer(schema="KalaError", description="Accepted, and not answered in time.")

#: A write that answers with nothing: Kala's way, and the fork's.
_DONE: Final = {
    HTTPStatus.NO_CONTENT: Answer(schema=None, description="Done."),
    HTTPStatus.OK: Answer(schema="KalaNothing", description="Done, to a client of the fork."),
    HTTPStatus.ACCEPTED: _LATER,
}


def refuse(problem: Problem) -> Response:
    """Write *problem* as Kala does."""
    told, status = problem_document(problem), problem.status
    text = str(told["detail"])
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    if status is HTTPStatus.BAD_REQUEST and told["errors"]:
        text = in_kalas_words([Fault(one["field"], one["message"]) for one in told["errors"]])
    return kala_response({"error": text}, status)


@TABLE.add(
    "POST",
    "/api/v1/job/",
    summary="Kala: make a job",
    description="Without a schedule and without parents it is run at once.",
    body=Body(schema="KalaRequest", read=read_job, media_types=()),
    writes=True,
    answers={
        HTTPStatus.CREATED: Answer(schema="KalaCreated", description="Made."),
        HTTPStatus.ACCEPTED: Answer(schema="KalaCreated", description="Not answered in time."),
    },
    **_KALA,
)
def kala_create_job(call: Call) -> Response:
    """Ask for a new job."""
    return kala_changes.create(call)


@TABLE.add(
    "GET",
    "/api/v1/job/",
    summary="Kala: all jobs",
    answers={HTTPStatus.OK: Answer(schema="KalaJobs", description="Every job, by id.")},
    **_KALA,
)
def kala_list_jobs(call: Call) -> Response:
    """Answer with every job."""
    return kala_reading.list_jobs(call)


@TABLE.add(
    "GET",
    "/api/v1/job/{job}/",
    summary="Kala: a job",
    answers={HTTPStatus.OK: Answer(schema="KalaOneJob", description="The job.")},
    **_KALA,
)
def kala_get_job(call: Call) -> Response:
    """Answer with one job."""
    return kala_reading.read_job(call)


@TABLE.add(
    "DELETE",
    "/api/v1/job/{job}/",
    summary="Kala: delete a job",
    description="Children that have no other parent go with it.",
    query=(_FORCE,),
    writes=True,
    answers=_DONE,
    **_KALA,
)
def kala_delete_job(call: Call) -> Response:
    """Ask for a job to be deleted."""
    return kala_changes.delete(call)


@TABLE.add(
    "DELETE",
    "/api/v1/job/all/",
    summary="Kala: delete all jobs",
    writes=True,
    answers=_DONE,
    **_KALA,
)
def kala_delete_all_jobs(call: Call) -> Response:
    """Ask for every job to be deleted."""
    return kala_changes.delete_all(call)


@TABLE.add(
    "GET",
    "/api/v1/job/stats/{job}/",
    summary="Kala: the runs of a job",
    answers={HTTPStatus.OK: Answer(schema="KalaJobStats", description="The oldest first.")},
    **_KALA,
)
def kala_get_job_stats(call: Call) -> Response:
    """Answer with the finished runs of a job."""
    return kala_reading.read_stats(call)


@TABLE.add(
    "POST",
    "/api/v1/job/start/{job}/",
    summary="Kala: run a job now",
    description="Answered when the run and what follows it have ended, after 25 s at the latest. "
    "A disabled job is not run.",
    writes=True,
    answers=_DONE,
    **_KALA,
)
def kala_start_job(call: Call) -> Response:
    """Ask for a run of a job."""
    return kala_changes.start(call)


@TABLE.add(
    "POST",
    "/api/v1/job/disable/{job}/",
    summary="Kala: disable a job",
    writes=True,
    answers=_DONE,
    **_KALA,
)
def kala_disable_job(call: Call) -> Response:
    """Ask for a job to be switched off."""
    return kala_changes.disable(call)


@TABLE.add(
    "POST",
    "/api/v1/job/enable/{job}/",
    summary="Kala: enable a job",
    writes=True,
    answers=_DONE,
    **_KALA,
)
def kala_enable_job(call: Call) -> Response:
    """Ask for a job to be switched on."""
    return kala_changes.enable(call)


@TABLE.add(
    "GET",
    "/api/v1/stats/",
    summary="Kala: figures of all jobs",
    answers={HTTPStatus.OK: Answer(schema="KalaCounts", description="Of the runs kept.")},
    **_KALA,
)
def kala_get_stats(call: Call) -> Response:
    """Answer with figures of all jobs."""
    return kala_reading.read_counts(call)


@TABLE.add(
    "GET",
    "/webui/",
    summary="Kala: its page",
    description="Leads to the page of this service.",
    answers={HTTPStatus.FOUND: Answer(schema=None, description="The page.", headers=("Location",))},
    **_KALA,
)
def kala_page(call: Call) -> Response:
    """Lead to the page."""
    return Response(status=HTTPStatus.FOUND, headers={"Location": "/"})


KALA: Final = Foreign(place=PLACE, tables=(TABLE,), refuse=refuse, schemas=SCHEMAS)
