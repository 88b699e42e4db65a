"""The judge of what follows from the end of a run: retries, failure handlers, dependents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

from executor.domain.run import AWAITING, Run
from tests.simulation.checker import LIVE
from tests.simulation.clients import RETRIGGER
from tests.simulation.facts import Facts

_REPEATS: Final = {"retry", "retrigger"}
_FAILED: Final = frozenset({"failed", "timed_out", "lost"})

#: Why runs without a slot may be skipped.
_SKIPS: Final = frozenset({"joined", "overlap", "misfire"})


@dataclass(frozen=True, slots=True)
class Retries:
    """The retries of a job: ``attempts`` of them, each after a ``delay`` (s).

    The delay doubles up to ``longest`` and is shortened by up to ``jitter``.  None is due later
    than ``window`` (s) after the fire time, nor after an end that is not in ``states`` and, if it
    has an exit code or a status, in ``codes``.  ``retrigger`` as in the job.
    """

    attempts: int = 0
    delay: float = 0.0
    longest: float = 0.0
    jitter: float = 0.0
    window: float = inf
    states: frozenset[str] = _FAILED
    codes: frozenset[int] = frozenset({1, 2})
    retrigger: int = RETRIGGER

    def delays(self, tried: int) -> tuple[timedelta, timedelta]:
        """Return the least and the greatest delay after *tried* retries."""
        delay = min(self.delay * 2**tried, self.longest) if self.longest else self.delay
        return timedelta(seconds=delay * (1 - self.jitter)), timedelta(seconds=delay)


_RETRIES: Final = {
    "retry-1": Retries(2, 1.0),
    "retry-2": Retries(1, 2.0, codes=frozenset({500, 503})),
    "retry-3": Retries(
        *(3, 1.0, 3.0, 0.5, 5.0), frozenset({"failed", "lost"}), frozenset({1}), retrigger=0
    ),
}
_NO_RETRIES: Final = Retries()


def _chain(row: Run, facts: Facts) -> Iterator[Run]:
    """Yield *row* and what it repeats, the latest first."""
    while True:
        yield row
        parent = facts.rows.get(row.parent_run_id or "")
        if row.cause not in _REPEATS or parent is None:
            return
        row = parent


def _demands(row: Run, facts: Facts, retries: Retries) -> set[str]:
    """Return by which cause *row*, which is over, is to be repeated; "" if it is not.

    Both a retry and none is right where only the jitter decides whether the window is over.
    """
    causes = Counter(one.cause.value for one in _chain(row, facts))
    given_up = row.state == "cancelled" and row.reason in {"shutdown", "superseded"}
    if row.state == "lost" or given_up:
        never_started = given_up and row.reason == "superseded" and row.started_at is None
        if never_started or causes["retrigger"] < retries.retrigger:
            return {"retrigger"}
    code = row.exit_code or row.http_status
    worth_it = code is None or code in retries.codes
    if row.state not in retries.states or not worth_it or causes["retry"] >= retries.attempts:
        return {""}
    if retries.window == inf or row.finished_at is None or row.fire_at is None:
        return {"retry"}
    latest = row.fire_at + timedelta(seconds=retries.window)
    dues = [row.finished_at + delay for delay in retries.delays(causes["retry"])]
    return {"retry" if due <= latest else "" for due in dues}


def _is_over(row: Run, rest: datetime) -> bool:
    return row.state not in LIVE and row.finished_at is not None and row.finished_at < rest


def _repetitions(facts: Facts) -> dict[str | None, list[Run]]:
    found: dict[str | None, list[Run]] = defaultdict(list)
    for row in facts.rows.values():
        if row.cause in _REPEATS:
            found[row.parent_run_id].append(row)
    return found


def _followers(facts: Facts, cause: str) -> Counter[tuple[str | None, str]]:
    return Counter(
        (row.parent_run_id, row.job) for row in facts.rows.values() if row.cause == cause
    )


def _what(row: Run) -> str:
    return f"{row.job} {row.fire_at} {row.id[:8]} {row.cause} {row.state} {row.reason}"


def _is_failure(row: Run) -> bool:
    """Whether it failed, or was to repeat what was no success and might not."""
    repeats = row.cause in {"retry", "retrigger"}
    return row.state in _FAILED or (row.state == "skipped" and repeats)


def check_repetitions(facts: Facts, jobs: Iterable[str]) -> list[str]:
    """What is to be repeated is, once; each repetition says truly where in its chain it stands."""
    wrong = []
    kids = _repetitions(facts)
    for job in jobs:
        retries = _RETRIES.get(job, _NO_RETRIES)
        for row in facts.of(job):
            chain = list(_chain(row, facts))
            causes = Counter(one.cause.value for one in chain)
            first = chain[-1]
            if causes["retry"] > retries.attempts:
                wrong.append(f"{_what(row)}: retry number {causes['retry']}")
            if row.attempt != len(chain) or row.retriggers != causes["retrigger"]:
                wrong.append(f"{_what(row)}: attempt {row.attempt} is number {len(chain)}")
            if row.trigger_id != first.trigger_id or row.fire_at != first.fire_at:
                wrong.append(f"{_what(row)}: does not say what it repeats")
            found = [kid.cause.value for kid in kids[row.id]]
            demands = _demands(row, facts, retries)
            if "".join(found) not in demands and (found or _is_over(row, facts.rest)):
                wrong.append(f"{_what(row)}: repeated by {found}, demands {demands}")
    return wrong


def check_retries(facts: Facts) -> list[str]:
    """Attempts are as many as allowed and never early; one handler runs after the last."""
    wrong = check_repetitions(facts, [*_RETRIES, "handler"])
    handled = _followers(facts, "failure_handler")
    repeated = _repetitions(facts)
    for job, retries in _RETRIES.items():
        for row in facts.of(job):
            final = _is_failure(row) and "" in _demands(row, facts, retries)
            final = final and not repeated[row.id]
            times = handled[row.id, "handler"]
            if times != final and (times > final or _is_over(row, facts.rest)):
                wrong.append(f"{_what(row)}: its failure is handled {times} times")
        for hand_off in facts.handed(job):
            run = hand_off.run
            parent = facts.rows.get(run.parent_run_id or "")
            if run.cause != "retry" or parent is None or parent.finished_at is None:
                continue
            # Of what is lost nobody knows what its target said.
            wish = facts.ledger.wishes.get(parent.id, 0) if parent.state == "failed" else 0
            tried = sum(one.cause == "retry" for one in _chain(parent, facts))
            delay = max(retries.delays(tried)[0], timedelta(seconds=wish))
            if hand_off.wall < parent.finished_at + delay:
                wrong.append(f"{_what(run)}: {hand_off.wall} is too early a retry")
            if run.fire_at and (hand_off.wall - run.fire_at).total_seconds() > retries.window:
                wrong.append(f"{_what(run)}: {hand_off.wall} is too late a retry")
    wrong += _check_rest(facts, ["retry-1", "retry-2", "handler"])
    return wrong + _check_rest(facts, ["retry-3"], _SKIPS | {"retry_window"})


def _check_rest(facts: Facts, jobs: Iterable[str], skips: frozenset[str] = _SKIPS) -> list[str]:
    """Nothing that is not a slot's waits for ever, or is skipped for any other reason."""
    wrong = []
    for job in jobs:
        for row in facts.of(job):
            begin = row.due or row.created_at
            half_met = row.clear_at == AWAITING
            if row.state in LIVE and begin < facts.rest - timedelta(seconds=20) and not half_met:
                wrong.append(f"{_what(row)}: still waits at rest")
            if row.state == "skipped" and row.reason not in skips:
                wrong.append(f"{_what(row)}: must not be skipped")
    return wrong


