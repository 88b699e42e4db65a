"""``solocron import simple-scheduler URL``, of a service that asks who one is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from executor.cli import main
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.serving import served


@pytest.fixture
def url() -> Iterator[str]:
    """Return the address of a guarded service."""
    with served(GuardedWorld().app) as address:
        yield address


def imported(url: str, kind: str, **environ: str | None) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["import", kind, url, "--json"], env={**environ})


@pytest.mark.parametrize("given", [None, "wrong"])
def test_the_variable_that_is_read_is_named(url: str, given: str | None) -> None:
    """Not our own token's, which is for our own service only, and is not sent."""
    result = imported(url, "simple-scheduler", SIMPLE_SCHEDULER_TOKEN=given, SOLOCRON_TOKEN=ADMIN)

    assert result.exit_code == 1
    assert "set SIMPLE_SCHEDULER_TOKEN to an access token that it takes" in result.stderr
    assert ("no token that is known here" if given else "send a token") in result.stderr
    assert "SOLOCRON_TOKEN" not in result.stderr


def test_with_that_variable_it_is_let_in(url: str) -> None:
    """And takes what there is."""
    result = imported(url, "simple-scheduler", SIMPLE_SCHEDULER_TOKEN=ADMIN)

    assert (result.exit_code, result.stderr) == (0, "")


def test_whoever_has_no_token_to_give_is_told_of_the_other_way(url: str) -> None:
    """Kala itself knows no tokens; what it answers can be read from a file."""
    result = imported(url, "kala")

    assert result.exit_code == 1
    assert "give FILE" in result.stderr
