"""A secret is where it is needed, and nowhere else: not in an answer, a log, a file, a process.

One instance is given a secret in every way and uses it in every place; what fails, fails with
the secret at hand.  Then everything that anybody could look at is searched, for the value and
for the usual ways of writing it.  What is searched is not listed here: it is every GET of the
API's own description, every file of the data folder, every process of the service.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import pytest

from tests.contract.http_workshop import DEAD_PORT
from tests.failover.served import PATIENCE_S, ROOT, Served
from tests.fakes.recording_target import RecordingTarget, Request
from tests.waiting import eventually

#: Says a value on both outputs in several spellings, three bytes at a time; then waits until
#: somebody opens and closes the pipe that it is given, and fails.
PROGRAM = """
import base64, json, os, sys, urllib.parse
value = os.environ["KEY"]
raw = value.encode()
spellings = [
    raw,
    sys.argv[1].encode(),
    base64.b64encode(raw),
    base64.b64encode(b"user:" + raw),
    base64.urlsafe_b64encode(b"to" + raw),
    urllib.parse.quote(value, safe="").encode(),
    urllib.parse.quote_plus(value).encode(),
    json.dumps(value).encode(),
    repr(value).encode(),
]
for output in (1, 2):
    for one in spellings:
        for start in range(0, len(one), 3):
            os.write(output, one[start : start + 3])
        os.write(output, b"\\n")
with open(sys.argv[2]) as pipe:
    pipe.read()
raise SystemExit("it ends with " + value)
"""

#: A job in Python that tells a value in every way that it has, names of members among them.
MODULE = """
def tell(context, key, fails=False):
    context.progress(1, 2, "half of " + key)
    context.log.warning("it logs %s", key)
    print(key)
    context.write_status("warning", {key: [key]})
    if fails:
        raise RuntimeError("it ends with " + key)
    return {key: {"key": [key]}}
