"""The promises of the test servers themselves.

A failover test that passes because its broker forgot everything, or never died,
proves nothing.
"""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]
import pymongo
import pytest
from pymongo import WriteConcern
from pymongo.collection import Collection

from tests.servers import MongoDB, Namespace, RabbitMQ, ServerMissingError, find, rabbitmq
from tests.servers.namespace import Direction
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]

Records = Collection[dict[str, Any]]


@contextmanager
def channel_of(url: str) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
    finally:
        connection.close()


def put(url: str, queue: str, body: bytes) -> None:
    """Declare a durable queue and put a persistent message on it, confirmed."""
    with channel_of(url) as channel:
        channel.queue_declare(queue, durable=True)
        persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        channel.basic_publish("", queue, body, persistent, mandatory=True)


def take(url: str, queue: str) -> bytes | None:
    """Declare a durable queue and take a message from it."""
    with channel_of(url) as channel:
        channel.queue_declare(queue, durable=True)
        _, _, body = channel.basic_get(queue, auto_ack=True)
        return body if body is None else bytes(body)


@contextmanager
def records_of(uri: str) -> Iterator[Records]:
    with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=10_000) as client:
        database = client.get_default_database("solocron")
        yield database.get_collection("records", write_concern=WriteConcern("majority"))


@pytest.fixture(scope="module")
def one_broker() -> Iterator[RabbitMQ]:
    with RabbitMQ(bind="0.0.0.0") as broker:
        yield broker


@pytest.fixture
def broker(one_broker: RabbitMQ) -> RabbitMQ:
    """A broker that runs, whatever the test before has done to it."""
    one_broker.start()
    return one_broker


class TestTheSharedServers:
    def test_rabbitmq_answers(self, rabbitmq_url: str, queue_prefix: str) -> None:
        """A message put on a queue is taken from it."""
        put(rabbitmq_url, f"{queue_prefix}.queue", b"hello")
        assert take(rabbitmq_url, f"{queue_prefix}.queue") == b"hello"

    def test_mongodb_answers(self, mongodb_database_uri: str) -> None:
        """A record written by a majority is read in a transaction."""
        with records_of(mongodb_database_uri) as records:
            records.insert_one({"_id": 1})
            with records.database.client.start_session() as session, session.start_transaction():
                assert records.find_one({"_id": 1}, session=session) == {"_id": 1}

    @pytest.mark.parametrize("_turn", [1, 2])
    def test_each_test_has_a_database_of_its_own(
        self, mongodb_database_uri: str, _turn: int
    ) -> None:
        """What another test has written is not there."""
        with records_of(mongodb_database_uri) as records:
            assert records.count_documents({}) == 0
            records.insert_one({})


class TestRabbitMQ:
    def test_a_kill_spares_what_is_durable_and_a_wipe_does_not(self, broker: RabbitMQ) -> None:
        """After kill -9 a confirmed message is still there; after a wipe it is not."""
        put(broker.url, "letters", b"hello")
        broker.await_durable("letters")
        first = broker.pid

        broker.kill()
        assert not psutil.pid_exists(first)
        broker.start()
        assert broker.pid != first
        assert take(broker.url, "letters") == b"hello"

        put(broker.url, "letters", b"hello")
        broker.wipe()
        broker.start()
        assert take(broker.url, "letters") is None

    def test_the_pid_is_the_broker_itself(self, broker: RabbitMQ) -> None:
        """Signals reach the Erlang VM and not a shell around it."""
        assert psutil.Process(broker.pid).name() == "beam.smp"

    def test_settings_reach_the_broker(self) -> None:
        """A consumer timeout closes the channel of who never acknowledges."""
        with RabbitMQ(
            settings={"consumer_timeout": "1000"},
            advanced="[{rabbit, [{channel_tick_interval, 500}]}].",
        ) as broker:
            put(broker.url, "letters", b"hello")
            with channel_of(broker.url) as channel:
                channel.basic_get("letters")

                def closed() -> bool:
                    channel.connection.process_data_events(0)
                    return bool(channel.is_closed)

                eventually(closed, 20, "the channel is closed")


