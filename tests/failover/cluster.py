"""Several instances, real ones, and an honest account of what they did.

Nothing here asks the product whether it did right: starts are counted where they arrive,
at :class:`~tests.fakes.recording_target.RecordingTarget`, and rows are read from the
database itself.
"""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, Self

import psutil  # type: ignore[import-untyped]
import pymongo

from tests.failover.served import HERE, PATIENCE_S, Place, Served
from tests.fakes.recording_target import RecordingTarget, Request
from tests.waiting import eventually


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A row that accounts for a slot, or for all from ``covers_from`` to ``fire_at``."""

    job: str
    fire_at: datetime
    covers_from: datetime | None = None


class Store(Protocol):
    """The store's own files or tables, read without the product's help."""

    def slots(self) -> list[SlotRow]:
        """Return the rows of all slots."""

    def descriptions(self) -> list[tuple[str, str]]:
        """Return name and description of every job that is not deleted."""


class MongoRows:
    """A MongoDB, read with its driver."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def slots(self) -> list[SlotRow]:
        with pymongo.MongoClient[dict[str, Any]](self._uri, tz_aware=True) as client:
            rows = client.get_default_database("solocron")["runs"].find({"scheduled": True})
            return [SlotRow(r["job"], r["fire_at"], r.get("covers_from")) for r in rows]

    def descriptions(self) -> list[tuple[str, str]]:
        with pymongo.MongoClient[dict[str, Any]](self._uri) as client:
            rows = client.get_default_database("solocron")["jobs"].find({"deleted": False})
            return [(row["name"], row["definition"]["description"]) for row in rows]


class SqliteRows:
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def slots(self) -> list[SlotRow]:
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute(
                "SELECT json_extract(document, '$.job'), fire_at,"
                " json_extract(document, '$.covers_from') FROM runs WHERE scheduled"
            ).fetchall()
        return [
            SlotRow(job, _instant(fire_at), None if since is None else _instant(since))
            for job, fire_at, since in rows
        ]

    def descriptions(self) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(self._path)) as connection:
            query = "SELECT name, json_extract(document, '$.definition.description') FROM jobs"
            return connection.execute(f"{query} WHERE NOT deleted").fetchall()


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class Member:
    """One instance, which may be killed and started again.

    Attributes:
        healthy: whether a load balancer would pass requests on to it.
    """

    def __init__(
        self, number: int, folder: Path, settings: dict[str, str], place: Place = HERE
    ) -> None:
        self.number = number
        self._folder = folder / f"instance-{number}"
        self._folder.mkdir()
        self._settings = settings
        self._place = place
        self._life = 0
        self.healthy = True
        self._served: Served | None = None
        self.name = ""

    @property
    def served(self) -> Served:
        """The process, which must have been started."""
        assert self._served is not None
        return self._served

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._served is not None and self._served.process.poll() is None

    def start(self) -> Self:
        """Start it, under a new instance id."""
        self.close()
        self._life += 1
        self.name = f"i{self.number}.{self._life}"
        settings = {**self._settings, "SOLOCRON_INSTANCE": self.name}
        self._served = Served(self._folder, settings=settings, place=self._place)
        return self

    def executor_process(self) -> psutil.Process:
        """Return the process that executes or stands by."""
        return self.served.find("executor")

    def kill(self) -> None:
        """Kill every process of it with -9, executor first."""
        executor = self.executor_process()
        for process in [executor, *self.served.descendants()]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.served.process.kill()

    def close(self) -> None:
        """End it, however it is."""
        if self._served is not None:
            self._served.__exit__(None, None, None)
            self._served = None


@dataclass(frozen=True, slots=True)
class Leader:
    """Who executes, as an instance's status says."""

    member: Member
    term: int


@dataclass(slots=True)
class Expected:
    """A job, and when it is due: at epoch seconds with ``second % period == phase``."""

    name: str
    period: int
    phase: int
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def between(self, since: datetime | None, until: datetime) -> list[datetime]:
        """Return its slots in [*since*, *until*); none without *since*."""
        if since is None:
            return []
        return [slot for slot in self.slots(until) if since <= slot < until]

    def slots(self, until: datetime) -> list[datetime]:
        """Return its slots from two seconds after its creation to *until*."""
        slot = self.since.replace(microsecond=0) + timedelta(seconds=2)
        slots = []
        while slot <= until:
            if int(slot.timestamp()) % self.period == self.phase:
                slots.append(slot)
            slot += timedelta(seconds=1)
        return slots


