"""What runs say: as it is kept, or followed while they go on.

A run that goes on, and one that was lost, has no output in its row; what is there of it
are the pieces that were heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.errors import Fault
from executor.domain.live_output import FULL_CHUNK, KEPT, KEPT_WITH_ROW, output_of
from executor.domain.run import Output, Run
from executor.ports.store import Readers
from web import parameters
from web.documents import json_response, output_document
from web.following import Follower
from web.problems import Problem, bad_request
from web.routes import Answer, Call, Table
from web.streams import END_ID, EventStream, PlainText, Stream

TABLE: Final = Table()

#: Chunks that a run has at most, or hardly more.
_ALL_CHUNKS: Final = 2 * KEPT // FULL_CHUNK

_read_offset = parameters.whole(0, parameters.MAX_OFFSET)


@TABLE.add(
    "GET",
    "/v1/runs/{run}/output",
    summary="What a run's target said",
    description=(
        "The first and the last part of standard output and error, or of the HTTP answer; of a "
        "run that goes on what is there so far. With `follow=1` a stream that ends with the run, "
        "or after ten minutes: as text, or as server-sent events (`output`, `gap`, `end`) if they "
        "are accepted. 204: the event `end` was sent before."
    ),
    tag="runs",
    query=(parameters.FOLLOW, parameters.OFFSET),
    answers={
        HTTPStatus.OK: Answer(
            schema="Output",
            description="The captured output, or a stream of it.",
            streams=(PlainText.media_type, EventStream.media_type),
        ),
        HTTPStatus.NO_CONTENT: Answer(schema=None, description="Nothing follows."),
    },
)
def get_output(call: Call) -> Response:
    """Answer with the output of one run: all that is kept, or piece by piece."""
    if call.query["follow"]:
        return _follow(call)
    if call.query["offset"] is not None:
        raise bad_request([Fault("offset", "is for following; add follow=1, or leave it out")])
    readers = call.services.readers
    run = readers.get_run(call.path["run"])
    return json_response(output_document(run.id, run.output or output_so_far(readers, run)))


def output_so_far(readers: Readers, run: Run) -> Output:
    """Return what *run*, which has no output in its row, has said as far as it was heard."""
    chunks = readers.read_output(run.id, 0, _ALL_CHUNKS)
    return output_of(chunks, KEPT_WITH_ROW) or Output()


def _follow(call: Call) -> Response:
    position = _position(call)
    if position is None:
        return Response(status=HTTPStatus.NO_CONTENT)
    services = call.services
    run = services.readers.get_run(call.path["run"])
    place = services.followers.take_place()
    if place is None:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{services.followers.places} outputs are being followed through this instance, "
            "as many as there may be; try again, or read it without follow=1",
        )
    stream: Stream = EventStream() if _takes_events(call) else PlainText()
    follower = Follower(
        services.readers, services.clock, services.followers, run.id, position, stream.alive_s
    )
    response = Response(_written(follower, stream, place), mimetype=stream.media_type)
    # By nginx: it would collect what shall be seen at once.
    response.headers["X-Accel-Buffering"] = "no"
    # Also if nothing of it is ever read.
    response.call_on_close(place.close)
    return response


def _written(follower: Follower, stream: Stream, place: ExitStack) -> Iterator[bytes]:
    with place:
        for step in follower.steps():
            yield stream.write(step)


def _takes_events(call: Call) -> bool:
    return EventStream.media_type in call.headers.get("Accept", "")


def _position(call: Call) -> int | None:
    """Return where to begin; None behind the end.

    A browser that reconnects says in a header where it was; its URL is still the first one.
    """
    latest = call.headers.get("Last-Event-ID")
    if latest == END_ID:
        return None
    if not latest:
        return int(call.query["offset"] or 0)
    try:
        return _read_offset(latest)
    except ValueError as error:
        raise bad_request([Fault("Last-Event-ID", str(error))]) from None
