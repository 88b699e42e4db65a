"""The judge: from rows and ledger alone, with its own idea of when jobs are due.

It shares no code with the engine.  The steady jobs are due whenever the epoch second is
divisible by their period, so their slots are plain arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from executor.domain.run import Run
from tests.simulation.ledger import Ledger

LIVE = {"pending", "running", "cancelling"}

#: A run takes up to 6 s, and the answers that record it may dawdle as long again.
SLOWEST = timedelta(seconds=10)

#: Once nothing is broken any more, steady jobs are started again within so many seconds: a
#: candidate may be standing aside for its longest time, then minting and loading take a moment.
RESUMES_S = 20.0

#: Between two starts of steady jobs there is no longer time (s) while nothing is broken: one is
#: due each second, and answers that dawdle may hold up the clearance.
PAUSES_S = 8.0


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
    rows: Iterable[Run],
    periods: dict[str, int],
    since: datetime,
    until: dict[str, datetime],
    slowest: timedelta = SLOWEST,
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
        if row.state in LIVE and row.fire_at <= until[row.job] - slowest:
            wrong.append(f"{row.job} {row.fire_at}: still {row.state} at rest, term {row.term}")
    for job, period in periods.items():
        for slot in slots_of(period, since, until[job]):
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
    """What is started is live for the store and its starter's, and does not end as skipped.

    What is handed over need not be begun by whoever has it.
    """
    wrong = []
    for start in ledger.starts:
        who = f"{start.run.job} {start.run.fire_at} {start.run.id[:8]} by {start.instance}"
        row = start.row
        if row is None or row.state not in LIVE or row.term != start.run.term:
            wrong.append(f"{who}: started although its row is {row and (row.state, row.term)}")
        last = rows.get(start.run.id)
        if last is not None and last.state == "skipped" and not last.remote:
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


def check_changeable(
    rows: Iterable[Run], job: str, period: int, since: datetime, until: datetime
) -> list[str]:
    """A job whose schedule changes has no slot twice, and every slot since the last change."""
    own = [row for row in rows if row.job == job and row.fire_at is not None]
    counts = Counter(row.fire_at for row in own if row.scheduled)
    wrong = [f"{job} {slot}: {count} rows" for slot, count in counts.items() if count > 1]
    recent = [row for row in own if (row.covers_from or row.fire_at or since) > since]
    return wrong + check_slots(recent, {job: period}, since, {job: until})


def check_resumption(
    ledger: Ledger, periods: dict[str, int], since: float, until: float
) -> list[str]:
    """Dispatch goes on within :data:`RESUMES_S` of the last fault, and then does not rest."""
    times = [start.time for start in ledger.starts if start.run.job in periods]
    wrong = []
    last = since
    for time in [*times, until]:
        if time < since:
            continue
        longest = RESUMES_S if last < since + RESUMES_S else PAUSES_S
        if time - last > longest:
            wrong.append(f"nothing starts from {last:.3f} to {time:.3f}")
        last = time
    return wrong