"""

#: A channel that takes what it is told, one that refuses it, and one that is not there.
CHANNELS = ("takes", "refuses", "gone")


@dataclass(frozen=True)
class Value:
    """A secret's value, and how it is told wherever it stands.

    ``core`` is letters and digits, which no spelling but base64 changes.
    """

    core: str = field(default_factory=lambda: uuid4().hex)

    @property
    def text(self) -> str:
        """The value as it is put."""
        return f'pass/{self.core}+\u00fc "x" & y=\\'

    @property
    def marks(self) -> tuple[bytes, ...]:
        """Texts of which one is in everything that gives the value away."""
        encoded = [b64encode(bytes(before) + self.core.encode()) for before in range(3)]
        # Without the ends, which depend on what stands before and after.
        return (self.core.encode(), *(one[4:-8] for one in encoded))

    def is_in(self, data: bytes) -> bool:
        """Whether *data* gives the value away."""
        return any(mark in data for mark in self.marks)


@pytest.mark.parametrize(
    "spelling",
    [
        lambda raw: raw,
        lambda raw: quote(raw, safe="").encode(),
        lambda raw: json.dumps(raw.decode()).encode(),
        b64encode,
        lambda raw: b64encode(b"user:" + raw),
        lambda raw: urlsafe_b64encode(b"to" + raw),
        lambda raw: b64encode(b"x" + raw),
    ],
)
def test_the_search_would_find_it(spelling: Any) -> None:
    """In whichever spelling, and never by chance."""
    value = Value()

    assert value.is_in(b"before " + spelling(value.text.encode()) + b" after")
    assert not value.is_in(spelling(Value().text.encode()))


class House:
    """An instance with a secret, what it was asked, and what it answered.

    Attributes:
        heard: every answer that it has given, by what was asked.
        runs: the ids of the runs, by their jobs.
    """

    def __init__(self, folder: Path, server: RecordingTarget) -> None:
        self.value, self.lines, self.hook = Value(), Value(), Value()
        self.heard: dict[str, bytes] = {}
        self.runs: dict[str, str] = {}
        self.data = folder / "data"
        self.pipe = folder / "pipe"
        self.server = server
        os.mkfifo(self.pipe)
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.key = b64encode(os.urandom(32)).decode()
        (folder / "telling.py").write_text(MODULE, encoding="utf-8")
        settings = {
            "SOLOCRON_SECRET_KEY": self.key,
            "SOLOCRON_LOG_LEVEL": "debug",
            "SOLOCRON_JOBS": "telling",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
        }
        self.served = Served(folder, settings=settings)

    def __enter__(self) -> Self:
        self.served.__enter__()
        self.served.await_executing()
        return self

    def __exit__(self, *how: Any) -> None:
        self.served.__exit__(*how)

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Ask for something, and keep the answer."""
        status, answer = self.served.request(method, path, document)
        self.heard[f"{len(self.heard)} {method} {path}"] = json.dumps(answer).encode()
        return status, answer

    def put_secrets(self) -> None:
        """Give it the secrets, wrongly first."""
        for wrong in ({"value": self.value.text, "more": 1}, {"values": self.value.text}):
            assert self.ask("PUT", "/v1/secrets/TOKEN", wrong)[0] == 422
        lines = f"{self.lines.core}\n{self.lines.core}"
        texts = {"TOKEN": self.value.text, "LINES": lines, "HOOK": self.hook.text}
        for _ in range(2):
            for name, text in texts.items():
                status, _ = self.ask("PUT", f"/v1/secrets/{name}", {"value": text})
                assert status in {200, 201}

    def add(self, name: str, notify: Sequence[Any] = (), **target: Any) -> None:
        """Make a job with two revisions, and run it."""
        for description in ("first", "second"):
            job = {"name": name, "target": target, "description": description, "notify": notify}
            status, answer = self.ask("PUT", f"/v1/jobs/{name}", job)
            assert status in {200, 201}, answer
        self.run(name)

    def run(self, name: str) -> None:
        """Run a job."""
        status, answer = self.ask("POST", f"/v1/jobs/{name}/trigger")
        assert status == 201, answer
        self.runs[name] = answer["id"]

    def ended(self, name: str) -> dict[str, Any]:
        """Return the job's run once it is over."""

        def over() -> dict[str, Any] | None:
            _, run = self.served.request("GET", f"/v1/runs/{self.runs[name]}")
            return run if run["state"] not in {"pending", "running"} else None

        found = eventually(over, PATIENCE_S, f"the run of {name} ends")
        assert found is not None
        return found

    def processes(self) -> list[psutil.Process]:
        """Return the service's processes, and those it has started."""
        return [psutil.Process(self.served.process.pid), *self.served.descendants()]

    def command_ids(self) -> list[str]:
        """Return the ids of all commands that it has an answer to."""
        with closing(sqlite3.connect(self.data / "solocron.db")) as connection:
            return [row[0] for row in connection.execute("SELECT command_id FROM results")]

    def notifications(self) -> list[dict[str, Any]]:
        """Return what was to be told."""
        _, answer = self.ask("GET", "/v1/notifications")
        return list(answer["items"])

    def read(self, address: str) -> bytes:
        """Return what GET answers; a refusal says something, too."""
        try:
            return self.served.fetch(address)
        except HTTPError as refusal:
            # The run is not of that job; or it cannot be cancelled, as one protocol does by GET.
            if refusal.code not in {400, 404}:
                raise
            return refusal.read()

    def look_everywhere(self) -> None:
        """Read everything that can be read over HTTP, at every route."""
        known: dict[str, Sequence[object]] = {
            "job": list(self.runs),
            "run": list(self.runs.values()),
            "revision": [1],
            "secret": ["TOKEN", "LINES", "HOOK"],
            "calendar": ["works"],
            "command": self.command_ids(),
            "channel": CHANNELS,
            "notification": [one["id"] for one in self.notifications()],
        }
        description = json.loads(self.served.fetch("/openapi.json"))
        for path, methods in description["paths"].items():
            if "get" not in methods or path.startswith("/ping/"):
                continue  # Pings say something; they read nothing.
            parameters = methods["get"].get("parameters", [])
            names = [one["name"] for one in parameters if one["in"] == "path"]
            for values in product(*(known[name] for name in names)):
                address = path.format(**dict(zip(names, values, strict=True)))
                if path.endswith("/explain"):
                    address += "?at=2026-12-01T00:00:00Z"
                self.heard[address] = self.read(address)
        self.heard["/"] = self.served.fetch("/")

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that was heard, the log, and every file of the data folder."""
        yield from self.heard.items()
        yield "the log", self.served.log.encode()
        for file in self.data.rglob("*"):
            if file.is_file():
                yield str(file), file.read_bytes()

    def assert_nothing_in_sight(self) -> None:
        """No answer, no line and no file gives any of the secrets away."""
        seen = [
            where
            for where, data in self.everything()
            if any(value.is_in(data) for value in (self.value, self.lines, self.hook))
        ]
        assert seen == []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with RecordingTarget() as server, House(tmp_path, server) as house:
        yield house


def use_it_in_requests(house: House) -> None:
    """In URL, header, body and as a key; answered well, badly, and not at all."""
    url, plain = house.server.url, "{{ secret.TOKEN }}"
    body = '{"key": {{ secret.TOKEN | json }}}'
    place = "{{ secret.TOKEN | url }}"
    house.ask("PUT", "/v1/calendars/works", {"name": "works", "dates": []})
    header = {"X-Api-Key": plain.replace("TOKEN", "HOOK | url")}
    house.add("echo", kind="http", url=f"{url}/echo?key={place}", headers=header, body=body)
    house.add("signed", kind="http", url=f"{url}/echo", body=body, sign={"secret": "HOOK"})
    unequal = {"json_pointer": "/key", "equals": "another"}
    house.add("unequal", kind="http", url=f"{url}/echo", body=body, expect_body=unequal)
    house.add("refused", kind="http", url=f"{url}/status/503?{place}", headers=header)
    house.add("dead", kind="http", url=f"http://127.0.0.1:{DEAD_PORT}/{place}")
    house.add("lost", kind="http", url=f"http://{place}.invalid/")
    house.add("no-url", kind="http", url=plain)
    house.add("two-lines", kind="http", url=url, headers={"X": "{{ secret.LINES }}"})
    led = f"{url}/redirect/302?to=http://127.0.0.1:{DEAD_PORT}/{place}"
    house.add("led-away", kind="http", url=led)


def use_it_in_programs(house: House) -> None:
    """In a program's environment and arguments, and where there is no program."""
    house.add("nowhere", kind="command", argv=["/nowhere/{{ secret.TOKEN }}", "{{ secret.LINES }}"])
    house.add("shell", kind="command", command="sh -c 'echo {{ secret.TOKEN }} >&2; exit 1'")
    house.add(
        "program",
        kind="command",
        argv=[sys.executable, str(house.program), "{{ secret.TOKEN }}", str(house.pipe)],
        env={"KEY": "{{ secret.TOKEN }}"},
    )


