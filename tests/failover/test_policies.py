"""What waits survives the executor: retries, lines, locks, pauses, dependencies, blackouts.

All of them wait at once when the executor is killed with -9, and each has its jobs:

``flaky``                 its retry is due after some seconds
``line``                  two runs are queued behind one that hangs
``holder``, ``visitor``   share a lock; the visitor is queued behind the holder, which hangs
``resting``               due each second, and paused until some seconds later
``left``, ``right``       parents of ``child``, which runs after both; only the left one has ended
``quiet``                 due each second, in a blackout until some seconds later

What hangs does so until the test lets it go, after the kill: with its executor it is lost,
and repeated.  A kill may meet other runs, too, in the moments in which they start.  So what
is counted are the rows of runs that came to an end, and the calls of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import pairwise
from random import uniform
from threading import Event
from time import monotonic
from typing import Any

import pytest

from tests.failover.cluster import Cluster, Leader
from tests.failover.served import PATIENCE_S
from tests.fakes.recording_target import RecordingTarget, Request
from tests.waiting import eventually

#: What each run waits for when the executor is killed, oldest first; else its state.
WAITING = {
    "flaky": ["failed", "pending"],
    "line": ["running", "turn", "turn"],
    "holder": ["running"],
    "visitor": ["turn"],
    "child": ["dependency"],
}

#: How the runs of each job have ended when all is over, but for those that are lost or skipped.
ENDS = {
    "flaky": {"failed": 2},
    "line": {"succeeded": 3},
    "holder": {"succeeded": 1},
    "visitor": {"succeeded": 1},
    "left": {"succeeded": 1},
    "right": {"succeeded": 1},
    "child": {"succeeded": 1},
}

#: The outcome is unknown, or there was nothing to have one.
NO_END = frozenset({"lost", "skipped"})

#: From the end of the first attempt to the second.
DELAY = timedelta(seconds=6)

#: The first kill comes so long before the retry is due: a successor takes half a second or more,
#: and a busy machine that kills later than it should still does so in time.
AHEAD = timedelta(seconds=0.5)

#: A run that hangs lets go after so long without being asked (s); longer than any kill takes.
HANG_S = 60.0

#: What has become due starts this much later at most, with a failover in between (s).
IN_TIME = timedelta(seconds=5)

#: A run that is handed over when its job is paused reaches the target within so long.
UNDER_WAY = timedelta(seconds=0.5)

#: Calls are timed by the monotonic clock.  Turned away by NTP, at most 500 ppm, the wall clock
#: may differ by this much after half a minute.
SLEW = timedelta(milliseconds=20)


class HoldingTarget(RecordingTarget):
    """A target that answers calls of ``...?hold`` once it is told to let go, and later ones."""

    def __init__(self) -> None:
        self._let_go = Event()
        super().__init__()

    def record(self, request: Request) -> None:
        super().record(request)
        if request.path.endswith("?hold"):
            self._let_go.wait(HANG_S)

    def let_go(self) -> None:
        self._let_go.set()

    def close(self) -> None:
        self._let_go.set()
        super().close()


# Asking -----------------------------------------------------------------------------------


def _rows(cluster: Cluster, job: str) -> list[dict[str, Any]]:
    """Return every row of a job as the API shows it, the oldest first."""

    def ask() -> Any:
        status, answer = cluster.request("GET", f"/v1/runs?job={job}&limit=1000")
        return answer if status == HTTPStatus.OK else None

    # Whoever was killed, or comes back, may be asked.
    answer = eventually(ask, PATIENCE_S, f"the runs of {job} are listed", ignoring=(OSError,))
    assert answer["next"] is None
    return sorted(answer["items"], key=lambda row: (row["created_at"], row["fire_at"] or ""))


def _time(row: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(row[name])


def _calls(cluster: Cluster, *jobs: str) -> list[Request]:
    """Return the calls of the target for these jobs, in the order of arrival."""
    return [call for call in cluster.starts() if call.headers["x-solocron-job"] in jobs]


def _arrival(call: Request) -> datetime:
    """Return when a call arrived, by the wall clock."""
    return datetime.now(UTC) - timedelta(seconds=monotonic() - call.at)


def _all_serve(cluster: Cluster) -> bool:
    return all(m.served.request("GET", "/v1/status")[0] == HTTPStatus.OK for m in cluster.members)


def _has_come(moment: datetime) -> bool:
    return datetime.now(UTC) >= moment


# Setting up -------------------------------------------------------------------------------


def _create(cluster: Cluster, name: str, path: str = "/status/200", **more: Any) -> None:
    """Create a job that runs on request only."""
    target = {"kind": "http", "url": cluster.target.url + path}
    definition = {"name": name, "target": target, "retrigger": 5, **more}
    status, answer = cluster.request("POST", "/v1/jobs", definition)
    assert status == HTTPStatus.CREATED, answer


def _trigger(cluster: Cluster, *jobs: str) -> None:
    for job in jobs:
        status, answer = cluster.request("POST", f"/v1/jobs/{job}/trigger")
        assert status == HTTPStatus.CREATED, answer


def _create_all(cluster: Cluster, until: datetime) -> None:
    queue = {"policy": "queue"}
    delay = f"{DELAY.total_seconds():g}s"
    retry = {"attempts": 1, "delay": delay, "backoff": "fixed", "jitter": 0}
    _create(cluster, "flaky", "/status/503", retry=retry)
    _create(cluster, "line", "/status/200?hold", overlap=queue)
    _create(cluster, "holder", "/status/200?hold", lock="door", overlap=queue)
    _create(cluster, "visitor", lock="door", overlap=queue)
    _create(cluster, "left")
    _create(cluster, "right")
    _create(cluster, "child", after={"jobs": ["left", "right"], "mode": "all"})
    cluster.add_job("resting", 1)
    since = until - timedelta(hours=1)
    dates = [{"from": since.isoformat(), "to": until.isoformat()}]
    status, answer = cluster.request("PUT", "/v1/calendars/works", {"dates": dates})
    assert status == HTTPStatus.CREATED, answer
    uses = [{"name": "works", "policy": "run_after"}]
    cluster.add_job("quiet", 1, calendars=uses, overlap={"policy": "allow"}, retrigger=5)


def _pause(cluster: Cluster, until: datetime) -> datetime:
    """Let ``resting`` rest; return since when nothing of it may arrive any more."""
    pause = {"reason": "a rest", "until": until.isoformat()}
    status, answer = cluster.request("POST", "/v1/jobs/resting/pause", pause)
    assert status == HTTPStatus.OK, answer
    return datetime.now(UTC) + UNDER_WAY


def _is_put_off(cluster: Cluster) -> bool:
    return any(row["due_at"] for row in _rows(cluster, "quiet"))


def _everything_waits(cluster: Cluster) -> bool:
    rows = {job: _rows(cluster, job) for job in WAITING}
    found = {job: [row["waiting"] or row["state"] for row in rows[job]] for job in WAITING}
    return found == WAITING and _is_put_off(cluster)


def _set_up(cluster: Cluster, until: datetime) -> datetime:
    """Get everything to wait; return since when ``resting`` rests."""
    _create_all(cluster, until)
    rests_since = _pause(cluster, until)
    _trigger(cluster, "line", "line", "line", "holder", "visitor", "left", "flaky")
    eventually(partial(_everything_waits, cluster), PATIENCE_S, "everything waits")
    return rests_since


# Killing ----------------------------------------------------------------------------------


def _kill_at(cluster: Cluster, moment: datetime) -> Leader:
    """Kill the executor at this moment; return its successor."""
    leader = cluster.leader()
    eventually(partial(_has_come, moment), PATIENCE_S, "the moment to kill")
    leader.member.kill()
    successor = cluster.leader(other_than=leader.term)
    leader.member.start()
    return successor


def _kill_before_the_retry(cluster: Cluster) -> Leader:
    """Kill the executor so that the retry is due while nobody executes, or hardly anybody."""
    retry = _rows(cluster, "flaky")[1]
    return _kill_at(cluster, _time(retry, "due_at") - AHEAD)


# Judging ----------------------------------------------------------------------------------


def _ends(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["state"] for row in rows if row["state"] not in NO_END)


def _is_over(cluster: Cluster, until: datetime) -> bool:
    """Whether no run is left open, all of :data:`ENDS` have come, and what rested goes on."""
    rows = {job: _rows(cluster, job) for job in ENDS}
    missing = [job for job in ENDS if _ends(rows[job]).total() < sum(ENDS[job].values())]
    put_off = [row for row in _rows(cluster, "quiet") if _time(row, "fire_at") < until]
    goes_on = any(_arrival(call) > until for call in _calls(cluster, "resting"))
    return (
        goes_on
        and not missing
        and _ends(put_off).total() > 0
        and all(row["finished_at"] for part in [*rows.values(), put_off] for row in part)
    )


def _check_calls(cluster: Cluster) -> None:
    """What came to an end was called, what was skipped was not, and nothing was called twice."""
    for job in [*ENDS, "resting", "quiet"]:
        rows = _rows(cluster, job)
        called = {call.run_id for call in _calls(cluster, job)}
        skipped = {row["id"] for row in rows if row["state"] == "skipped"}
        ended = {row["id"] for row in rows if row["finished_at"] and row["state"] not in NO_END}
        assert ended <= called
        assert not skipped & called
    assert cluster.double_starts() == []


def _check_due(calls: list[Request], rows: list[dict[str, Any]], due: datetime) -> None:
    """The first of *calls* came when it was due, unless it was lost on the way and repeated."""
    assert due - SLEW <= _arrival(calls[0])
    assert _arrival(calls[0]) < due + IN_TIME or any(row["state"] == "lost" for row in rows)


def _check_retry(cluster: Cluster) -> None:
    """The retry, due when its executor was dead, was made by a successor after the delay."""
    first, *later = _calls(cluster, "flaky")
    rows = _rows(cluster, "flaky")

    terms = [int(call.headers["x-solocron-term"]) for call in (first, later[0])]
    assert terms[0] < terms[1], "the machine is too slow: the kill came after the retry"
    _check_due(later, rows, _time(rows[0], "finished_at") + DELAY)


def _check_turns(cluster: Cluster, *jobs: str) -> None:
    """Each run started after the one before had ended, or was known to be lost."""
    rows = {row["id"]: row for job in jobs for row in _rows(cluster, job)}
    calls = _calls(cluster, *jobs)
    for earlier, later in pairwise(calls):
        assert _time(rows[earlier.run_id], "finished_at") <= _arrival(later) + SLEW


def _check_order(cluster: Cluster) -> None:
    """The runs in line started in the order of their requests; what is lost stands aside."""
    rows = _rows(cluster, "line")
    repeated = {row["trigger_id"] for row in rows if row["state"] == "lost"}
    in_order = [row["id"] for row in rows if row["trigger_id"] not in repeated]
    called = [call.run_id for call in _calls(cluster, "line") if call.run_id in in_order]

    assert called == in_order


def _check_pause(cluster: Cluster, since: datetime, until: datetime) -> None:
    """Nothing arrived during the pause, and something as soon as it was over."""
    arrivals = [_arrival(call) for call in _calls(cluster, "resting")]
    slots = [row for row in _rows(cluster, "resting") if since <= _time(row, "fire_at") < until]

    assert [one for one in arrivals if since < one < until - SLEW] == []
    assert [one for one in arrivals if until <= one < until + IN_TIME] != []
    assert {row["reason"] for row in slots} == {"misfire"}


def _check_dependency(cluster: Cluster) -> None:
    """The child ran after the second of its parents; the end of the first counted all the same."""
    (right,) = [row for row in _rows(cluster, "right") if row["state"] == "succeeded"]
    rows = _rows(cluster, "child")

    assert _time(right, "finished_at") <= _arrival(_calls(cluster, "child")[0]) + SLEW
    assert [row["reason"] for row in rows if row["state"] == "skipped"] == ["joined"]


def _check_blackout(cluster: Cluster, until: datetime) -> None:
    """One slot of the blackout was put off to its end, for all of them."""
    rows = _rows(cluster, "quiet")
    inside = [row for row in rows if _time(row, "fire_at") < until]
    slots = [row for row in inside if row["cause"] in {"schedule", "catch_up"}]
    (put_off,) = [row for row in slots if row["due_at"]]
    ids = {row["id"] for row in inside}
    calls = [call for call in _calls(cluster, "quiet") if call.run_id in ids]

    assert _time(put_off, "due_at") == until
    assert put_off is slots[0]
    assert {row["state"] for row in slots[1:]} == {"skipped"}
    assert {row["reason"] for row in slots[1:]} <= {"blackout", "misfire"}
    assert min(map(_arrival, _calls(cluster, "quiet"))) >= until - SLEW
    _check_due(calls, inside, until)


def _check_slots(cluster: Cluster) -> None:
    """Every slot has one row, as the API shows them too."""
    until = datetime.now(UTC)
    cluster.await_accounted()
    for name in ("resting", "quiet"):
        slots = [row for row in _rows(cluster, name) if row["cause"] in {"schedule", "catch_up"}]
        rows = Counter(_time(row, "fire_at") for row in slots)
        assert set(rows.values()) == {1}
        assert set(cluster.jobs[name].slots(until)) <= rows.keys()


@pytest.mark.parametrize(
    ("kills", "rest_s"),
    [
        pytest.param(1, 10, id="short"),
        pytest.param(3, 24, id="long", marks=pytest.mark.long),
    ],
)
@pytest.mark.timeout(240)
def test_what_waits_is_seen_to_by_the_successor(
    make_cluster: Callable[..., Cluster], kills: int, rest_s: int
) -> None:
    """Once, not before it is due, and in its turn, however many executors die on the way."""
    target = HoldingTarget()
    cluster = make_cluster(target=target, settings={"SOLOCRON_RUN_LEASE": "5s"})
    eventually(partial(_all_serve, cluster), PATIENCE_S, "all serve", ignoring=(OSError,))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=rest_s)
    rests_since = _set_up(cluster, until)

    successor = _kill_before_the_retry(cluster)
    assert datetime.now(UTC) < until, "the machine is too slow: the rest is over"
    target.let_go()
    status, answer = successor.member.served.request("POST", "/v1/jobs/right/trigger")
    assert status == HTTPStatus.CREATED, answer
    for _ in range(kills - 1):
        _kill_at(cluster, datetime.now(UTC) + timedelta(seconds=uniform(0.0, rest_s / kills)))
    eventually(partial(_is_over, cluster, until), 60, "all of it is over")

    assert {job: _ends(_rows(cluster, job)) for job in ENDS} == ENDS
    _check_slots(cluster)
    _check_calls(cluster)
    _check_retry(cluster)
    _check_turns(cluster, "line")
    _check_turns(cluster, "holder", "visitor")
    _check_order(cluster)
    _check_pause(cluster, rests_since, until)
    _check_dependency(cluster)
    _check_blackout(cluster, until)