class Cluster:
    """Instances, their target, and the jobs they were given.

    Args:
        folder: for data and logs.
        store: what the instances write to.
        environ: their settings.
        size: how many there are.
        places: where each of them runs, if not here.
        target_address: where their target listens.
        target: another target than one that answers at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: Store,
        environ: dict[str, str],
        size: int = 3,
        places: Sequence[Place] = (),
        target_address: str = "127.0.0.1",
        target: RecordingTarget | None = None,
    ) -> None:
        self.store = store
        self.target = target or RecordingTarget(address=target_address)
        self.jobs: dict[str, Expected] = {}
        self._folder, self._environ = folder, environ
        self.members = [
            Member(number, folder, environ, place)
            for number, place in enumerate(places or [HERE] * size)
        ]

    def __enter__(self) -> Self:
        for member in self.members:
            member.start()
        if self.members:
            self.leader()
        return self

    def add_member(self) -> Member:
        """Start one more instance, without waiting for it."""
        member = Member(len(self.members), self._folder, self._environ)
        self.members.append(member)
        return member.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.logs())
        for member in self.members:
            member.close()
        self.target.close()

    def logs(self) -> str:
        """Return the end of every instance's log, for a failed test."""
        return "\n".join(
            f"--- instance {member.number}\n" + "\n".join(member.served.log.splitlines()[-60:])
            for member in self.members
            if member._served is not None
        )

    # Asking -------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the status that any instance gives."""
        for member in self._serving():
            try:
                code, document = member.served.request("GET", "/v1/status")
            except OSError:
                continue
            if code == HTTPStatus.OK:
                return dict(document)
        return {}

    def _serving(self) -> list[Member]:
        return [member for member in self.members if member.running and member.healthy]

    def leader(self, other_than: int | None = None, timeout_s: float = PATIENCE_S) -> Leader:
        """Wait until an instance executes under a term higher than *other_than*."""

        def look() -> Leader | None:
            status = self.status()
            executor = status.get("executor")
            if status.get("state") != "executing" or not executor:
                return None
            if other_than is not None and executor["term"] <= other_than:
                return None
            named = [m for m in self.members if m.name == executor["instance"] and m.running]
            return Leader(named[0], executor["term"]) if named else None

        found = eventually(look, timeout_s, "an instance executes")
        assert found is not None
        return found

    def request(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Ask a running instance, another one each time."""
        serving = self._serving()
        member = serving[int(monotonic() * 1000) % len(serving)]
        return member.served.request(method, path, document)

    def add_job(self, name: str, period: int, phase: int = 0, **more: Any) -> None:
        """Create a job that calls the target every *period* seconds (1, or a divisor of 60)."""
        seconds = "*" if period == 1 else f"{phase}-59/{period}" if period < 60 else str(phase)
        definition = {
            "name": name,
            "schedule": {
                "kind": "cron",
                "expression": f"{seconds} * * * * *",
                "dialect": "cron6s",
            },
            "target": {"kind": "http", "url": f"{self.target.url}/status/200"},
            "keep_runs": 100_000,
            **more,
        }
        status, answer = self.request("POST", "/v1/jobs", definition)
        assert status in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}, answer
        self.jobs[name] = Expected(name, period, phase)

    # Judging ------------------------------------------------------------------------------

    def starts(self) -> list[Request]:
        """Return every call of the target so far, in the order of arrival."""
        return list(self.target.requests)

    def await_firing(self, after: float = 0.0, timeout_s: float = PATIENCE_S) -> Request:
        """Wait for the first call of the target later than *after* (monotonic)."""
        return self._await_start(lambda start: start.at > after, "jobs fire", timeout_s)

    def await_term_after(self, term: int, timeout_s: float = PATIENCE_S) -> Request:
        """Wait for the first call of the target under a higher term than *term*."""
        return self._await_start(
            lambda start: int(start.headers["x-solocron-term"]) > term,
            f"a successor of term {term} starts a run",
            timeout_s,
        )

    def _await_start(self, of: Callable[[Request], bool], what: str, timeout_s: float) -> Request:
        found = eventually(lambda: next(filter(of, self.starts()), None), timeout_s, what)
        assert found is not None
        return found

    def double_starts(self) -> list[str]:
        """Return what was started twice: a run, or a slot's first attempt."""
        runs: Counter[str] = Counter()
        slots: Counter[tuple[str, str]] = Counter()
        for start in self.starts():
            headers = start.headers
            runs[start.run_id] += 1
            if "x-solocron-fire-time" in headers and headers["x-solocron-attempt"] == "1":
                slots[headers["x-solocron-job"], headers["x-solocron-fire-time"]] += 1
        return [str(key) for counts in (runs, slots) for key, n in counts.items() if n > 1]

    def unaccounted(self, settle_s: float = 0.0) -> list[str]:
        """Return the slots, up to now less *settle_s*, that have not exactly one row."""
        until = datetime.now(UTC) - timedelta(seconds=settle_s)
        covered: Counter[tuple[str, datetime]] = Counter()
        for row in self.store.slots():
            for slot in [row.fire_at, *self.jobs[row.job].between(row.covers_from, row.fire_at)]:
                covered[row.job, slot] += 1
        return [
            f"{job.name} {slot}: {covered[job.name, slot]} rows"
            for job in self.jobs.values()
            for slot in job.slots(until)
            if covered[job.name, slot] != 1
        ]

    def await_accounted(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every slot up to two seconds ago has exactly one row."""
        until = datetime.now(UTC)

        def missing() -> list[str]:
            age = (datetime.now(UTC) - until).total_seconds()
            return self.unaccounted(settle_s=max(age, 0.0))

        eventually(lambda: not missing(), timeout_s, "every slot has exactly one row")


def longest_gap(cluster: Cluster, since: float, until: float) -> float:
    """Return the longest time without a start from *since* to *until* (monotonic)."""
    times = [start.at for start in cluster.starts() if since - 1.5 <= start.at <= until]
    return max((b - a for a, b in pairwise(times)), default=until - since)


def median(values: list[float]) -> float:
    """Return the middle one."""
    return sorted(values)[len(values) // 2]
