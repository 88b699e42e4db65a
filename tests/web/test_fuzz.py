"""Requests made up from the API's own description, sound ones and broken ones.

Whatever arrives, the answer is one that the description announces, in the form that it
announces, and never a failure of ours.  Each request is sent as made up, and once more
to a job, a run and a calendar that exist, which made-up addresses would hardly ever hit.

To make requests up takes seconds even for those who only list the tests, and each of several test
processes lists them all: so it is left to the test, which is known by the route alone.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.hypothesis.builder import (
    InvalidHeadersExampleMark,
    MissingPathParameters,
    UnserializablePayloadMark,
)
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.job import LastRun
from executor.domain.run import Output, RunState
from tests.web.world import NIGHTLY, World
from web.access import NEEDS

#: Requests made up for each route, each of them sent twice where it names a job or run.
EXAMPLES = 10

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


#: What answers 500 to a name that it does not know, because its clients expect that.
ODD = ("DELETE", "/jobs/{job}")

#: What cannot be made up for a route is noted on its test by one of these.
LEFT_OUT = (InvalidHeadersExampleMark, MissingPathParameters, UnserializablePayloadMark)

#: For people and their browsers, and the description, which is read before all else.
OTHERS = (" /ui/", " /docs", " /log", " /static/", " /openapi.json")

#: What the API describes, each a method and a path.
ROUTES = sorted(one for one in NEEDS if one != "GET /" and not any(page in one for page in OTHERS))


def crowded() -> World:
    """Return a world that holds one of everything."""
    world = World()
    world.add(NIGHTLY)
    world.add(name="broken")
    world.store.break_job(world.store.find_job("broken").id)
    now = world.clock.now()
    world.put_job("ran", last_run=LastRun(run_id="r1", state="failed", finished_at=now))
    world.put_run("r1", fire_at=now, started_at=now, output=Output(head="a", size=1))
    world.put_run("r2", state=RunState.RUNNING)
    world.send(
        "PUT", "/v1/calendars/holidays", {"windows": [{"cron": "0 2 * * *", "duration": "1h"}]}
    )
    world.send("PUT", "/v1/calendars/lost", {})
    world.store.break_named(CALENDARS, "lost")
    world.send("PUT", "/v1/secrets/TOKEN", {"value": "nobody knows"})
    hook = {"kind": "webhook", "url": "https://example.com/hook"}
    world.send("PUT", "/v1/channels/ops", hook)
    world.send("PUT", "/v1/channels/lost", hook)
    world.store.break_named(CHANNELS, "lost")
    world.post("/v1/channels/ops/test")
    world.clear()
    world.beat("web-1", "executing")
    return world


#: What stands for a made-up path parameter on the second sending.
EXISTING = {
    "job": "nightly",
    "run": "r2",
    "calendar": "holidays",
    "secret": "TOKEN",
    "channel": "ops",
    "revision": "1",
}


@pytest.fixture(scope="module")
def world() -> World:
    """Return the world that all requests are sent to."""
    return crowded()


@pytest.fixture(scope="module")
def described(world: World) -> BaseSchema:
    """Return what the API says of itself."""
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/openapi.json", world.app)


def test_every_described_route_is_tried(described: BaseSchema) -> None:
    """The table of rights and the description have the same routes."""
    found = list(described.get_all_operations())

    assert sorted(one.ok().label for one in found if isinstance(one, Ok)) == ROUTES
    assert len(found) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_made_up_requests_are_answered_as_described(
    route: str, described: BaseSchema, world: World
) -> None:
    """No 5xx, no status, media type, header or body that the description does not have."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def asked(case: Any) -> None:
        made_up.append(case)
        ask(world, case)

    made_up: list[Any] = []
    schema = described.include(name=route)
    (made,) = get_all_tests(schema=schema, test_func=asked, settings=None, given_kwargs=None)
    assert isinstance(made, Ok), made.err()
    _, test = made.ok()

    test()

    assert made_up
    assert [mark.get(test) for mark in LEFT_OUT] == [None] * len(LEFT_OUT)


def ask(world: World, case: Any) -> None:
    """Send one request as it was made up and, where it names something, to what exists."""
    checks = CHECKS[1:] if (case.method, case.path) == ODD else CHECKS
    case.call_and_validate(checks=checks)
    named = {name: EXISTING[name] for name in case.path_parameters or {} if name in EXISTING}
    if named:
        if case.method in {"DELETE", "PATCH"}:
            world.send("PUT", "/v1/jobs/nightly", NIGHTLY)  # it may be gone or renamed
        case.path_parameters = named
        case.call_and_validate(checks=checks)
    for run in world.store.every_run():
        if run.id not in {"r1", "r2"}:
            world.store.remove_run(run.id)  # a backfill makes thousands, which every list reads
