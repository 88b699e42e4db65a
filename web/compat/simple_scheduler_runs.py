"""The runs of simple-scheduler's face: list, read, cancel.

Filters have the names that its documentation gives them and those that its program listens to:
``jobName`` and ``JobName``.  A run is cancelled by POST, and by GET as there; a GET that a page of
another site has made a browser send is refused, as any change that such a page asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from heapq import merge
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.errors import JobNotFound
from executor.domain.run import Run, RunState
from executor.ports.store import Readers, RunFilter
from web.commands import answer, command, send
from web.compat.simple_scheduler_schemas import NOTHING_THERE, REFUSAL, json_answer
from web.compat.simple_scheduler_words import STATUSES, created_at, heartbeat_at, run_document
from web.parameters import Parameter, one_of, read_instant
from web.problems import Problem
from web.protection import refuse_foreign
from web.routes import NOTHING, Answer, Call, Table
from web.runs import job_id_of

TABLE: Final = Table()

#: Most runs that are looked at for one answer, the newest of their job and status: a list without
#: pages has to end somewhere, and so many are a second of reading.
MOST: Final = 10_000

#: Of every route of this face.
_OURS: Final[dict[str, Any]] = {"tag": "simple-scheduler", "lenient": True, "refusal": REFUSAL}

_CANCELLED: Final = {HTTPStatus.NO_CONTENT: Answer(schema=None, description="It is being ended.")}


class Status(StrEnum):
    """How its runs stand."""

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"


def _both(name: str, description: str, **about: Any) -> tuple[Parameter, Parameter]:
    """Return a parameter under both its names."""
    spelled = (name, name[0].upper() + name[1:])
    first, second = (Parameter(name=one, description=description, **about) for one in spelled)
    return first, second


_MOMENT: Final = {
    "read": lambda text: read_instant(text) if text else None,
    "schema": {"type": "string"},
}

_FILTERS: Final = (
    *_both("jobName", "Name or id of a job.", read=lambda text: text or None),
    *_both(
        "status",
        "How the runs stand.",
        read=lambda text: one_of(Status)(text) if text else None,
        schema={"type": "string", "enum": ["", *Status]},
    ),
    *_both("createdBefore", "Runs due, or asked for, before this instant.", **_MOMENT),
    *_both("startedBefore", "Runs started before this instant.", **_MOMENT),
    *_both("heartbeatBefore", "Runs last seen alive before this instant.", **_MOMENT),
)


@TABLE.add(
    "GET",
    "/api/runs",
    summary="List runs, newest first (simple-scheduler)",
    description=f"Filters by instant look at the newest {MOST:,} with this job and status.",
    query=_FILTERS,
    answers={HTTPStatus.OK: Answer(schema="SchedulerRuns", description="null: there are none.")},
    **_OURS,
)
def list_scheduler_runs(call: Call) -> Response:
    """Answer with the runs that match all filters."""
    job, status = _given(call, "jobName"), _given(call, "status")
    try:
        job_id = None if job is None else job_id_of(call, job)
    except JobNotFound:
        return json_answer(None)
    newest = islice(_runs(call.services.readers, job_id, status), MOST)
    return json_answer([run_document(run) for run in newest if _matches(call, run)] or None)


def _given(call: Call, name: str) -> Any:
    value = call.query[name]
    return call.query[name[0].upper() + name[1:]] if value is None else value


def _runs(readers: Readers, job_id: str | None, status: Status | None) -> Iterator[Run]:
    """Return the runs with this *status*, newest first."""
    states: list[RunState | None] = [None]
    if status is not None:
        states = [state for state, shown in STATUSES.items() if shown == status]
    filters = [RunFilter(job_id=job_id, state=state) for state in states]
    lists = [readers.list_runs(which, MOST, None).items for which in filters]
    return merge(*lists, key=lambda run: run.created_at, reverse=True)


def _matches(call: Call, run: Run) -> bool:
    return (
        _before(created_at(run), _given(call, "createdBefore"))
        and _before(run.started_at, _given(call, "startedBefore"))
        and _before(heartbeat_at(run), _given(call, "heartbeatBefore"))
    )


def _before(instant: datetime | None, until: datetime | None) -> bool:
    return until is None or (instant is not None and instant < until)


@TABLE.add(
    "GET",
    "/api/runs/{run}",
    summary="Read a run (simple-scheduler)",
    answers={
        HTTPStatus.OK: Answer(schema="SchedulerRun", description="The run."),
        HTTPStatus.NOT_FOUND: NOTHING_THERE,
    },
    **_OURS,
)
def get_scheduler_run(call: Call) -> Response:
    """Answer with one run."""
    return json_answer(run_document(call.services.readers.get_run(call.path["run"])))


@TABLE.add(
    "POST",
    "/api/runs/{run}/cancel",
    summary="Cancel a run (simple-scheduler)",
    description="Its worker is told.  400 when the run is over already.",
    body=NOTHING,
    writes=True,
    repeatable=True,
    answers=_CANCELLED,
    **_OURS,
)
def cancel_scheduler_run(call: Call) -> Response:
    """Ask the executor to end a run early; one that is being ended, or was, is left alone."""
    run = call.services.readers.get_run(call.path["run"])
    status = STATUSES[run.state]
    if status in {Status.CANCELLING, Status.CANCELLED}:
        return Response(status=HTTPStatus.NO_CONTENT)
    if not run.is_live:
        raise _finished()
    asked = command(call, CommandKind.CANCEL_RUN, run.id, {"job_id": run.job_id})
    result = send(call, asked)
    if result is not None and result.status is ResultStatus.CONFLICT:
        raise _finished()
    return answer(asked, result, lambda _: Response(status=HTTPStatus.NO_CONTENT))


@TABLE.add(
    "GET",
    "/api/runs/{run}/cancel",
    summary="Cancel a run, as its clients do it (simple-scheduler)",
    writes=True,
    answers={**_CANCELLED, HTTPStatus.NOT_FOUND: NOTHING_THERE},
    **_OURS,
)
def cancel_scheduler_run_by_get(call: Call) -> Response:
    """Do as POST does, unless somebody only looks or another site's page asks."""
    if call.method == "HEAD":
        raise MethodNotAllowed(valid_methods=["GET", "POST"])
    refuse_foreign(request)
    return cancel_scheduler_run(call)


def _finished() -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "Run already finished")
