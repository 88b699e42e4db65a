"""How things stand: ``/v1/status``, ``/healthz``, ``/readyz``.

Status always answers 200 with what is known: an operator needs it most when the store
or the broker is away.  ``/healthz`` asks nothing but this process, so that a platform
does not restart every instance because the broker is down; ``/readyz`` asks both
dependencies, so that a load balancer passes over an instance that cannot serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.errors import Fault, StoreUnavailable
from executor.domain.instant import to_text
from executor.domain.report import Verdict
from executor.domain.run import Cause, Run
from executor.domain.term import TermRecord
from executor.domain.writes import Instance
from executor.ports.store import Counts, Readers, RunFilter
from web.documents import json_response
from web.problems import Problem
from web.routes import Answer, Call, Table
from web.services import Services

TABLE: Final = Table()

#: An executor clears its term every second or so; one that has not for this long is
#: stuck, cut off or dead, whatever the broker believes.
FRESH: Final = timedelta(seconds=10)

#: So many of the newest runs tell the present lateness.
SAMPLE: Final = 100

#: What adapters answer when a connection stands.
CONNECTED: Final = "connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Seconds between fire time and start, over ``runs`` of the newest runs."""

    runs: int
    median_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """What the store says at one moment; ``now`` is the store's."""

    now: datetime
    term: TermRecord | None
    instances: Sequence[Instance]
    counts: Counts
    newest_runs: Sequence[Run]
    lateness: Lateness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that is known; ``store`` is None when it does not answer, ``fault`` says why.

    ``state`` is ``executing``, ``no_executor`` or ``store_unavailable``.
    """

    state: str
    store: StoreView | None
    fault: str
    token: str
    broker: str
    dead_letters: int | None

    @property
    def term(self) -> TermRecord | None:
        """The term of the instance that executes now, None if none does."""
        return self.store.term if self.store and self.state == "executing" else None


def read_status(services: Services) -> Status:
    """Ask the store and the broker; never raises because one of them is away."""
    store, fault = None, ""
    try:
        store = _read_store(services.readers)
    except StoreUnavailable as error:
        fault = str(error) or "does not answer"
    return Status(
        state=_state(store),
        store=store,
        fault=fault,
        token=services.sender.token_state(),
        dead_letters=services.sender.dead_letters(),
        broker=services.sender.describe(),
    )


def _read_store(readers: Readers) -> StoreView:
    # Without a filter: what every store answers from one index, whatever the history's size.
    newest = readers.list_runs(RunFilter(), SAMPLE, None).items
    return StoreView(
        now=readers.now(),
        term=readers.read_term(),
        instances=readers.list_instances(),
        counts=readers.count(),
        newest_runs=newest,
        lateness=lateness(newest),
    )


def _state(store: StoreView | None) -> str:
    if store is None:
        return "store_unavailable"
    term = store.term
    alive = term is not None and not term.resigned and store.now - term.heartbeat_at <= FRESH
    return "executing" if alive else "no_executor"


def lateness(runs: Sequence[Run]) -> Lateness | None:
    """Return how late *runs* started, None if none of them has started.

    Only runs on schedule count: one that was caught up or retriggered is late on purpose.
    """
    late = sorted(
        (run.started_at - run.fire_at).total_seconds()
        for run in runs
        if run.started_at and run.fire_at and run.cause is Cause.SCHEDULE
    )
    if not late:
        return None
    return Lateness(
        runs=len(late),
        median_s=round(late[len(late) // 2], 3),
        p99_s=round(late[min(len(late) - 1, len(late) * 99 // 100)], 3),
    )


def status_document(status: Status, services: Services) -> dict[str, Any]:
    """Return the API's form of *status*."""
    store, term = status.store, status.term
    return {
        "state": status.state,
        "executor": term
        and {
            "instance": term.holder,
            "term": term.term,
            "since": to_text(term.acquired_at),
            "heartbeat_at": to_text(term.heartbeat_at),
            "tzdata": term.tzdata,
        },
        "instances": [_instance(instance) for instance in store.instances] if store else [],
        "token": status.token,
        "broker": status.broker,
        "store": CONNECTED if store else status.fault,
        "jobs": store.counts.jobs if store else None,
        "running": store.counts.running if store else None,
        "reports": reports_taken(status),
        "dead_letters": status.dead_letters,
        "lateness": store.lateness
        and {
            "runs": store.lateness.runs,
            "median_s": store.lateness.median_s,
            "p99_s": store.lateness.p99_s,
        }
        if store
        else None,
        "answered_by": services.instance_id,
        "version": services.version,
        "now": to_text(store.now if store else services.clock.now()),
    }


def reports_taken(status: Status) -> dict[str, int] | None:
    """Return how many reports the executor has taken in its term, as of its latest heartbeat."""
    holder = status.term and status.term.holder
    instances = status.store.instances if status.store else ()
    for instance in instances:
        if instance.id == holder:
            return {verdict.value: instance.reports.get(verdict.value, 0) for verdict in Verdict}
    return None


def _instance(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "host": instance.host,
        "version": instance.version,
        "role": instance.role,
        "seen_at": to_text(instance.seen_at),
        "detail": instance.detail,
        "tzdata": instance.tzdata,
    }


@TABLE.add(
    "GET",
    "/v1/status",
    summary="How things stand",
    description="Who executes, since when, which instances live, how late runs start.  "
    "Answers 200 even when the store or the broker is away, and says so.",
    tag="status",
    answers={HTTPStatus.OK: Answer(schema="Status", description="How things stand.")},
)
def get_status(call: Call) -> Response:
    """Answer with all that is known."""
    return json_response(status_document(read_status(call.services), call.services))


@TABLE.add(
    "GET",
    "/healthz",
    summary="Is this process alive?",
    tag="status",
    answers={HTTPStatus.OK: Answer(schema="Health", description="It is.")},
)
def get_health(call: Call) -> Response:
    """Answer without asking anybody else."""
    return json_response({"status": "ok"})


@TABLE.add(
    "GET",
    "/readyz",
    summary="Can this instance serve?",
    description="503 names what is away: `store`, `broker`, or both.",
    tag="status",
    answers={HTTPStatus.OK: Answer(schema="Health", description="Store and broker answer.")},
)
def get_readiness(call: Call) -> Response:
    """Ask the store and the broker whether they are there."""
    faults = []
    try:
        call.services.readers.now()
    except StoreUnavailable as error:
        faults.append(Fault("store", str(error) or "does not answer"))
    broker = call.services.sender.describe()
    if broker != CONNECTED:
        faults.append(Fault("broker", broker))
    if faults:
        away = " and ".join(fault.field for fault in faults)
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {away} unavailable", faults)
    return json_response({"status": "ready"})