def _check_followers(facts: Facts, child: str, parents: Iterable[str], ends: Set[str]) -> list[str]:
    """Each of these ends of a parent has exactly one row of the child, and no other end has."""
    wrong = []
    followers = _followers(facts, "dependency")
    for parent in parents:
        for row in facts.of(parent):
            ended = row.state in ends or (ends == _FAILED and _is_failure(row))
            demands = ended and "" in _demands(row, facts, _NO_RETRIES)
            times = followers[row.id, child]
            if times != demands and (times > demands or _is_over(row, facts.rest)):
                wrong.append(f"{_what(row)}: followed by {times} of {child}")
    return wrong


def check_any(facts: Facts) -> list[str]:
    """Every success of each parent is followed once, every failure by whom it concerns."""
    roots = ["any-root-1", "any-root-2"]
    wrong = _check_followers(facts, "any-child", roots, {"succeeded"})
    wrong += _check_followers(facts, "any-mourner", roots[:1], _FAILED)
    jobs = [*roots, "any-child", "any-mourner"]
    return wrong + check_repetitions(facts, jobs) + _check_rest(facts, jobs[2:])


def check_naps(facts: Facts) -> list[str]:
    """A pause that was acknowledged holds what comes due by itself, or by the ends of others."""
    wrong = _check_followers(facts, "nap-child", ["napping"], {"succeeded"})
    wrong += check_repetitions(facts, ["napping", "nap-child"])
    wrong += _check_rest(facts, ["nap-child"], frozenset({"paused"}))
    return wrong + [
        f"{_what(one.run)}: handed off at {one.wall}, during a pause"
        for job in ("napping", "nap-child")
        for one in facts.handed(job)
        if one.paused and one.run.cause in {"schedule", "dependency"}
    ]


def check_all(facts: Facts) -> list[str]:
    """Each success of a parent has its row; a whole becomes one run, and none is left lying.

    How many runs there may be is judged while it happens, in ``parked``: whenever a row is let
    go, one of each other parent is joined with it, and with no other.  Once all rows of a whole
    are known to an executor it lets go before it writes another.
    """
    roots = ["all-root-1", "all-root-2"]
    wrong = _check_followers(facts, "all-child", roots, {"succeeded"})
    final = {"succeeded", "cancelled", *_FAILED}
    wrong += _check_followers(facts, "all-grandchild", ["all-child"], final)
    children = facts.of("all-child")
    waiting = Counter(row.parent_job_id for row in children if row.clear_at == AWAITING)
    live = [row for row in children if row.clear_at == AWAITING and row.state in LIVE]
    if len({row.parent_job_id for row in live if row.created_at < facts.rest}) > 1:
        wrong.append(f"all-child: a whole is left lying, {[row.id[:8] for row in live]} {waiting}")
    runs = sum(row.cause == "dependency" and row.clear_at != AWAITING for row in children)
    ends = [sum(row.state == "succeeded" for row in facts.of(root)) for root in roots]
    if runs > min(ends):
        wrong.append(f"all-child: {runs} runs, and its parents succeeded {ends} times")
    jobs = [*roots, "all-child", "all-grandchild"]
    return wrong + check_repetitions(facts, jobs) + _check_rest(facts, jobs[2:])
