"""The network fails: the executor is cut off from the broker, from the store, and from both.

Every instance is in a network of its own, with a cable to each server.  What is sent over
a cable that was cut vanishes without a word, in both directions, as behind a dead switch;
the way to the target holds, so that whatever an instance starts is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

import pymongo
import pytest

from tests.failover.cluster import Cluster, Leader, longest_gap
from tests.failover.served import Place
from tests.fakes.recording_target import Request
from tests.servers import MongoDB, Namespace, RabbitMQ
from tests.servers.find import with_database
from tests.waiting import eventually

BROKER, STORE, CLIENTS = "broker", "store", "clients"

#: While the executor has the store its jobs, due each second, go on: no longer pause (s).
GAP_S = 4.0

#: A silent holder of the token is dropped after two to three heartbeats of 5 s, and a store that
#: is silent for 10 s is given up; then another takes over, on a busy machine (s).
TAKEOVER_S = 40.0

#: Without the store an executor starts nothing any more after so long: a clearance is trusted for
#: 2.5 s, and a start takes a moment to arrive at the target (s).
TRUSTED_S = 3.5


@dataclass(frozen=True, slots=True)
class Network:
    """Both servers, and a network for each instance."""

    broker: RabbitMQ
    store: MongoDB
    islands: Sequence[Namespace]

    @property
    def target_address(self) -> str:
        """The address of this machine that all islands reach over their cables for clients."""
        return self.islands[0].cables[CLIENTS].host_address

    @property
    def uri(self) -> str:
        """The URI of the database for who is not on an island."""
        return with_database(self.store.uri, "solocron")

    def places(self) -> list[Place]:
        """Return where the instances run."""
        return [self._place(island) for island in self.islands]

    def cleared_until(self, term: int) -> datetime:
        """Return until when the executor of *term*, which is over, might start what was due."""
        with pymongo.MongoClient[dict[str, Any]](self.uri, tz_aware=True) as client:
            record = client.get_default_database()["executor"].find_one()
        assert record is not None
        (cleared,) = [one["cleared_until"] for one in record["previous"] if one["term"] == term]
        assert isinstance(cleared, datetime)
        return cleared

    def _place(self, island: Namespace) -> Place:
        cables = island.cables
        uri = self.store.uri_at(cables[STORE].host_address)
        environ = {
            "RABBITMQ_URL": self.broker.url_at(cables[BROKER].host_address),
            "MONGODB_URI": with_database(uri, "solocron"),
            "SOLOCRON_HOST": "0.0.0.0",
            "SOLOCRON_AUTH": "off",
        }
        return Place(island.launch, cables[CLIENTS].address, environ)


@pytest.fixture
def network() -> Iterator[Network]:
    with ExitStack() as stack:
        broker, store = RabbitMQ(bind="0.0.0.0"), MongoDB(bind="0.0.0.0")
        stack.callback(broker.close)
        stack.callback(store.close)
        with ThreadPoolExecutor() as threads:
            starts = [threads.submit(broker.start), threads.submit(store.start)]
        for start in starts:
            start.result()
        islands = [stack.enter_context(Namespace(BROKER, STORE, CLIENTS)) for _ in range(3)]
        network = Network(broker, store, islands)
        for island in islands[1:]:
            island.lead(network.target_address, island.cables[CLIENTS])
        yield network


def _has_come(moment: float) -> bool:
    return monotonic() >= moment


def _is_superseded(leader: Leader) -> bool:
    """Say whether the instance has found that its term is over."""
    return f"term={leader.term} newer=" in leader.member.served.log


def _started(
    cluster: Cluster, leader: Leader, after: float, cleared_until: datetime | None = None
) -> list[str]:
    """Return what was started under the term of *leader* later than *after*.

    But for slots up to *cleared_until*: these nobody else starts.
    """
    return [
        f"{start.headers['x-solocron-job']} {start.at - after:.2f} s after"
        for start in cluster.starts()
        if start.at > after
        and int(start.headers["x-solocron-term"]) == leader.term
        and not (cleared_until and _slot_of(start) <= cleared_until)
    ]


def _slot_of(start: Request) -> datetime:
    return datetime.fromisoformat(start.headers["x-solocron-fire-time"])


def _cut_off_the_executor(
    cluster: Cluster, network: Network, cables: Sequence[str], lasting_s: float
) -> tuple[Leader, float]:
    """Cut *cables* of who executes until another does, or longer; return it and the cut's end."""
    leader = cluster.leader()
    cluster.await_firing(monotonic())
    island = network.islands[leader.member.number]
    leader.member.healthy = STORE not in cables

    cut_at = monotonic()
    for name in cables:
        island.cables[name].cut()
    cluster.leader(other_than=leader.term, timeout_s=TAKEOVER_S)
    taken_at = monotonic()
    eventually(partial(_has_come, cut_at + lasting_s), lasting_s + 1.0, "the end of the cut")
    restored_at = monotonic()
    for name in cables:
        island.cables[name].restore()

    first = cluster.await_term_after(leader.term)
    print(
        f"without {' and '.join(cables)}: another executes after {taken_at - cut_at:.1f} s,"
        f" longest gap {longest_gap(cluster, cut_at, first.at):.2f} s"
    )
    if STORE in cables:
        assert _started(cluster, leader, cut_at + TRUSTED_S) == []
    else:
        assert longest_gap(cluster, cut_at, first.at) < GAP_S
    leader.member.healthy = True
    return leader, restored_at


@pytest.mark.parametrize(
    "lasting_s",
    [pytest.param(0.0, id="short"), pytest.param(60.0, id="long", marks=pytest.mark.long)],
)
@pytest.mark.timeout(600)
def test_whatever_the_executor_is_cut_off_from_no_slot_is_doubled_or_lost(
    network: Network, make_cluster: Callable[..., Cluster], lasting_s: float
) -> None:
    """With the store it fires on, without it starts nothing; another takes over for good."""
    cluster = make_cluster(
        rabbitmq_url=network.broker.url,
        mongodb_uri=network.uri,
        prefix="partition",
        places=network.places(),
        target_address=network.target_address,
    )
    for number in range(3):
        cluster.add_job(f"steady-{number}", 1)

    former = [
        _cut_off_the_executor(cluster, network, cables, lasting_s)
        for cables in ((BROKER,), (STORE,), (BROKER, STORE))
    ]
    for leader, _ in former:
        eventually(partial(_is_superseded, leader), 20, f"the executor of term {leader.term} knows")
    cluster.await_firing(monotonic() + 2.0)
    cluster.await_accounted()

    for leader, restored_at in former:
        assert _started(cluster, leader, restored_at, network.cleared_until(leader.term)) == []
        assert _started(cluster, leader, restored_at + TRUSTED_S) == []
    assert cluster.double_starts() == []