class TestMongoDB:
    def test_a_kill_spares_what_is_durable_and_a_wipe_does_not(self) -> None:
        """After kill -9 a majority write is still there; after a wipe it is not."""
        with MongoDB() as store:
            with records_of(store.uri) as records:
                records.insert_one({"_id": 1})
            first = store.pid
            store.kill()
            assert not psutil.pid_exists(first)
            store.start()
            with records_of(store.uri) as records:
                assert records.find_one() == {"_id": 1}
            store.wipe()
            store.start()
            with records_of(store.uri) as records:
                assert records.find_one() is None

    def test_three_nodes_survive_their_primary(self) -> None:
        """Another node is elected, has every majority write, and the dead one comes back."""
        with MongoDB(3) as store, records_of(store.uri) as records:
            records.insert_one({"_id": 1})
            first = store.primary()
            first.kill()
            second = store.primary()
            assert second is not first
            records.insert_one({"_id": 2})
            assert records.count_documents({}) == 2
            first.start()
            assert first in store.secondaries()

    def test_a_set_restarts_with_its_data(self) -> None:
        """Three nodes that were stopped in order come back as the same set."""
        with MongoDB(3) as store:
            with records_of(store.uri) as records:
                records.insert_one({"_id": 1})
            store.restart()
            with records_of(store.uri) as records:
                assert records.find_one() == {"_id": 1}


