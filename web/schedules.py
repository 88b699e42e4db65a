"""``POST /v1/schedules/preview``: what a schedule means, before anybody saves it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from flask import Response
from pydantic import ConfigDict, Field

from executor.domain.job import ScheduleField
from executor.domain.preview import describe, upcoming, warnings
from web.bodies import Instant, object_reader
from web.documents import fire_time_document, json_response
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: Most fire times of one preview.
MAX_COUNT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRequest:
    """A schedule as in a job, from when to look (default: now), and how far."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    schedule: ScheduleField
    after: Instant | None = None
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 10


@TABLE.add(
    "POST",
    "/v1/schedules/preview",
    summary="Preview a schedule",
    description="In plain words, with its next fire times and what may surprise about it.",
    tag="schedules",
    body=Body(schema="PreviewRequest", read=object_reader(PreviewRequest)),
    answers={HTTPStatus.OK: Answer(schema="Preview", description="What the schedule means.")},
)
def preview_schedule(call: Call) -> Response:
    """Answer what a schedule means; changes nothing."""
    asked: PreviewRequest = call.document
    schedule, after = asked.schedule, asked.after or call.services.clock.now()
    if schedule is None:
        document: dict[str, Any] = {
            "description": "Only on request",
            "fire_times": [],
            "warnings": [],
        }
        return json_response(document)
    times = upcoming(schedule, after, asked.count)
    return json_response(
        {
            "description": describe(schedule),
            "fire_times": [fire_time_document(*time) for time in times],
            "warnings": [
                {"code": warning.code, "message": warning.message}
                for warning in warnings(schedule, after)
            ],
        }
    )
