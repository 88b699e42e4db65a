"""A service on RabbitMQ and MongoDB, its clients, and workers that know the protocol alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pymongo
import pytest

from tests.conformance.foreign_client import ForeignClient
from tests.conformance.simple_scheduler import ADMIN, bearer, executes, make_token
from tests.contract.worker_side import WorkerSide
from tests.failover.served import PATIENCE_S, Served
from tests.servers import find
from tests.waiting import eventually


@pytest.fixture(scope="session")
def served(
    rabbitmq_url: str, mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One service for all tests that need one, whose callers have to say who they are."""
    name = f"solocron_test_{uuid.uuid4().hex}"
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URI": find.with_database(mongodb_uri, name),
        "SOLOCRON_PREFIX": name,
        "SOLOCRON_ADMIN_TOKEN": ADMIN,
    }
    with Served(tmp_path_factory.mktemp("simple"), settings=settings) as served:
        eventually(
            lambda: executes(served), PATIENCE_S, "the instance executes", ignoring=(OSError,)
        )
        yield served
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as mongo:
        mongo.drop_database(name)


@pytest.fixture(scope="session")
def client(served: Served) -> ForeignClient:
    """A client whose token has the scopes of simple-scheduler, and no other."""
    scopes = ["jobs:read", "jobs:write", "runs:read", "runs:write"]
    return ForeignClient(served.url, bearer(make_token(served, *scopes)))


@pytest.fixture
def worker(rabbitmq_url: str) -> Iterator[WorkerSide]:
    """A worker of a job of its own; nothing of it stays on the broker."""
    with WorkerSide(rabbitmq_url, f"job-{uuid.uuid4().hex}") as worker:
        yield worker.declare()


@pytest.fixture
def job(worker: WorkerSide) -> str:
    """The name of the worker's job."""
    return worker.job
