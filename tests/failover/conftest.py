"""Clusters for the tests of this tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.failover.cluster import Cluster


@pytest.fixture
def make_cluster(
    tmp_path: Path, request: pytest.FixtureRequest, queue_prefix: str
) -> Iterator[Callable[..., Cluster]]:
    """Return a function that starts a cluster, on the shared servers unless told otherwise."""
    with ExitStack() as stack:

        def make(**given: Any) -> Cluster:
            given.setdefault("prefix", queue_prefix)
            if "rabbitmq_url" not in given:
                given["rabbitmq_url"] = request.getfixturevalue("rabbitmq_url")
            if "mongodb_uri" not in given:
                given["mongodb_uri"] = request.getfixturevalue("mongodb_database_uri")
            return stack.enter_context(Cluster(tmp_path, **given))

        yield make
