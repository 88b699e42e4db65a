"""No request reaches an address that the operator does not allow, however it is written."""

import os
from collections.abc import Callable, Iterator

import pycurl
import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.guard import Guard
from executor.adapters.http_target.request import new_handle, prepare
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.http_target.transfers import Ended, Transfers
from executor.adapters.system_clock import SystemClock
from executor.domain.address_policy import AddressPolicy
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Launcher
from tests.contract.http_workshop import DEAD_PORT
from tests.contract.launcher_contract import make_work
from tests.fakes.open_door import OpenDoor
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

#: Where a URL of the table has the port of a server that does listen on this machine.
LOOPBACK = (
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.000.000.001:{port}/",
    "http://127.255.255.254:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7F.0x0.0x0.0x1:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0x0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0x0:{port}/",
    "http://localhost:{port}/",
    "http://LocalHost:{port}/",
    "http://localhost.:{port}/",
    "http://any.name.localhost:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:FFFF:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/",
    "http://example.com%2F@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}?@example.com/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://１２７.０.０.１:{port}/",  # noqa: RUF001
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛocalhost:{port}/",
    "https://127.0.0.1:{port}/",
)

#: Nothing of ours listens there; not one packet may go there either.
ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0376.0251.254/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:0:a9fe:a9fe::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://169.254.170.2/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://example.com@169.254.169.254/",
)

#: Where a redirect must not lead, from a server that may be asked.
REDIRECTS = (
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "//169.254.169.254/",
    "http://127.0.0.2:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "https://127.0.0.2:{port}/",
    "http://a@127.0.0.2:{port}/",
)

#: Taken apart by different programs in different ways; no one may take them to this machine.
UNCLEAR = (
    "http://127.0.0.1:{port}\\@127.0.0.1:{port}/",
    "http://127.0.0.1%00.example.invalid:{port}/",
    "http://127.0.0.1%09:{port}/",
    "http://0x7f000001.invalid:{port}/",
    "http://256.256.256.256:{port}/",
    "http://[::1%25]:{port}/",
    "http://127.0.0.1:{port}@[::1]:{port}@127.0.0.1:{port}/",
)

Launch = Callable[[HttpRules], Launcher]


@pytest.fixture
def launch(log: WorkLog) -> Iterator[Launch]:
    """Makes launchers under the rules given."""
    launchers: list[Launcher] = []

    def make(rules: HttpRules) -> Launcher:
        launchers.append(HttpLauncher(log, SystemClock(), rules=rules))
        return launchers[-1]

    yield make
    for launcher in launchers:
        launcher.stop()


def errors(launcher: Launcher, log: WorkLog, urls: list[str]) -> dict[str, str]:
    """Send a request to each of *urls* and return why it failed."""
    launcher.start([make_work(HttpTarget(url=url), url) for url in urls])
    log.wait_for_ends(len(urls))
    assert {outcome.state for outcome in log.outcomes.values()} == {RunState.FAILED}
    return {url: log.outcomes[url].error or "" for url in urls}


@pytest.mark.parametrize("policy", [AddressPolicy.PRIVATE, AddressPolicy.PUBLIC])
def test_no_way_of_writing_it_leads_to_a_refused_address(
    launch: Launch, log: WorkLog, server: RecordingTarget, policy: AddressPolicy
) -> None:
    """Each run fails and says which setting refuses the address; nothing was sent."""
    urls = [url.format(port=server.port) for url in (*LOOPBACK, *ELSEWHERE)]

    found = errors(launch(HttpRules(refusal=policy.refusal)), log, urls)

    told = f"which SOLOCRON_HTTP_TARGETS={policy} does not allow"
    assert {url: error for url, error in found.items() if told not in error} == {}
    assert server.seen() == []


