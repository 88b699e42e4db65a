"""What stands in the store when a history begins, and what the checkers are told of it.

The steady jobs, which every history has, and the jobs of its scenes.  They are the same in
every history that has them, and parsing a definition takes long: each is parsed once, for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from executor.domain.calendar import CALENDARS, calendar_from_document
from executor.domain.channel import CHANNELS, channel_from_document
from executor.domain.instant import to_text
from executor.domain.job import Job, definition_from_document
from executor.domain.named import NamedWrite, Stored
from executor.domain.targets import MessageTarget
from executor.domain.writes import JobWrite
from tests.simulation import checker, slot_checker
from tests.simulation.clients import definition
from tests.simulation.ledger import Ledger, LedgerStore
from tests.simulation.policies import SCENES, Policed, Scene
from tests.simulation.workers import BY_WORKERS
from tests.simulation.world import EPOCH

#: The steady jobs and their periods (s).
STEADY: Final = {"every-1": 1, "every-2": 2, "every-5": 5, "every-15": 15, "long-10": 10}

#: A job whose schedule is changed now and then.
CHANGEABLE: Final = "changeable"
CHANGEABLE_PERIOD: Final = 2

#: A job whose history is pruned at once: what is gone must not be run again.
PRUNED: Final = "every-1-kept-briefly"


def write(scenes: Mapping[str, Scene], ledger: Ledger, store: LedgerStore) -> None:
    """Let all jobs stand in the store, and the checkers know what those of *scenes* promise."""
    store.write_jobs([JobWrite(job, None) for job in _steady_jobs()])
    _write_named(scenes, store)
    for which, scene in scenes.items():
        store.write_jobs([JobWrite(job, None) for job in _jobs_of(which)])
        for name, policed in scene.jobs.items():
            _promise(name, policed, ledger)


def _write_named(scenes: Mapping[str, Scene], store: LedgerStore) -> None:
    if "blackout" in scenes:
        cron, lasts = f"*/{slot_checker.DARK_EVERY} * * * * *", f"PT{slot_checker.DARK_FOR}S"
        window = {"cron": cron, "dialect": "cron6s", "duration": lasts}
        calendar = calendar_from_document({"name": "dark", "windows": [window]})
        stored = Stored(name="dark", value=calendar, revision=1, updated_at=EPOCH)
        store.write_named(NamedWrite(CALENDARS, stored, None))
    if "told" in scenes:
        hook = channel_from_document({"kind": "webhook", "url": "https://example.com/hook"})
        for name in ("ops", "pager"):
            channel = Stored(name=name, value=hook, revision=1, updated_at=EPOCH)
            store.write_named(NamedWrite(CHANNELS, channel, None))


def _promise(name: str, policed: Policed, ledger: Ledger) -> None:
    ledger.limits[name] = policed.limit
    after = policed.document.get("after", {})
    if after.get("mode") == "all":
        ledger.wholes.parents[name] = frozenset(f"id-of-{one}" for one in after["jobs"])
    if "lock" in policed.document:
        ledger.locks[name] = policed.document["lock"]
    if policed.document.get("overlap", {}).get("policy") == "replace":
        ledger.replaces.add(name)
    if policed.in_order:
        ledger.in_order.add(name)


@cache
def _steady_jobs() -> tuple[Job, ...]:
    periods = [*STEADY.items(), (PRUNED, 1), (CHANGEABLE, CHANGEABLE_PERIOD)]
    return tuple(
        _job(name, definition(name, period) | ({"keep_runs": 1} if name == PRUNED else {}), period)
        for name, period in periods
    )


@cache
def _jobs_of(scene: str) -> tuple[Job, ...]:
    return tuple(_policed_job(name, policed) for name, policed in SCENES[scene].jobs.items())


def _policed_job(name: str, policed: Policed) -> Job:
    document = definition(name, policed.period or 1) | policed.document
    if not policed.period:
        document["schedule"] = policed.document.get("schedule")
    elif policed.slots is not None:
        first = to_text(_first_slot(policed.period))
        document["schedule"] = f"R{policed.slots - 1}/{first}/PT{policed.period}S"
    if policed.period and policed.jitter is not None:
        document["schedule"]["jitter"] = policed.jitter
    job = _job(name, document, policed.period)
    if name.startswith(BY_WORKERS):
        job = replace(job, definition=replace(job.definition, target=MessageTarget()))
    return job


def _first_slot(period: int) -> datetime:
    return checker.slots_of(period, EPOCH, EPOCH + timedelta(minutes=1))[0]


def _job(name: str, document: dict[str, Any], period: int | None) -> Job:
    return Job(
        id=f"id-of-{name}",
        definition=definition_from_document(document),
        revision=1,
        created_at=EPOCH,
        updated_at=EPOCH,
        next_fire_at=_first_slot(period) if period else None,
    )
