"""The judge of what is told of runs: from the rows, the outbox and what was delivered, alone.

The jobs of its scene repeat nothing by ``retry``, and what is lost is repeated ``RETRIGGER`` times
at most, so which ends are final can be read off the rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from executor.domain.notification import Notification
from executor.domain.run import Run
from tests.simulation.checker import LIVE
from tests.simulation.facts import Facts

#: What each job's rules cover, all of them without a pause between messages.
EACH = "told-each"
THRICE = "told-thrice"

#: The rules of the jobs of the scene.
RULES = {
    EACH: [
        {"channel": "ops", "on": ["success", "lost", "missed", "recovery"], "every": "PT0S"},
        {"channel": "pager", "on": ["failure"], "every": "PT0S"},
    ],
    THRICE: [{"channel": "ops", "on": ["failure"], "after": 3, "every": "PT0S"}],
}

_REPEATS = {"retry", "retrigger"}
_FAILED = {"failed", "timed_out", "lost"}


def check_telling(facts: Facts) -> list[str]:
    """Everything that a rule covers stands in the outbox once, and is delivered."""
    outbox = facts.ledger.model.every_notification()
    wrong = _check_twice(outbox) + _check_delivery(facts, outbox)
    for job in RULES:
        wrong += _check_ends(facts, job, [one for one in outbox if one.job == job])
    return wrong + _check_each(facts, outbox) + _check_thrice(facts, outbox)


def _check_twice(outbox: list[Notification]) -> list[str]:
    """One run, one channel, one event: one notification; a ping has a start and an end."""
    told = Counter(
        (one.run_id, one.channel, one.event, one.payload.get("signal") == "start") for one in outbox
    )
    return [f"told {number} times: {what}" for what, number in told.items() if number > 1]


def _is_final(row: Run, facts: Facts) -> bool:
    return not any(
        other.parent_run_id == row.id and other.cause in _REPEATS for other in facts.of(row.job)
    )


def _over(facts: Facts, job: str) -> list[Run]:
    """Return the rows that were over long before the end, those last of their chains."""
    return [
        row
        for row in facts.of(job)
        if row.state not in LIVE
        and (row.finished_at or row.created_at) <= facts.rest
        and _is_final(row, facts)
    ]


def _failed(row: Run) -> bool:
    return row.state in _FAILED or (row.state == "skipped" and row.cause in _REPEATS)


def _signals(row: Run) -> list[str]:
    if row.state == "succeeded":
        return [""]
    if _failed(row):
        return ["1" if row.exit_code else "fail"]
    return ["log"] if row.state == "cancelled" and row.started_at is not None else []


def _check_ends(facts: Facts, job: str, outbox: list[Notification]) -> list[str]:
    """Each final end of what had begun has its ping, whatever became of that."""
    signals: defaultdict[str | None, list[str]] = defaultdict(list)
    for one in outbox:
        if one.is_ping and one.payload["signal"] != "start":
            signals[one.run_id].append(one.payload["signal"])
    wrong = []
    for row in _over(facts, job):
        wanted = _signals(row)
        if signals[row.id] != wanted:
            wrong.append(f"{job} {row.id[:8]} {row.state}: pings {signals[row.id]}, not {wanted}")
    for run_id in signals:
        told = facts.rows.get(run_id or "")
        if told is None or not _is_final(told, facts):
            wrong.append(f"{job} {run_id}: a ping of an end that there is not")
    return wrong


def _check_each(facts: Facts, outbox: list[Notification]) -> list[str]:
    told: defaultdict[str | None, set[str]] = defaultdict(set)
    for one in outbox:
        told[one.run_id].add(one.event.value)
    wrong = []
    for row in _over(facts, EACH):
        wanted = set()
        if row.state == "succeeded":
            wanted = {"success"}
        elif row.state == "lost":
            wanted = {"lost"}
        found = told[row.id] & {"success", "lost"}
        if found != wanted:
            wrong.append(f"{EACH} {row.id[:8]} {row.state}: told of {found}, not {wanted}")
    return wrong + _check_turns(facts, outbox)


def _check_turns(facts: Facts, outbox: list[Notification]) -> list[str]:
    """Failures and recoveries tell the truth, and one is not told more often than the other."""
    wrong = []
    numbers: Counter[str] = Counter()
    for one in outbox:
        row = facts.rows.get(one.run_id or "")
        if one.job != EACH or one.event.value not in {"failure", "recovery"}:
            continue
        numbers[one.event.value] += 1
        true = row is not None and (_failed(row) == (one.event == "failure"))
        if not true:
            wrong.append(f"{EACH}: told of {one.event} of {row and row.state}")
    if numbers["failure"] > 1 + numbers["recovery"] + sum(
        one.event == "lost" for one in outbox if one.job == EACH
    ):
        wrong.append(f"{EACH}: told of {numbers['failure']} failures without recoveries between")
    return wrong


def _check_thrice(facts: Facts, outbox: list[Notification]) -> list[str]:
    """It always fails: told at the third, once; and every failure is counted once."""
    told = [one for one in outbox if one.job == THRICE and not one.is_ping]
    failures = [row for row in _over(facts, THRICE) if _failed(row)]
    wrong = []
    if len(failures) >= 3 and [one.payload["failures"] for one in told] != [3]:
        wrong.append(f"{THRICE}: {len(failures)} failures, told {[one.payload for one in told]}")
    tallies = facts.ledger.model.read_tallies([f"id-of-{THRICE}"])
    counted = sum(tally.failures for tally in tallies)
    later = sum(_failed(row) for row in facts.of(THRICE)) - len(failures)
    if not len(failures) <= counted <= len(failures) + later:
        wrong.append(f"{THRICE}: {counted} failures counted, there are {len(failures)}")
    return wrong


def _check_delivery(facts: Facts, outbox: list[Notification]) -> list[str]:
    """What is delivered has arrived, and nothing waits that could have been delivered."""
    arrived = facts.ledger.arrived
    wrong = [
        f"{one.job} {one.event}: {one.state}, and arrived {arrived[one.id]} times"
        for one in outbox
        if one.state == "delivered" and not arrived[one.id]
    ]
    return wrong + [
        f"{one.job} {one.event}: waits since {one.due_at}"
        for one in outbox
        if one.state == "pending" and one.due_at <= facts.rest
    ]