def test_the_message_says_which_name_has_which_address(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Host and port, the address, what it is, and the setting; nothing of path and query."""
    rules = HttpRules(refusal=AddressPolicy.PRIVATE.refusal)
    url = "http://0xa9fea9fe/latest?token=secret"

    assert errors(launch(rules), log, [url])[url] == (
        "169.254.169.254:80 resolves to 169.254.169.254, a metadata service, "
        "which SOLOCRON_HTTP_TARGETS=private does not allow"
    )


def test_unclear_urls_reach_nothing(launch: Launch, log: WorkLog, server: RecordingTarget) -> None:
    """Whether it is refused as a URL, as a name or as an address: nothing is sent."""
    urls = [url.format(port=server.port) for url in UNCLEAR]

    found = errors(launch(HttpRules(refusal=AddressPolicy.PRIVATE.refusal)), log, urls)

    assert {url: error for url, error in found.items() if "could not be judged" in error} == {}
    assert server.seen() == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_to_no_refused_address(
    launch: Launch, log: WorkLog, server: RecordingTarget, status: int
) -> None:
    """Only the first stop, which is allowed, sees a request."""
    door = OpenDoor("127.0.0.1")
    places = [place.format(port=server.port) for place in REDIRECTS]
    urls = [f"{server.url}/redirect/{status}?to={place}" for place in places]

    found = errors(launch(HttpRules(refusal=door.refusal)), log, urls)

    assert {url: e for url, e in found.items() if "SOLOCRON_HTTP_TARGETS=private" not in e} == {}
    assert all(request.path.startswith("/redirect/") for request in server.requests)
    assert len(server.requests) == len(urls)


def test_what_is_allowed_is_reached_and_only_its_address_is_asked_about(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """The address is judged once for each connection, not for each request on it."""
    door = OpenDoor("127.0.0.1")
    launcher = launch(HttpRules(refusal=door.refusal))
    for number in range(3):
        launcher.start([make_work(HttpTarget(url=server.url), f"run-{number}")])
        assert log.wait_for_end(f"run-{number}").state is RunState.SUCCEEDED

    assert door.asked == ["127.0.0.1"]


def test_a_name_with_a_refused_and_an_allowed_address_uses_the_allowed_one(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Of localhost only 127.0.0.1 is open here; that of IPv6 is passed over."""
    door = OpenDoor("127.0.0.1")
    launcher = launch(HttpRules(refusal=door.refusal))
    launcher.start([make_work(HttpTarget(url=f"http://localhost:{server.port}/"))])

    assert log.wait_for_end("run").state is RunState.SUCCEEDED
    assert server.seen() == ["run"]


def test_a_refusal_that_did_not_matter_is_not_blamed(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Of localhost one address is refused and the other answers; what failed came afterwards."""
    launcher = launch(HttpRules(refusal=OpenDoor("127.0.0.1").refusal))
    dead = f"http://127.0.0.1:{DEAD_PORT}/"
    url = f"http://localhost:{server.port}/redirect/302?to={dead}"

    assert errors(launcher, log, [url])[url] == (
        f"could not connect to 127.0.0.1:{DEAD_PORT}: Connection refused"
    )


def test_a_name_server_that_changes_its_mind_gains_nothing(server: RecordingTarget) -> None:
    """The first answer is allowed, the second is another address: that one is judged anew."""
    door = OpenDoor("127.0.0.1")
    first, _ = request_by_name("127.0.0.1", server, door)
    second, refused = request_by_name("127.0.0.2", server, door)

    assert (first, second) == (0, pycurl.E_COULDNT_CONNECT)
    assert refused is not None
    assert refused.startswith("127.0.0.2, a loopback address")
    assert door.asked == ["127.0.0.1", "127.0.0.2"]
    assert len(server.requests) == 1


def request_by_name(answer: str, server: RecordingTarget, door: OpenDoor) -> tuple[int, str | None]:
    """Send a request to a name whose look-up gives *answer*; return libcurl's code and refusal."""
    guard = Guard(door.refusal)
    url = f"http://rebound.example:{server.port}/"
    work = make_work(HttpTarget(url=url))
    curl = new_handle(1000, None, HttpRules())
    prepare(curl, work.run, HttpTarget(url=url), 5000, lambda _data: None, guard)
    curl.setopt(pycurl.RESOLVE, [f"rebound.example:{server.port}:{answer}"])
    ended = transfer(curl)
    curl.close()
    return ended.code, guard.refused


def transfer(curl: pycurl.Curl) -> Ended:
    """Carry out one request."""
    idle, other = os.pipe()
    transfers = Transfers(idle, SystemClock().monotonic, keep=1)
    transfers.add(curl)
    ended: list[Ended] = []
    while not ended:
        ended = transfers.step()
    transfers.drop(curl)
    transfers.close()
    os.close(idle)
    os.close(other)
    return ended[0]


def test_without_leave_no_proxy_of_the_environment_is_asked(
    launch: Launch, log: WorkLog, server: RecordingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the guard would see the proxy's address and not the target's."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, server.url)
    rules = HttpRules(refusal=OpenDoor("127.0.0.1").refusal, environment_proxies=False)
    urls = ["http://169.254.169.254/", "https://169.254.169.254/"]

    found = errors(launch(rules), log, urls)

    assert all("169.254.169.254, a metadata service" in error for error in found.values())
    assert server.seen() == []


def test_a_proxy_is_judged_by_its_own_address(
    launch: Launch, log: WorkLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who allows proxies still cannot be led to one on a refused address."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{DEAD_PORT}")
    rules = HttpRules(refusal=AddressPolicy.PRIVATE.refusal, environment_proxies=True)
    url = "http://target.invalid/"

    assert "127.0.0.1, a loopback address" in errors(launch(rules), log, [url])[url]


def test_no_descriptor_is_left_behind(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """A hundred refusals and a hundred connections leave as many open files as there were."""
    launcher = launch(HttpRules(refusal=OpenDoor("127.0.0.1").refusal))
    launcher.start([make_work(HttpTarget(url=f"{server.url}/drop"), "warm")])
    log.wait_for_end("warm")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    refused = f"http://127.0.0.2:{server.port}/"
    for number in range(100):
        launcher.start([make_work(HttpTarget(url=refused), f"refused-{number}")])
        launcher.start([make_work(HttpTarget(url=f"{server.url}/drop"), f"dropped-{number}")])
    log.wait_for_ends(201)

    assert len(server.requests) == 101
    assert len(os.listdir("/proc/self/fd")) < before + 20  # noqa: PTH208
