"""An instance and a worker whose servers have certificates of a company's own authority."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.failover.served import PATIENCE_S, Served
from tests.failover.workers import solocron_worker
from tests.servers.authority import Authority
from tests.servers.mongodb import MongoDB
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import eventually

#: The only host that the servers' certificate names, and another way to the same servers.
NAMED, UNNAMED = "localhost", "127.0.0.1"

WORKER = """
from executor.jobs import job


@job(name="elsewhere")
def work(context):
    return {"done": True}
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker and a store that speak TLS."""

    rabbitmq: RabbitMQ
    mongodb: MongoDB
    ca: Path

    def environ(self, host: str = NAMED, **changes: str) -> dict[str, str]:
        """Return what an instance is told that knows both servers as *host*."""
        store = self.mongodb.uri.replace(NAMED, host)
        usual = {
            "RABBITMQ_URL": self.rabbitmq.tls_url_at(host),
            "SOLOCRON_RABBITMQ_CA": str(self.ca),
            "MONGODB_URI": f"{store}&tls=true&tlsCAFile={quote(str(self.ca))}",
        }
        return usual | changes


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    authority = Authority(tmp_path_factory.mktemp("authority"), [NAMED])
    with (
        RabbitMQ(authority=authority) as rabbitmq,
        MongoDB(host=NAMED, authority=authority) as mongodb,
    ):
        yield Servers(rabbitmq, mongodb, authority.ca)


def status_of(served: Served) -> dict[str, Any]:
    status, document = served.request("GET", "/v1/status")
    assert status == HTTPStatus.OK
    assert isinstance(document, dict)
    return document


@pytest.mark.timeout(240)
def test_with_the_authority_all_is_as_ever(servers: Servers, tmp_path: Path) -> None:
    """The instance executes and takes changes, and a worker takes runs and reports them."""
    (tmp_path / "errands.py").write_text(WORKER, encoding="utf-8")
    environ = servers.environ()
    with (
        Served(tmp_path, settings=environ) as served,
        solocron_worker(tmp_path, "w1", environ, "errands"),
    ):
        served.await_executing()
        document = {"name": "elsewhere", "target": {"kind": "message"}}
        assert served.request("POST", "/v1/jobs", document)[0] == HTTPStatus.CREATED
        status, run = served.request("POST", "/v1/jobs/elsewhere/trigger")
        assert status == HTTPStatus.CREATED

        def state() -> str:
            return str(served.request("GET", f"/v1/runs/{run['id']}")[1]["state"])

        eventually(lambda: state() == "succeeded", PATIENCE_S, "the worker has done it")
        seen = status_of(served)

    assert (seen["broker"], seen["store"]) == ("connected", "connected")


#: What is wrong with a server's certificate, and how that is said.
FLAWS = pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [
        (NAMED, False, "self-signed certificate in certificate chain"),
        (UNNAMED, True, "IP address mismatch"),
    ],
    ids=["no authority", "another host"],
)


@pytest.mark.timeout(240)
@FLAWS
def test_a_broker_that_nobody_vouches_for_is_refused(
    servers: Servers, tmp_path: Path, host: str, trusted: bool, words: str
) -> None:
    """Log and status say why, changes are refused, and nothing is given away to it."""
    environ = servers.environ(RABBITMQ_URL=servers.rabbitmq.tls_url_at(host))
    if not trusted:
        del environ["SOLOCRON_RABBITMQ_CA"]
    with Served(tmp_path, settings=environ) as served:

        def explained() -> bool:
            return words in status_of(served)["broker"] and words in served.log

        eventually(explained, 2 * PATIENCE_S, "the certificate is named", ignoring=(OSError,))
        document = {"name": "refused", "target": {"kind": "command", "command": "true"}}
        status, problem = served.request("POST", "/v1/jobs", document)

    assert "certificate verify failed" in served.log
    assert status == HTTPStatus.SERVICE_UNAVAILABLE, problem


@pytest.mark.timeout(240)
@FLAWS
def test_a_store_that_nobody_vouches_for_is_refused(
    servers: Servers, tmp_path: Path, host: str, trusted: bool, words: str
) -> None:
    """Log and status say why."""
    uri = servers.environ(host)["MONGODB_URI"]
    environ = servers.environ(MONGODB_URI=uri if trusted else uri.partition("&tlsCAFile")[0])
    with Served(tmp_path, settings=environ) as served:

        def explained() -> bool:
            return words in status_of(served)["store"] and words in served.log

        eventually(explained, 2 * PATIENCE_S, "the certificate is named", ignoring=(OSError,))
        seen = status_of(served)

    assert "certificate verify failed" in seen["store"]
    assert seen["state"] == "store_unavailable"