class TestNoServerIsLeftBehind:
    def test_servers_die_with_the_process_that_started_them(self) -> None:
        """Not even kill -9 of a test run leaves a server, an epmd or a namespace behind."""
        script = textwrap.dedent("""
            import threading
            from tests.servers import MongoDB, Namespace, RabbitMQ
            servers = [MongoDB(), RabbitMQ()]
            # A thread that ends takes no server with it.
            starts = [threading.Thread(target=server.start) for server in servers]
            for start in starts:
                start.start()
            for start in starts:
                start.join()
            namespace = Namespace()
            sleeper = namespace.launch(["sleep", "infinity"])
            assert all(server.running for server in servers)
            print(namespace.cable.card, flush=True)
            sleeper.wait()
        """)
        run = subprocess.Popen(
            [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE
        )
        with run:
            assert run.stdout is not None
            card = run.stdout.readline().decode().strip()
            assert card in psutil.net_if_addrs()
            family = psutil.Process(run.pid).children(recursive=True)
            assert {"mongod", "beam.smp", "epmd", "sleep"} <= {child.name() for child in family}
            run.send_signal(signal.SIGKILL)
        eventually(lambda: not any(child.is_running() for child in family), 10, "all are gone")
        eventually(lambda: card not in psutil.net_if_addrs(), 10, "the cable is gone")


class TestFindingServers:
    def test_a_url_in_the_environment_comes_first(self) -> None:
        """What the environment names is used as it is, and nothing is started."""
        with find.rabbitmq({"TEST_RABBITMQ_URL": "amqp://there"}) as url:
            assert url == "amqp://there"
        with find.mongodb({"TEST_MONGODB_URI": "mongodb://there"}) as uri:
            assert uri == "mongodb://there"

    def test_docker_is_asked_whether_it_answers(self, tmp_path: Path) -> None:
        """No socket and a silent one are no Docker engine; one that answers a ping is."""
        path = tmp_path / "engine"
        environ = {"DOCKER_HOST": f"unix://{path}"}
        assert not find.docker_answers(environ)
        with socket.socket(socket.AF_UNIX) as engine:
            engine.bind(str(path))
            engine.listen()

            def answer(text: bytes) -> None:
                caller, _ = engine.accept()
                with caller:
                    caller.recv(100)
                    caller.sendall(text)

            for text, expected in ((b"", False), (b"HTTP/1.0 200 OK\r\n\r\nOK", True)):
                thread = threading.Thread(target=answer, args=(text,))
                thread.start()
                assert find.docker_answers(environ) is expected
                thread.join()

    def test_a_missing_server_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Who lacks RabbitMQ is told what to install."""
        monkeypatch.setattr(rabbitmq, "LIBRARY", tmp_path)
        with pytest.raises(ServerMissingError, match="rabbitmq-server, or set TEST_RABBITMQ_URL"):
            RabbitMQ()

    def test_test_processes_share_one_server(self, tmp_path: Path) -> None:
        """Whoever comes second gets the first one's server, which stays until both have left."""
        events: list[str] = []

        @contextmanager
        def make() -> Iterator[str]:
            events.append("start")
            yield "url"
            events.append("stop")

        first = find.shared(tmp_path, "server", make)
        second = find.shared(tmp_path, "server", make)
        assert first.__enter__() == "url"
        assert second.__enter__() == "url"
        second.__exit__(None, None, None)
        assert events == ["start"]
        first.__exit__(None, None, None)
        assert events == ["start", "stop"]

    @pytest.mark.parametrize(
        ("uri", "expected"),
        [
            ("mongodb://a:1,b:2/?replicaSet=rs0", "mongodb://a:1,b:2/x?replicaSet=rs0"),
            ("mongodb://a:1", "mongodb://a:1/x"),
            ("mongodb://me:secret@a/users", "mongodb://me:secret@a/x?authSource=users"),
        ],
    )
    def test_a_database_is_put_into_a_uri(self, uri: str, expected: str) -> None:
        """The database changes; the options and who logs in where do not."""
        assert find.with_database(uri, "x") == expected


class TestCutNetworks:
    @pytest.fixture
    def namespace(self) -> Iterator[Namespace]:
        with Namespace("broker", "other") as namespace:
            yield namespace

    @staticmethod
    def reaches(namespace: Namespace, broker: RabbitMQ, cable: str) -> bool:
        host = namespace.cables[cable].host_address
        script = f"import socket; socket.create_connection(({host!r}, {broker.port}), timeout=1)"
        process = namespace.launch(
            [sys.executable, "-c", script], env=dict(os.environ), output=subprocess.DEVNULL
        )
        return process.wait() == 0

    @pytest.mark.parametrize("direction", list(Direction))
    def test_a_cut_cable_carries_nothing_until_it_is_restored(
        self, broker: RabbitMQ, namespace: Namespace, direction: Direction
    ) -> None:
        """A process in the namespace loses the server on one cable and keeps the other."""
        cable = namespace.cables["broker"]
        assert self.reaches(namespace, broker, "broker")
        cable.cut(direction)
        assert not self.reaches(namespace, broker, "broker")
        assert self.reaches(namespace, broker, "other")
        cable.restore()
        assert self.reaches(namespace, broker, "broker")

    def test_an_unplugged_cable_can_be_plugged_in_again(
        self, broker: RabbitMQ, namespace: Namespace
    ) -> None:
        """The way back is there again with its addresses."""
        cable = namespace.cables["broker"]
        cable.unplug()
        assert not self.reaches(namespace, broker, "broker")
        cable.plug()
        assert self.reaches(namespace, broker, "broker")

    def test_a_cut_is_silent(self, broker: RabbitMQ, namespace: Namespace) -> None:
        """A connected client hears nothing, and goes on where it was when the cable is back."""
        host = namespace.cables["broker"].host_address
        script = textwrap.dedent(f"""
            import pika
            connection = pika.BlockingConnection(pika.URLParameters({broker.url_at(host)!r}))
            channel = connection.channel()
            channel.queue_declare("silence")
            print("ready", flush=True)
            while channel.basic_get("silence", auto_ack=True)[0] is None:
                pass
            print("heard", flush=True)
        """)
        client = namespace.launch(
            [sys.executable, "-c", script], env=dict(os.environ), output=subprocess.PIPE
        )
        assert client.stdout is not None
        with client:
            assert client.stdout.readline() == b"ready\n"
            namespace.cables["broker"].cut()
            with channel_of(broker.url) as channel:
                channel.basic_publish("", "silence", b"hello")
            assert client.poll() is None
            namespace.cables["broker"].restore()
            assert client.stdout.readline() == b"heard\n"