def use_it_in_python(house: House) -> None:
    """As an argument of a function, which returns it or fails with it."""
    for name, more in (("returns", {}), ("raises", {"fails": True})):
        arguments = {"key": "{{ secret.TOKEN }}", **more}
        house.add(name, kind="python", callable="telling:tell", arguments=arguments)


def call_back_with_it(house: House) -> None:
    """A service goes on with a run, and repeats the header that it was sent in all it reports."""
    header = {"X-Key": "{{ secret.HOOK | url }}"}
    house.add(
        "calls-back",
        kind="http",
        url=f"{house.server.url}/status/202/on",
        headers=header,
        callback=True,
    )

    def request() -> Request | None:
        return next((one for one in house.server.requests if one.path.endswith("/on")), None)

    taken = eventually(request, PATIENCE_S, "the service has the run")
    assert taken is not None
    place = taken.headers["x-solocron-callback"].removeprefix(house.served.url)
    key = taken.headers["x-key"]
    assert key == quote(house.hook.text, safe="")
    told = {"error": f"died of {house.hook.text}", "details": {key: {"keys": [house.hook.text]}}}
    for state in ("running", "failed"):
        progress = {"done": 1, "message": f"half of {key}"}
        report = {"state": state, "progress": progress, **told}
        token = {"X-Solocron-Token": taken.headers["x-solocron-token"]}
        status, answer = house.served.request("POST", place, report, token)
        assert status == 200, answer
        house.heard[f"the answer to {state}"] = json.dumps(answer).encode()


def use_it_in_channels(house: House) -> None:
    """In addresses and keys; of channels that take it, refuse it, and are not there."""
    place = "{{ secret.TOKEN | url }}"
    dead = f"http://127.0.0.1:{DEAD_PORT}"
    urls = (f"{house.server.url}/echo", f"{house.server.url}/status/503", dead)
    for name, url in zip(CHANNELS, urls, strict=True):
        channel = {"kind": "webhook", "url": f"{url}?key={place}"}
        more = {"authorization": "Bearer {{ secret.HOOK | url }}", "sign": {"secret": "HOOK"}}
        assert house.ask("PUT", f"/v1/channels/{name}", {**channel, **more})[0] == 201
    rules = [{"channel": name, "on": ["failure"]} for name in CHANNELS]
    house.add("told", rules, kind="http", url=f"{dead}/{place}")

    def tried() -> bool:
        told = house.notifications()
        return len(told) == len(CHANNELS) and all(one["attempts"] for one in told)

    eventually(tried, PATIENCE_S, "every channel was tried")


