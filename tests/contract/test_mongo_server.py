"""What the store does when MongoDB is a lone server, is silent, is away, or moves.

The servers are the tests' own: they are frozen and killed.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.errors import PyMongoError

from executor.adapters.mongodb import MongoReaders, MongoStore
from executor.domain.errors import StaleTerm, StoreUnavailable
from tests.contract.change_law import ChangeLaw, OpenRowLaw
from tests.contract.claim_law import InsertLaw
from tests.contract.lease_law import LeaseLaw
from tests.contract.mongo_workshop import MongoWorkshop
from tests.contract.store_world import PATIENCE_S, a_claim, noon
from tests.contract.term_law import TermLaw
from tests.fakes.tcp_proxy import TcpProxy
from tests.servers.mongodb import MongoDB, MongoNode
from tests.waiting import eventually

#: Timeout of stores that meet a dead server, seconds: longer than an election takes here
#: would only make the tests longer.
SHORT_TIMEOUT_S = 1.0

#: Timeout of the client that hears nothing of an election, seconds: longer than one takes,
#: so that its call is under way when the old primary comes back.
BEHIND_TIMEOUT_S = 15.0

#: An election among three nodes, with room for a busy machine, seconds.
ELECTION_S = 60.0


class LoneServer(MongoNode):
    """A ``mongod`` that belongs to no replica set."""

    def __init__(self) -> None:
        super().__init__("none")

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return mongod without ``--replSet``."""
        argv, env = super().command()
        at = argv.index("--replSet")
        return argv[:at] + argv[at + 2 :], env


class TestMongoStoreOnALoneServer(
    MongoWorkshop, TermLaw, InsertLaw, ChangeLaw, OpenRowLaw, LeaseLaw
):
    """The parts of the law that replica sets and retries could matter for."""

    @pytest.fixture(scope="class")
    @classmethod
    def server_uri(cls) -> Iterator[str]:
        with LoneServer() as server:
            yield server.uri


class TestASilentServer:
    """A server that is frozen, killed and restarted."""

    @pytest.fixture
    def server(self) -> Iterator[LoneServer]:
        with LoneServer() as server:
            yield server

    @pytest.fixture
    def store(self, server: LoneServer) -> Iterator[MongoStore]:
        store = MongoStore(server.uri, timeout_s=SHORT_TIMEOUT_S)
        store.prepare()
        yield store
        store.close()

    def _refuses_in_time(self, store: MongoStore) -> None:
        calls = [
            lambda: store.mint_term("a"),
            lambda: store.insert_runs([a_claim("other")]),
            lambda: list(store.all_jobs()),
            store.prepare,
        ]
        for call in calls:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable) as caught:
                call()
            assert time.monotonic() - began < SHORT_TIMEOUT_S + PATIENCE_S
            assert caught.value.__cause__ is not None

    def test_a_frozen_server_is_unavailable_until_it_thaws(
        self, server: LoneServer, store: MongoStore
    ) -> None:
        """Every call ends soon after its timeout; afterwards all goes on as before."""
        run = a_claim("run")
        store.insert_runs([run])
        server.pause()
        try:
            self._refuses_in_time(store)
        finally:
            server.resume()

        standing = eventually(
            lambda: store.insert_runs([run]),
            PATIENCE_S,
            "the store answers",
            ignoring=(StoreUnavailable,),
        )
        assert standing == {run.id: run}

    def test_what_was_acknowledged_survives_the_servers_death(
        self, server: LoneServer, store: MongoStore
    ) -> None:
        """Killed right after the last answer; while it is dead every call says so."""
        run = a_claim("run")
        term = store.mint_term("a").term
        store.clear_term(term, noon())
        store.insert_runs([run])
        server.kill()
        self._refuses_in_time(store)
        server.start()

        record = eventually(
            store.read_term, PATIENCE_S, "the store answers", ignoring=(StoreUnavailable,)
        )
        assert record is not None
        assert (record.term, record.cleared_until) == (term, noon())
        assert store.insert_runs([run]) == {run.id: run}

    def test_readers_say_when_they_have_no_server(self, server: LoneServer) -> None:
        """Making them sends nothing, asking them does."""
        server.kill()
        readers = MongoReaders(server.uri, timeout_s=SHORT_TIMEOUT_S)
        try:
            with pytest.raises(StoreUnavailable):
                readers.now()
        finally:
            readers.close()


class TestAReplicaSet:
    """Three servers whose primary stands still and comes back."""

    @pytest.fixture
    def servers(self) -> Iterator[MongoDB]:
        with MongoDB(3) as servers:
            yield servers

    @pytest.mark.timeout(180)
    def test_a_primary_that_was_replaced_clears_nothing(self, servers: MongoDB) -> None:
        """A clearance under way to it fails; the last acknowledged one is known for ever."""
        old = servers.primary()
        successor = MongoStore(servers.uri)
        successor.prepare()
        behind = MongoStore(old.uri, timeout_s=BEHIND_TIMEOUT_S)
        try:
            term = behind.mint_term("a").term
            behind.clear_term(term, noon(1))
            with ThreadPoolExecutor(1) as thread:
                old.pause()
                clearing = thread.submit(behind.clear_term, term, noon(2))
                record = eventually(
                    lambda: successor.mint_term("b"),
                    ELECTION_S,
                    "another primary mints",
                    ignoring=(StoreUnavailable,),
                )
                old.resume()
                with pytest.raises((StaleTerm, StoreUnavailable)):
                    clearing.result(ELECTION_S)

            assert record is not None
            assert record.term > term
            former = next(former for former in record.previous if former.term == term)
            assert former.cleared_until == noon(1)
        finally:
            behind.close()
            successor.close()

    @pytest.mark.timeout(180)
    def test_nothing_older_is_read_than_what_was_written(self, servers: MongoDB) -> None:
        """Led back to a former primary, a client waits until that has caught up."""
        old = servers.primary()
        with TcpProxy(old.uri) as way:
            store = MongoStore(way.url, timeout_s=SHORT_TIMEOUT_S)
            try:
                store.prepare()
                store.insert_runs([a_claim("before")])
                old.pause()
                way.lead_to(servers.primary().uri)
                minted = eventually(
                    lambda: store.mint_term("a"),
                    ELECTION_S,
                    "the new primary mints",
                    ignoring=(StoreUnavailable,),
                )
                for node in servers.nodes:
                    if node is not old:
                        node.pause()
                old.resume()
                way.lead_to(old.uri)
                self._has_only(old, "before")
                for read in (store.read_term, lambda: store.open_runs_before(9)):
                    with pytest.raises(StoreUnavailable):
                        read()

                for node in servers.nodes:
                    node.resume()
                found = eventually(
                    store.read_term, ELECTION_S, "it catches up", ignoring=(StoreUnavailable,)
                )
                assert found == minted
            finally:
                store.close()

    def _has_only(self, node: MongoNode, run_id: str) -> None:
        """Make sure that *node* answers others, with a row and without a term."""

        def answer() -> bool:
            with node.client() as client:
                database = client["solocron"]
                assert database["executor"].find_one() is None
                return [row["_id"] for row in database["runs"].find()] == [run_id]

        eventually(answer, PATIENCE_S, "it answers", ignoring=(PyMongoError,))
