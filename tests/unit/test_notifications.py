"""When a notification is tried again, when it is given up, and what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from executor.domain.message import bare, facts_of, subject, text
from executor.domain.notification import (
    NotificationState,
    a_message,
    changed,
    delivered,
    expired,
    failed,
)
from executor.domain.notify import Event
from executor.domain.ping import MOST_OUTPUT, address_of, ping_of_end, ping_of_start
from executor.domain.run import Output, Reason, RunState
from executor.domain.tally import Tiding
from tests.builders import a_job, a_run, at
from tests.contract.store_world import a_notification, noon

JOB = a_job(schedule={"kind": "cron", "expression": "0 0 * * *", "timezone": "Europe/Berlin"})
RUN_ID = "0123456789abcdef0123456789abcdef"


def test_pauses_grow_to_an_hour_and_end_after_a_day() -> None:
    """Ten seconds at first; some thirty attempts in all; then it is dead, with the reason."""
    one = a_message(
        Event.FAILURE, "ops", job_id="j", job="j", run_id="r", about="r", at=noon(), payload={}
    )
    pauses = []
    now = noon()
    while one.state is NotificationState.PENDING:
        now = one.due_at
        one = changed(one, failed(one, now, "no"))
        pauses.append((one.due_at - now).total_seconds())

    assert one.state is NotificationState.DEAD
    assert (one.finished_at, one.last_error) == (now, "no")
    assert 8 <= pauses[0] <= 10
    assert all(0.8 * 3600 <= pause <= 3600 for pause in pauses[10:-1])
    assert timedelta(hours=22) <= now - noon() <= timedelta(hours=24)
    assert 25 <= one.attempts <= 45


def test_what_failed_together_spreads_out() -> None:
    """Each has its own pause, always the same one."""
    pauses = {failed(a_notification(f"n{number}"), noon(), "").due_at for number in range(50)}
    again = {failed(a_notification(f"n{number}"), noon(), "").due_at for number in range(50)}
    assert len(pauses) > 40
    assert pauses == again


def test_a_test_is_tried_once() -> None:
    """Somebody waits for it."""
    one = a_message(
        Event.TEST, "ops", job_id="", job="", run_id=None, about="c", at=noon(), payload={}
    )
    assert failed(one, noon(1), "no").state is NotificationState.DEAD
    assert expired(one, noon(3600)) is None


def test_a_delivery_is_the_end() -> None:
    """With its instant and the number of attempts."""
    one = changed(a_notification(attempts=2), delivered(a_notification(attempts=2), noon(5)))
    assert (one.state, one.attempts) == (NotificationState.DELIVERED, 3)
    assert one.finished_at == noon(5)


def test_a_message_is_tried_once_however_late_and_a_ping_is_not() -> None:
    """People want to know what happened; a monitor wants to know what is."""
    days = timedelta(days=3)
    run = a_run(JOB, id=RUN_ID, started_at=at(0))
    start = ping_of_start("https://monitor", run)
    assert expired(start, at(60)) is None
    gone = expired(start, at(61))
    assert gone is not None
    assert gone.state is NotificationState.DEAD
    message = a_notification()
    assert expired(message, noon() + days) is None
    assert expired(changed(message, failed(message, noon(), "no")), noon() + days) is not None


@pytest.mark.parametrize(
    ("end", "signal"),
    [
        ({"state": RunState.SUCCEEDED, "exit_code": 0}, ""),
        ({"state": RunState.FAILED, "exit_code": 3}, "3"),
        ({"state": RunState.FAILED, "http_status": 500}, "fail"),
        ({"state": RunState.FAILED, "exit_code": -9}, "fail"),
        ({"state": RunState.TIMED_OUT}, "fail"),
        ({"state": RunState.LOST}, "fail"),
        ({"state": RunState.CANCELLED, "reason": Reason.REQUESTED}, None),
        (
            {"state": RunState.CANCELLED, "reason": Reason.REQUESTED, "started_at": at(5)},
            "log",
        ),
        ({"state": RunState.SKIPPED, "reason": Reason.OVERLAP}, None),
    ],
)
def test_a_ping_signals_the_end(end: dict[str, Any], signal: str | None) -> None:
    """Success, the exit code, failure, or a note; with the id of the chain as a UUID."""
    run = a_run(JOB, trigger_id=RUN_ID, finished_at=at(9), **end)
    ping = ping_of_end("https://monitor/id", run)

    assert (None if ping is None else ping.payload["signal"]) == signal
    if ping is not None:
        assert UUID(ping.payload["rid"]).hex == RUN_ID
        path = f"/{signal}" if signal else ""
        assert address_of(ping.payload) == f"https://monitor/id{path}?rid={UUID(RUN_ID)}"


def test_a_ping_brings_the_last_of_the_output_and_the_error() -> None:
    """Ten kilobytes, whole characters."""
    output = Output(head="begin", tail="é" * 20_000, size=50_000)
    run = a_run(JOB, state=RunState.FAILED, output=output, error="exit status 1")
    ping = ping_of_end("https://monitor", run)
    assert ping is not None
    said = ping.payload["output"]
    assert said.endswith("é\nexit status 1")
    assert MOST_OUTPUT - 2 <= len(said.encode()) <= MOST_OUTPUT


def test_the_end_of_the_shortest_run_comes_after_its_start() -> None:
    """Of a job's pings the newest counts, so two must not be of the same instant."""
    run = a_run(JOB, state=RunState.SUCCEEDED, started_at=at(5), finished_at=at(5))
    end = ping_of_end("https://monitor", run)
    assert end is not None
    assert end.created_at > ping_of_start("https://monitor", run).created_at


