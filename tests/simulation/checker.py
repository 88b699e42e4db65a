"""The judge: from rows and ledger alone, with its own idea of when jobs are due.

It shares no code with the engine.  The steady jobs are due whenever the epoch second is
divisible by their period, so their slots are plain arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from executor.domain.run import Run
from tests.simulation.clients import Client
from tests.simulation.ledger import Ledger

LIVE = {"pending", "running", "cancelling"}

#: A run takes up to 6 s, and the answers that record it may dawdle as long again.
SLOWEST = timedelta(seconds=10)


def slots_of(period: int, after: datetime, until: datetime) -> list[datetime]:
    """Return the instants in (after, until] whose epoch second is divisible by *period*."""
    slot = after.replace(microsecond=0) + timedelta(seconds=1)
    slots = []
    while slot <= until:
        if int(slot.timestamp()) % period == 0:
            slots.append(slot)
        slot += timedelta(seconds=1)
    return slots


def check_slots(
    rows: Iterable[Run], periods: dict[str, int], since: datetime, until: datetime
) -> list[str]:
    """Every slot of a steady job has exactly one row, and it does not stay unfinished."""
    wrong = []
    covered: dict[str, Counter[datetime]] = {job: Counter() for job in periods}
    for row in rows:
        if row.job not in periods or not row.scheduled or row.fire_at is None:
            continue
        covered[row.job][row.fire_at] += 1
        if row.covers > 1:
            assert row.covers_from is not None
            earlier = row.covers_from - timedelta(seconds=1)
            group = slots_of(periods[row.job], earlier, row.fire_at)
            if len(group) != row.covers:
                wrong.append(
                    f"{row.job} {row.fire_at}: sums up {row.covers}, there are {len(group)}"
                )
            covered[row.job].update(group[:-1])
        if row.state in LIVE and row.fire_at <= until - SLOWEST:
            wrong.append(f"{row.job} {row.fire_at}: still {row.state} at rest, term {row.term}")
    for job, period in periods.items():
        for slot in slots_of(period, since, until):
            if covered[job][slot] != 1:
                wrong.append(f"{job} {slot}: {covered[job][slot]} rows")
    return wrong


def check_starts(ledger: Ledger) -> list[str]:
    """No run and no slot is started twice, and none uncleared."""
    wrong = []
    runs: Counter[str] = Counter()
    slots: Counter[tuple[str, datetime]] = Counter()
    for start in ledger.starts:
        run = start.run
        who = f"{run.job} {run.fire_at} {run.cause} {run.id[:8]} by {start.instance}"
        runs[run.id] += 1
        if runs[run.id] > 1:
            wrong.append(f"{who}: run started {runs[run.id]} times")
        if run.scheduled:
            assert run.fire_at is not None
            slots[run.job_id, run.fire_at] += 1
            if slots[run.job_id, run.fire_at] > 1:
                wrong.append(f"{who}: slot started again")
        written = ledger.owned.get((run.id, run.term))
        clearances = ledger.clearances.get(run.term, [])
        if written is None or written > start.order:
            wrong.append(f"{who}: started before its row was term {run.term}'s")
        elif not any(
            written < order < start.order and until >= run.clear_at for order, until in clearances
        ):
            wrong.append(f"{who}: started uncleared by term {run.term}")
    return wrong


def check_started_rows(ledger: Ledger, rows: dict[str, Run]) -> list[str]:
    """What is started is live for the store and its starter's, and does not end as skipped."""
    wrong = []
    for start in ledger.starts:
        who = f"{start.run.job} {start.run.fire_at} {start.run.id[:8]} by {start.instance}"
        row = start.row
        if row is None or row.state not in LIVE or row.term != start.run.term:
            wrong.append(f"{who}: started although its row is {row and (row.state, row.term)}")
        last = rows.get(start.run.id)
        if last is not None and last.state == "skipped":
            wrong.append(f"{who}: started, and recorded as skipped")
    return wrong


def check_repeats(ledger: Ledger, rows: dict[str, Run]) -> list[str]:
    """A repeating run starts only when the run it repeats is over for the store."""
    wrong = []
    for start in ledger.starts:
        parent = rows.get(start.run.parent_run_id or "")
        if parent is not None and parent.state in LIVE:
            wrong.append(f"{start.run.id} repeats {start.run.parent_run_id}, which is not over")
    return wrong


def check_clients(
    clients: Iterable[Client], jobs: dict[str, object], rows: dict[str, Run]
) -> list[str]:
    """Every acknowledged change is in force, every acknowledged run exists and is over."""
    wrong = []
    for client in clients:
        wrong += client.surprises
        found = jobs.get(client.name, {"exists": False, "paused": False, "note": ""})
        allowed = [client.acknowledged, *([client.pending] if client.pending else [])]
        if found not in allowed:
            wrong.append(f"{client.name}: found {found}, acknowledged {client.acknowledged}")
        for run_id in client.triggered:
            if run_id not in rows:
                wrong.append(f"{client.name}: acknowledged run {run_id} is not there")
    return wrong
