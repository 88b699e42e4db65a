"""Signed requests, verified as a target would: by openssl, and by the lines of the README."""

import re
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.keyring import Keyring
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget, Sign
from executor.ports.target import Launcher, Work
from tests.contract.http_workshop import METHODS, Method
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

README = Path(__file__).parents[2] / "README.md"

KEYRING = Keyring([b"k" * 32])

#: The key that both sides have.
KEY = "correct horse \u00e9"


@pytest.fixture
def launcher(log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
    launcher = HttpLauncher(log, SystemClock(), parallel=1, opener=KEYRING)
    yield launcher
    launcher.stop()


def signing(url: str, run_id: str = "run", **fields: Any) -> Work:
    target = HttpTarget(url=url, sign=Sign(secret="KEY"), **fields)
    return replace(make_work(target, run_id), sealed={"KEY": KEYRING.seal("KEY", KEY)})


def by_openssl(key: str, message: bytes) -> str:
    """Return the HMAC as another program makes it."""
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.encode().hex()}"],
        input=message,
        capture_output=True,
        check=True,
        timeout=20,
    )
    return done.stdout.decode().rpartition(" ")[2].strip()


def of_the_readme() -> Callable[..., bool]:
    """Return the function that the README gives to those who write targets."""
    found = re.search(r"(?ms)^    import hmac.*?^(?=\S)", README.read_text(encoding="utf-8"))
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(found[0]), str(README), "exec"), names)
    verify: Callable[..., bool] = names["is_from_solocron"]
    return verify


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_signed_over_timestamp_and_body(
    launcher: Launcher, log: WorkLog, server: RecordingTarget, method: Method
) -> None:
    """The body as it is sent, with its values in it and in UTF-8."""
    for number, body in enumerate(("", '{"run": {{ run.id | json }}, "grö\u00dfe": 1}')):
        launcher.start([signing(server.url, f"run-{number}", method=method, body=body)])
        log.wait_for_end(f"run-{number}")

    assert {outcome.state for outcome in log.outcomes.values()} == {RunState.SUCCEEDED}
    for request in server.requests:
        timestamp = request.headers["x-solocron-timestamp"]
        assert abs(int(timestamp) - time.time()) < 60
        code = by_openssl(KEY, timestamp.encode() + b"." + request.body)
        assert request.headers["x-solocron-signature"] == f"v1={code}"


def test_the_lines_of_the_readme_verify_a_request(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """They take what is sound, and nothing that was changed, is old or has another key."""
    launcher.start([signing(server.url, body="größer")])
    log.wait_for_end("run")
    [request] = server.requests
    names = {"x-solocron-timestamp": "X-Solocron-Timestamp"}
    names["x-solocron-signature"] = "X-Solocron-Signature"
    headers = {proper: request.headers[name] for name, proper in names.items()}
    verify = of_the_readme()
    old = {**headers, "X-Solocron-Timestamp": str(int(time.time()) - 301)}

    assert verify(KEY, headers, request.body)
    assert not verify(KEY, headers, request.body + b" ")
    assert not verify("another key", headers, request.body)
    assert not verify(KEY, old, request.body)


def test_each_request_has_its_own_signature_or_none(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """Nothing of one stays for the next on the same connection."""
    plain = make_work(HttpTarget(url=server.url), "plain")
    launcher.start([signing(server.url, "first", body="a"), plain, signing(server.url, "second")])
    log.wait_for_ends(3)

    signatures = [one.headers.get("x-solocron-signature") for one in server.requests]
    assert signatures[1] is None
    assert len(set(signatures)) == 3


def test_a_job_cannot_sign_for_itself(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """A header of that name in the job is dropped."""
    forged = {"X-Solocron-Signature": "v1=forged", "x-solocron-timestamp": "1"}
    launcher.start([make_work(HttpTarget(url=server.url, headers=forged))])
    log.wait_for_end("run")

    assert "x-solocron-signature" not in server.requests[0].headers
    assert "x-solocron-timestamp" not in server.requests[0].headers


def test_the_key_is_not_kept(launcher: Launcher, log: WorkLog, server: RecordingTarget) -> None:
    """A target that knows the key and says it is heard without it."""
    launcher.start([signing(f"{server.url}/echo", body=f"the key is {KEY}")])
    outcome = log.wait_for_end("run")

    assert outcome.output is not None
    assert outcome.output.head == "the key is [secret KEY]"
