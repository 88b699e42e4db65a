"""Clusters for the tests of this tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.failover.cluster import Cluster, MongoRows, SqliteRows


@pytest.fixture
def make_cluster(
    tmp_path: Path, request: pytest.FixtureRequest, queue_prefix: str
) -> Iterator[Callable[..., Cluster]]:
    """Return a function that starts a cluster, on the shared servers unless told otherwise."""
    with ExitStack() as stack:

        def make(
            rabbitmq_url: str = "",
            mongodb_uri: str = "",
            prefix: str = queue_prefix,
            settings: dict[str, str] | None = None,
            **given: Any,
        ) -> Cluster:
            mongodb_uri = mongodb_uri or request.getfixturevalue("mongodb_database_uri")
            environ = {
                "RABBITMQ_URL": rabbitmq_url or request.getfixturevalue("rabbitmq_url"),
                "MONGODB_URI": mongodb_uri,
                "SOLOCRON_PREFIX": prefix,
                "SOLOCRON_GRACE": "8s",
                **(settings or {}),
            }
            cluster = Cluster(tmp_path, store=MongoRows(mongodb_uri), environ=environ, **given)
            return stack.enter_context(cluster)

        yield make


@pytest.fixture
def make_embedded(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Return a function that starts instances which share one data folder and need no server."""
    with ExitStack() as stack:

        def make(settings: dict[str, str] | None = None, **given: Any) -> Cluster:
            data = tmp_path / "shared"
            store = SqliteRows(data / "solocron.db")
            environ = {"SOLOCRON_DATA": str(data), "SOLOCRON_GRACE": "2s", **(settings or {})}
            return stack.enter_context(Cluster(tmp_path, store=store, environ=environ, **given))

        yield make