def test_a_message_says_what_a_person_needs() -> None:
    """What, which, when on both clocks, why, how often, the last lines, and where to look."""
    output = Output(head="\n".join(f"line {number}" for number in range(100)))
    run = a_run(
        JOB,
        id=RUN_ID,
        state=RunState.FAILED,
        fire_at=at(0),
        started_at=at(1),
        finished_at=at(2),
        exit_code=1,
        error="exit status 1",
        output=output,
    )
    tiding = Tiding(Event.FAILURE, "ops", count=3, held=2)
    facts = facts_of(tiding, run, JOB, "https://cron.example.com/")
    words = text(facts)

    assert words.startswith("backup failed, 3 times in a row\n")
    for part in (
        RUN_ID,
        "2026-12-01T00:00:02Z (2026-12-01T01:00:02+01:00)",
        "exit status 1",
        "Held back since the last message: 2",
        "line 80\n",
        "line 99\n",
        f"https://cron.example.com/v1/runs/{RUN_ID}",
    ):
        assert part in words, words
    assert "line 79" not in words
    assert "output" not in bare(facts)


@pytest.mark.parametrize(
    ("event", "facts", "says"),
    [
        (Event.FAILURE, {"failures": 1}, "backup failed"),
        (Event.RECOVERY, {"failures": 1}, "backup is well again, after 1 failure"),
        (Event.RECOVERY, {"failures": 2}, "backup is well again, after 2 failures"),
        (Event.SUCCESS, {}, "backup succeeded"),
        (Event.LATE, {"late_by": "PT5M"}, "backup began late, by PT5M"),
        (Event.LOST, {}, "backup was lost: its executor died, and how it ended is unknown"),
        (Event.MISSED, {"fire_at": "12:00"}, "backup missed fire times, the latest 12:00"),
    ],
)
def test_the_subject_says_what_happened(event: Event, facts: dict[str, object], says: str) -> None:
    """In one line."""
    assert subject({"event": event.value, "job": "backup", **facts}) == says


def test_texts_of_a_target_can_always_be_stored() -> None:
    """Half characters and NULs are replaced; long texts are cut."""
    run = a_run(JOB, state=RunState.FAILED, error="\ud800\x00" * 9_000, finished_at=at(0))
    facts = facts_of(Tiding(Event.FAILURE, "ops"), run, JOB, None)
    facts["error"].encode()
    assert "\x00" not in facts["error"]
    assert len(facts["error"]) == 2_000
    assert facts["link"] is None
