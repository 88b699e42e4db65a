"""Where do the servers come from that tests share?

1. From a URL in the environment: ``TEST_RABBITMQ_URL``, ``TEST_MONGODB_URI``.
2. From a Docker engine, when one answers.
3. From the programs on this machine.

The first that applies is taken, and a server that then fails to start is a
failure: a URL that leads nowhere must not quietly become something else.

Test processes side by side (pytest-xdist) share one server of each kind.  Who
comes first starts it and is its owner; the owner stops it after the last user
has let go.  All of it rests on file locks, which the kernel releases, so that a
crashed owner leaves nothing behind and the next user starts afresh.
"""

import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pymongo
from pymongo.errors import PyMongoError

from tests.servers.mongodb import MongoDB
from tests.servers.process import START_TIMEOUT_S
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import POLL_S, eventually

#: Images for Docker; quorum queues and consumer timeouts as in production.
RABBITMQ_IMAGE = "rabbitmq:4.1"
MONGODB_IMAGE = "mongo:8.0"


@contextmanager
def rabbitmq(environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Give the URL of a RabbitMQ.

    Raises:
        ServerMissingError: There is none to be had; says what to install.
        ServerFailedError: There is one and it does not start.
    """
    if url := environ.get("TEST_RABBITMQ_URL"):
        yield url
    elif docker_answers():
        with _docker_rabbitmq() as url:
            yield url
    else:
        with RabbitMQ() as server:
            yield server.url


@contextmanager
def mongodb(environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Give the URI of a MongoDB replica set, without a database.

    Raises:
        ServerMissingError: There is none to be had; says what to install.
        ServerFailedError: There is one and it does not start.
    """
    if uri := environ.get("TEST_MONGODB_URI"):
        yield uri
    elif docker_answers():
        with _docker_mongodb() as uri:
            yield uri
    else:
        with MongoDB() as server:
            yield server.uri


def docker_answers(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether a Docker engine answers where ``DOCKER_HOST`` says, or at the usual place."""
    # Not asked through the docker package, which leaks a socket when there is no engine.
    where = urlsplit(environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    try:
        if where.scheme == "unix":
            engine = socket.socket(socket.AF_UNIX)
        else:
            engine = socket.create_connection((where.hostname, where.port or 2375), timeout=5)
        with engine:
            engine.settimeout(5)
            if where.scheme == "unix":
                engine.connect(where.path)
            engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in engine.recv(64)
    except OSError:
        return False


@contextmanager
def _docker_rabbitmq() -> Iterator[str]:
    # Only here: it takes half a second, and most test runs need none of it.
    from testcontainers.core.container import DockerContainer

    def answers() -> bool:
        pika.BlockingConnection(pika.URLParameters(url)).close()
        return True

    with DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672) as container:
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(5672)}"
        url = f"amqp://guest:guest@{address}/%2F"
        eventually(
            answers,
            START_TIMEOUT_S,
            "RabbitMQ in Docker answers",
            ignoring=(pika.exceptions.AMQPError, OSError),
        )
        yield url


@contextmanager
def _docker_mongodb() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    command = "mongod --replSet rs0 --bind_ip_all --wiredTigerCacheSizeGB 0.25"
    # The set knows its node by an address that only the container has, so clients
    # are told to talk to this one node and not to discover others.
    member = {"_id": 0, "host": "127.0.0.1:27017"}

    def writable() -> bool:
        with pymongo.MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=1000) as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])

    def initiated() -> bool:
        with pymongo.MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=1000) as client:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            return True

    container = DockerContainer(MONGODB_IMAGE).with_exposed_ports(27017).with_command(command)
    with container:
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(27017)}"
        uri = f"mongodb://{address}/?directConnection=true"
        for fact, what in ((initiated, "is initiated"), (writable, "takes writes")):
            eventually(fact, START_TIMEOUT_S, f"MongoDB in Docker {what}", ignoring=(PyMongoError,))
        yield uri


@contextmanager
def shared(
    folder: Path, name: str, make: Callable[[], AbstractContextManager[str]]
) -> Iterator[str]:
    """Give the URL of the one server *name* of everybody who uses *folder*.

    Args:
        folder: Seen by all test processes of one test run, and by no others.
        name: The kind of server.
        make: Starts it; called in one of the processes only.
    """
    address = folder / f"{name}.url"
    with (
        (folder / f"{name}.turn").open("a") as turn,
        (folder / f"{name}.owner").open("a") as owner,
        (folder / f"{name}.users").open("a") as users,
        ExitStack() as server,
    ):
        with _taken(turn):
            mine = _try_to_take(owner)
            if mine:
                address.write_text(server.enter_context(make()), encoding="utf-8")
            else:
                fcntl.flock(users, fcntl.LOCK_SH)
            url = address.read_text(encoding="utf-8")
        try:
            yield url
        finally:
            while mine:
                with _taken(turn):
                    if _try_to_take(users):
                        server.close()
                        fcntl.flock(owner, fcntl.LOCK_UN)
                        mine = False
                threading.Event().wait(POLL_S)


@contextmanager
def _taken(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _try_to_take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def with_database(uri: str, database: str) -> str:
    """Return the MongoDB *uri* with another database.

    >>> with_database("mongodb://a:1,b:2/?replicaSet=rs0", "x")
    'mongodb://a:1,b:2/x?replicaSet=rs0'

    Who logs in goes on doing so in the database that the URI named.

    >>> with_database("mongodb://me:secret@a/users", "x")
    'mongodb://me:secret@a/x?authSource=users'
    """
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query))
    named = parts.path.lstrip("/")
    if named and "@" in parts.netloc:
        options.setdefault("authSource", named)
    return urlunsplit(parts._replace(path=f"/{database}", query=urlencode(options)))
