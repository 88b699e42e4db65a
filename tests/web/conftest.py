"""A fresh world for every test."""

import pytest

from tests.web.world import World


@pytest.fixture
def world() -> World:
    """Return a web process with an empty store and an executor that answers."""
    return World()
