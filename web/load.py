"""``GET /v1/load``: how many runs start in each minute of the next 24 hours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.instant import to_text
from executor.domain.load import load
from web.documents import json_response
from web.routes import Answer, Call, Table

TABLE: Final = Table()


@TABLE.add(
    "GET",
    "/v1/load",
    summary="What starts when",
    description="Starts per minute for the next 24 hours, from the present minute on, over all "
    "jobs that are enabled and not paused.  As their schedules and jitter ask for: blackouts, "
    "overlap and retries are left out.  Of very many different schedules a sample is taken; then "
    "`estimated` is true.",
    tag="schedules",
    answers={HTTPStatus.OK: Answer(schema="Load", description="1,440 minutes.")},
)
def get_load(call: Call) -> Response:
    """Answer with the starts that the schedules of all jobs add up to."""
    found = load(call.services.readers.schedule_counts(), call.services.clock.now())
    return json_response(
        {
            "since": to_text(found.since),
            "minutes": found.minutes,
            "peak": found.peak and {"at": to_text(found.peak[0]), "starts": found.peak[1]},
            "jobs": found.jobs,
            "estimated": found.estimated,
        }
    )
