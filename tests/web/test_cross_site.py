"""Pages of other sites cannot change anything, and cannot frame or extend ours."""

import pytest

from tests.web.world import PLAIN, World, json_of, problem_of
from web.services import Entrance


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_request_from_another_site_is_refused(world: World, headers: dict[str, str]) -> None:
    """403 whatever the method, and nothing is sent to the executor."""
    world.add()
    world.executor.received.clear()

    problem_of(world.client.post("/v1/jobs", json=PLAIN, headers=headers), 403)
    problem_of(world.client.post("/v1/jobs/plain/trigger", headers=headers), 403)
    problem_of(world.client.delete("/v1/jobs/plain", headers=headers), 403)
    assert world.executor.received == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:80"},
        {"Origin": "http://LOCALHOST"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind-a-proxy.example"},
    ],
)
def test_our_own_page_and_programs_are_served(world: World, headers: dict[str, str]) -> None:
    """Programs send neither header; the browser vouches for our page."""
    assert world.client.post("/v1/jobs", json=PLAIN, headers=headers).status_code == 201


def test_an_origin_with_a_port_of_its_own_is_ours(world: World) -> None:
    """Host and port are compared, not the host alone."""
    headers = {"Origin": "http://cron.example:8000", "Host": "cron.example:8000"}

    assert world.client.post("/v1/jobs", json=PLAIN, headers=headers).status_code == 201


def test_anybody_may_look(world: World) -> None:
    """Reading is not guarded by these headers: following a link is no attack."""
    response = world.get("/", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/jobs", "/nope", "/static/ui.js"])
def test_every_answer_is_hardened(world: World, path: str) -> None:
    """No inline code, no frames, no guessing of types."""
    with world.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] in {"no-store", "no-cache"}


def test_no_answer_invites_other_origins(world: World) -> None:
    """There is no CORS: a preflight is answered without any permission."""
    response = world.client.options("/v1/jobs", headers={"Origin": "https://evil.example"})

    assert not [name for name in response.headers if name[0].startswith("Access-Control")]
    assert json_of(world.get("/v1/jobs"))["items"] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://cron.example", "max-age=31536000"),
        ("HTTPS://cron.example", "max-age=31536000"),
        ("http://cron.example", None),
        (None, None),
    ],
)
def test_browsers_are_told_to_come_by_https_where_that_is_spoken(
    url: str | None, said: str | None
) -> None:
    """By every answer, refusals and static files too; never where people come by plain HTTP."""
    world = World(entrance=Entrance(url=url))

    for path in ("/", "/v1/jobs", "/v1/nowhere", "/static/page.css"):
        with world.get(path) as response:
            assert response.headers.get("Strict-Transport-Security") == said
