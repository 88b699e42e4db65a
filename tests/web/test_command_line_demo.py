"""``solocron demo``, and following and watching a service that comes and goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executor.client.connection import Connection, NoAnswer
from executor.client.following import follow
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import Output
from tests.web.command_line import solocron
from tests.web.serving import served
from tests.web.world import PLAIN, World, json_of


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


def names(world: World) -> list[str]:
    """Return the names of all jobs."""
    return [job["name"] for job in json_of(world.get("/v1/jobs"))["items"]]


def test_a_demonstration_leaves_nothing_behind(url: str, world: World) -> None:
    """It is made, said how to be removed, and removed; other jobs stay."""
    world.add(PLAIN, tags=["demo"], name="demo-mine")

    made = solocron(url, "demo")
    there = names(world)
    removed = solocron(url, "demo", "--remove")

    assert made.exit_code == 0, made.output
    assert "solocron demo --remove" in made.stderr
    assert len(there) == 7
    assert removed.exit_code == 0, removed.output
    assert names(world) == ["demo-mine"]


def test_it_can_be_made_twice(url: str, world: World) -> None:
    """The second time there is nothing to do."""
    solocron(url, "demo")

    assert solocron(url, "demo").stdout.startswith("Nothing to do: ")


def test_without_commands_the_rest_is_made() -> None:
    """What is left out is told, with the reason."""
    world = World(permitted=PermittedTargets(PermittedPrograms(CommandsMode.OFF)))
    with served(world.app) as address:
        made = solocron(address, "demo")

    assert made.exit_code == 0, made.output
    assert "Left out: demo-counter" in made.stderr
    assert names(world) == ["demo-broken", "demo-nightly", "demo-ping"]


def test_a_run_is_followed_through_another_connection(world: World) -> None:
    """An instance that is away for a moment ends nothing; one that stays away does."""
    world.put_run("r1", output=Output(head="one\n", size=4))
    pauses: list[float] = []

    with served(world.app) as address:
        pieces = list(follow(Connection(address), "r1", pauses.append))
    assert [piece.kind for piece in pieces] == ["output", "end"]
    with pytest.raises(NoAnswer):
        list(follow(Connection(address), "r1", pauses.append))
    assert len(pauses) == 19
