"""What applications of one process share: where things are, never who answers there."""

from __future__ import annotations

from dataclasses import replace

from tests.web.world import NIGHTLY, World
from web.app import create_app


def test_two_applications_of_one_kind_answer_each_for_itself() -> None:
    """They have the same addresses, and what one is told the other does not know."""
    one, other = World(), World()
    one.add(NIGHTLY)

    assert one.app.url_map is other.app.url_map
    assert one.get("/v1/jobs/nightly").status_code == 200
    assert other.get("/v1/jobs/nightly").status_code == 404
    assert "nightly" in one.get("/ui/jobs").text
    assert "nightly" not in other.get("/ui/jobs").text


def test_an_application_of_another_kind_has_other_addresses(world: World) -> None:
    """A face that is not to be spoken is nowhere, however many applications speak it."""
    silent = create_app(replace(world.services, faces=())).test_client()

    assert world.get("/api/v1/stats/").status_code == 200
    assert silent.get("/api/v1/stats/").status_code == 404
    assert silent.get("/v1/jobs").status_code == 200
