"""The judge of slots under policies: each has its row, and what becomes of it is in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from executor.domain.run import Run
from tests.simulation.checker import check_slots, slots_of
from tests.simulation.facts import Facts
from tests.simulation.world import EPOCH

#: The watermark of a well job is hardly further behind than its period: what waits does not hold
#: it up, an answer of the store that dawdles does.
_BEHIND: Final = timedelta(seconds=5)


#: The misfire policy of the job that catches up what is hardly late, and nothing shortly before
#: the next slot, five seconds later.
LATE: Final = {"policy": "latest", "deadline": "PT4S", "only_if_next_later_than": "PT3S"}


@dataclass(frozen=True, slots=True)
class Habits:
    """What may become of the slots of a job: reasons to skip one, how long (s) one may last."""

    skips: frozenset[str]
    lasts_s: float


def _what(row: Run) -> str:
    return f"{row.job} {row.fire_at} {row.id[:8]} {row.cause} {row.state} {row.reason}"


def check_habits(
    facts: Facts, job: str, period: int, habits: Habits, slots: int | None
) -> list[str]:
    """Every slot has exactly one row, is skipped for a good reason, and ends.

    *slots*: there are so many, and the job is done after them; None: it goes on.
    """
    rows = facts.of(job)
    last = facts.rest
    if slots is not None:
        last = slots_of(period, EPOCH, EPOCH + timedelta(seconds=period * slots))[-1]
    until = {job: min(last, facts.rest)}
    wrong = check_slots(rows, {job: period}, EPOCH, until, timedelta(seconds=habits.lasts_s))
    for row in rows:
        if row.state == "skipped" and row.reason not in habits.skips:
            wrong.append(f"{_what(row)}: must not be skipped for that")
    watermark = facts.jobs[job].next_fire_at
    now = facts.ledger.world.now()
    if slots is not None:
        wrong += [
            f"{_what(row)}: after {last}" for row in rows if row.fire_at and row.fire_at > last
        ]
        if watermark is not None and last < facts.rest:
            wrong.append(f"{job}: not done, accounted for up to {watermark} only, at {now}")
    elif watermark is None or watermark < now - timedelta(seconds=period) - _BEHIND:
        wrong.append(f"{job}: accounted for up to {watermark} only, at {now}")
    return wrong


def check_replaced(facts: Facts) -> list[str]:
    """What is replaced ends as cancelled, and something newer has come due by then."""
    wrong = []
    for job in ("replace-1", "replace-2"):
        rows = facts.of(job)
        newest = max((row.fire_at for row in rows if row.fire_at is not None), default=EPOCH)
        for row in rows:
            if row.reason != "replaced":
                continue
            if row.state not in {"cancelling", "cancelled", "skipped", "lost", "succeeded"}:
                wrong.append(f"{_what(row)}: replaced")
            if row.fire_at is not None and row.fire_at >= newest:
                wrong.append(f"{_what(row)}: replaced, and nothing is newer")
    return wrong


def check_misfires(facts: Facts) -> list[str]:
    """``all`` runs whatever was missed, ``skip`` nothing of it, ``latest`` what is worth it."""
    wrong = []
    for row in facts.of("catch-late"):
        late = row.created_at - (row.fire_at or row.created_at)
        if row.cause == "catch_up" and late >= timedelta(seconds=2):
            wrong.append(f"{_what(row)}: caught up at {row.created_at}, so near the next one")
    for one in facts.handed("catch-late"):
        if one.run.scheduled and one.wall > (one.run.fire_at or one.wall) + timedelta(seconds=4):
            wrong.append(f"{_what(one.run)}: handed off at {one.wall}, after its deadline")
    for row in facts.of("catch-none"):
        if row.cause == "catch_up":
            wrong.append(f"{_what(row)}: caught up")
    for row in facts.of("catch-all"):
        if row.cause == "catch_up" and row.state == "skipped":
            wrong.append(f"{_what(row)}: not caught up")
    return wrong


def check_times(facts: Facts) -> list[str]:
    """Jitter puts off by no more than it says; what has waited too long does not start."""
    wrong = []
    for hand_off in facts.handed("jittered"):
        run = hand_off.run
        if run.fire_at is None or not run.scheduled:
            continue
        due = run.due_at or run.fire_at
        if not run.fire_at <= due < run.fire_at + timedelta(seconds=2) or hand_off.wall < due:
            wrong.append(f"{_what(run)}: due at {due}, handed off at {hand_off.wall}")
    for hand_off in facts.handed("hasty"):
        run = hand_off.run
        begin = run.due_at or (run.fire_at if run.scheduled else None) or run.created_at
        if hand_off.wall > begin + timedelta(seconds=3):
            wrong.append(f"{_what(run)}: due at {begin}, handed off at {hand_off.wall}")
    return wrong


def check_early(facts: Facts) -> list[str]:
    """No slot is handed off before its fire time, by the clock of its executor.

    What is sent again was due before, whatever a clock that was set back says.
    """
    return [
        f"{_what(one.run)}: handed off at {one.wall}"
        for one in facts.ledger.hand_offs
        if one.run.scheduled
        and not one.run.remote
        and one.run.fire_at is not None
        and one.wall < one.run.fire_at
    ]


#: Blackouts begin every so many seconds and last so many.
DARK_EVERY, DARK_FOR = 10, 4


def _darkness(instant: datetime) -> datetime | None:
    """Return when the blackout that holds *instant* began."""
    epoch = int(instant.timestamp())
    began = epoch - epoch % DARK_EVERY
    if epoch - began >= DARK_FOR:
        return None
    return EPOCH + timedelta(seconds=began - int(EPOCH.timestamp()))


def _knew(facts: Facts, row: Run, earlier: Run) -> bool:
    """Whether who wrote *row* could see by the watermark that *earlier* was accounted for."""
    term = min(term for run_id, term in facts.ledger.owned if run_id == row.id)
    return any(
        order < facts.ledger.minted_at[term]
        for order, watermark in facts.ledger.watermarks.get(row.job_id, ())
        if earlier.fire_at is not None and watermark > earlier.fire_at
    ) or term == min(term for run_id, term in facts.ledger.owned if run_id == earlier.id)


def check_blackouts(facts: Facts) -> list[str]:
    """What is due in a blackout is skipped, or the first of it is put off to its end."""
    wrong = []
    started: dict[datetime, list[Run]] = {}
    for job in ("dark-skip", "dark-after"):
        for row in facts.of(job):
            if not row.scheduled or row.fire_at is None or row.id not in facts.started:
                continue
            began = _darkness(row.fire_at)
            if began is not None and job == "dark-skip":
                wrong.append(f"{_what(row)}: started, although due in a blackout")
            elif began is not None:
                started.setdefault(began, []).append(row)
    for rows in started.values():
        first, *others = sorted(rows, key=lambda row: str(row.fire_at))
        wrong += [
            f"{_what(row)}: started besides {first.fire_at} of the same blackout"
            for row in others
            if _knew(facts, row, first)
        ]
    for hand_off in facts.handed("dark-after"):
        run = hand_off.run
        began = None if run.fire_at is None else _darkness(run.fire_at)
        if began is None or not run.scheduled:
            continue
        if hand_off.wall < began + timedelta(seconds=DARK_FOR):
            wrong.append(f"{_what(run)}: handed off in a blackout, at {hand_off.wall}")
    return wrong


def check_backfill(facts: Facts) -> list[str]:
    """Each slot of an acknowledged stretch has its row; its runs go one after another."""
    wrong = []
    counts = Counter(row.fire_at for row in facts.of("past") if row.scheduled)
    made = Counter(row.command_id for row in facts.of("past"))
    for command_id, one in facts.asked.items():
        if one.command.kind != "backfill_job" or one.result is None:
            continue
        if one.result.status != "created":
            wrong.append(f"{command_id}: {one.result.status} {one.result.message}")
            continue
        start = datetime.fromisoformat(one.command.arguments["from"])
        to = datetime.fromisoformat(one.command.arguments["to"])
        # By the clock of whoever answered, which may be behind.
        end = min(to, EPOCH, one.result.finished_at)
        slots = slots_of(5, start - timedelta(milliseconds=1), end)
        wrong += [f"{command_id}: {counts[s]} rows at {s}" for s in slots if counts[s] != 1]
        if one.result.facts["slots"] < len(slots):
            wrong.append(f"{command_id}: {one.result.facts} for {len(slots)} slots")
        if one.result.facts["backfilled"] > made[command_id]:
            wrong.append(f"{command_id}: {one.result.facts}, made {made[command_id]}")
    for row in facts.of("past"):
        if row.cause == "backfill" and row.state == "skipped":
            wrong.append(f"{_what(row)}: asked for")
    return wrong