def assert_only_the_program_has_it(house: House) -> None:
    """While it runs: the value is in its environment, and the service's own processes lack it."""
    holders: list[bytes] = []
    others: list[bytes] = []
    for process in house.processes():
        told = "\0".join([*process.cmdline(), *map(str, process.environ().items())]).encode()
        mine = holders if str(house.program) in process.cmdline() else others
        mine.append(told)
    assert len(holders) == 1
    assert len(others) >= 3
    assert house.value.is_in(holders[0])
    assert house.key.encode() not in holders[0]
    assert not any(house.value.is_in(told) or house.hook.is_in(told) for told in others)


def let_go(house: House) -> None:
    """End the program, which waits for somebody to open and close the pipe."""

    def opened() -> bool:
        try:
            os.close(os.open(house.pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    eventually(opened, PATIENCE_S, "the program waits at the pipe")


@pytest.mark.timeout(240)
def test_a_secret_never_appears(house: House) -> None:
    """In any answer, the log, the data folder or a process, whatever was done with it."""
    house.put_secrets()
    use_it_in_requests(house)
    use_it_in_programs(house)
    use_it_in_python(house)
    call_back_with_it(house)
    use_it_in_channels(house)
    for name in set(house.runs) - {"program"}:
        house.ended(name)
    house.served.find(str(house.program))
    assert_only_the_program_has_it(house)
    with ThreadPoolExecutor() as threads:
        output = f"/v1/runs/{house.runs['program']}/output"
        followed = threads.submit(house.served.fetch, f"{output}?follow=1")
        eventually(lambda: b"[secret" in house.served.fetch(output), PATIENCE_S, "it is heard")
        let_go(house)
        house.heard["followed"] = followed.result()
    states = {name: house.ended(name)["state"] for name in house.runs}
    house.look_everywhere()
    house.assert_nothing_in_sight()

    # It was used: those who were to have it had it, and what is kept says where it stood.
    assert {name for name, state in states.items() if state == "succeeded"} == {
        "echo",
        "signed",
        "returns",
    }
    received = b"".join(one.path.encode() + one.body for one in house.server.requests)
    assert house.value.is_in(received)
    assert len([one for one in house.server.requests if b"told" in one.body]) >= 2
    assert any(house.hook.core in str(one.headers) for one in house.server.requests)
    said = house.heard[f"/v1/runs/{house.runs['program']}/output"]
    assert said.count(b"[secret TOKEN]") >= 18
    assert house.heard["followed"].count(b"[secret TOKEN]") >= 18
    for name, times in (("returns", 2), ("raises", 1), ("calls-back", 4)):
        assert house.heard[f"/v1/runs/{house.runs[name]}"].count(b"[secret ") >= times, name
    assert b"[secret TOKEN]" in house.heard[f"/v1/runs/{house.runs['nowhere']}"]


@pytest.mark.timeout(240)
def test_a_trace_does_not_tell_it(house: House) -> None:
    """The executor runs out of descriptors while it connects and starts programs."""
    house.put_secrets()
    use_it_in_requests(house)
    use_it_in_programs(house)
    use_it_in_channels(house)
    let_go(house)
    for name in house.runs:
        house.ended(name)
    # Now that everybody has the descriptors that he keeps.
    executor = house.served.find("executor.cli", "executor")
    soft, hard = executor.rlimit(psutil.RLIMIT_NOFILE)
    taken = {int(one.name) for one in Path(f"/proc/{executor.pid}/fd").iterdir()}
    free = next(number for number in count() if number not in taken)
    executor.rlimit(psutil.RLIMIT_NOFILE, (free, hard))
    for name in ("dead", "shell", "nowhere"):
        house.run(name)
        house.ended(name)
    executor.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))

    assert "Traceback" in house.served.log
    assert "Too many open files" in house.served.log
    house.look_everywhere()
    house.assert_nothing_in_sight()
