"""``/ping/{key}``: whoever runs a watched job says how it goes.

Nobody has to log in: the key is known to those alone who may write the job, and to those they
have told.  A ping is accepted as soon as it stands durably on the command queue, because whoever
pings tries again for some seconds at the most, and the executor may be away for longer.  What it
means for which run is for the executor to say.
"""

from __future__ import annotations

import math
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Response

from executor.domain.command import CommandKind
from executor.domain.errors import Fault, JobNotFound
from executor.domain.job import Job
from executor.domain.watch import (
    MOST_BODY,
    Ping,
    Signal,
    arguments_of,
    body_of,
    digest_of_key,
    is_watched,
    signal_of,
)
from executor.domain.writes import BrokenJob
from web.changes import job_shower
from web.commands import carry_out, command
from web.conditions import if_match
from web.jobs import found_job
from web.parameters import Parameter
from web.problems import Problem, bad_request
from web.routes import NOTHING, Answer, Call, Table

TABLE: Final = Table()


def _rid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("must be a UUID, the same for all pings of one run") from None


_ABOUT: Final[dict[str, Any]] = {
    "description": "Pings are accepted once they are durable, also while nobody executes.  A body "
    f"is kept as output of the run: {MOST_BODY:,} bytes of it, half from its start and half from "
    "its end.  HEAD is taken as well.",
    "tag": "pings",
    "query": (
        Parameter(
            name="rid",
            description="Tells runs of one job apart that overlap: a UUID of your own, the same "
            "for all pings of one run.",
            read=_rid,
            schema={"type": "string", "format": "uuid"},
        ),
    ),
    "answers": {
        HTTPStatus.OK: Answer(schema=None, description="Accepted.", streams=("text/plain",))
    },
    "problems": (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
}


@TABLE.add("GET", "/ping/{key}", summary="A run has succeeded", **_ABOUT)
def get_ping(call: Call) -> Response:
    """Take a success."""
    return _take(call, Signal.SUCCESS)


@TABLE.add("POST", "/ping/{key}", summary="A run has succeeded", raw=True, **_ABOUT)
def post_ping(call: Call) -> Response:
    """Take a success with a body."""
    return _take(call, Signal.SUCCESS)


@TABLE.add("GET", "/ping/{key}/{signal}", summary="A run begins, fails or goes on", **_ABOUT)
def get_signal(call: Call) -> Response:
    """Take what the address says."""
    return _take(call, *_signal(call))


@TABLE.add(
    "POST", "/ping/{key}/{signal}", summary="A run begins, fails or goes on", raw=True, **_ABOUT
)
def post_signal(call: Call) -> Response:
    """Take what the address says, with a body."""
    return _take(call, *_signal(call))


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/ping_url",
    summary="Give a watched job another address for its pings",
    description="The former one is not known any more.  409: the job is not watched.",
    tag="jobs",
    body=NOTHING,
    writes=True,
    conditional=True,
    repeatable=True,
    answers={
        HTTPStatus.OK: Answer(
            schema="Job", description="The job, with its new address.", headers=("ETag",)
        )
    },
)
def rotate_ping_url(call: Call) -> Response:
    """Ask for another key."""
    job = found_job(call)
    asked = command(call, CommandKind.ROTATE_PING, job.id, if_revision=if_match(call))
    return carry_out(call, asked, job_shower(call))


def _signal(call: Call) -> tuple[Signal, int | None]:
    try:
        return signal_of(call.path["signal"])
    except ValueError as error:
        raise bad_request([Fault("signal", str(error))]) from None


def _take(call: Call, signal: Signal, exit_code: int | None = None) -> Response:
    job = _job(call)
    services = call.services
    _check_pace(call, job)
    ping = Ping(
        signal=signal,
        at=services.clock.now(),
        exit_code=exit_code,
        rid=call.query["rid"],
        output=body_of(call.document or b""),
    )
    told = command(call, CommandKind.PING_JOB, job.id, arguments_of(ping))
    services.sender.post(told, services.command_timeout_s)
    return Response("OK", mimetype="text/plain")


def _job(call: Call) -> Job:
    key = call.path["key"]
    with suppress(ValueError):
        # What is none is looked for all the same, which takes as long.
        key = str(UUID(key))
    try:
        job = call.services.readers.find_pinged(digest_of_key(key))
    except JobNotFound:
        job = None
    if isinstance(job, BrokenJob):
        detail = f"the record of this job cannot be read ({job.error}); PUT it anew"
        raise Problem(HTTPStatus.CONFLICT, detail)
    if job is None or not is_watched(job.definition.target):
        detail = "no job is pinged here; the address was replaced, or its job is gone"
        raise Problem(HTTPStatus.NOT_FOUND, detail)
    return job


def _check_pace(call: Call, job: Job) -> None:
    now, pings = call.services.clock.monotonic(), call.services.pings
    wait_s = pings.wait_s(job.id, now)
    if wait_s > 0:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "this job is pinged too often; wait",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )
    pings.note(job.id, now)
