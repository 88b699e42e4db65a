"""Watched jobs beyond one run: takeovers, periods, and who is told."""

from __future__ import annotations

import pytest

from executor.domain.channel import CHANNELS
from executor.domain.command import ResultStatus
from executor.domain.instant import to_text
from executor.domain.message import subject
from executor.domain.named import NamedWrite
from executor.domain.notify import Event
from executor.domain.run import Reason, RunState
from executor.domain.watch import Signal
from executor.engine.events import CommandReceived, TokenGained
from executor.engine.store_requests import SaveResults
from executor.engine.timing import PINGS_IN_S
from tests.builders import at, every, update
from tests.unit.desk_driver import Driver, successor_of, with_jobs
from tests.unit.telling_driver import OPS
from tests.unit.watch_driver import (
    GRACE_S,
    a_ping,
    a_watched_job,
    deliver,
    expect,
    let_go,
    ping,
    watching,
)

# Takeovers --------------------------------------------------------------------------------


def test_what_is_expected_is_expected_by_the_next_executor_too() -> None:
    """Also if its predecessor died before it had recorded that it let go."""
    for recorded in (True, False):
        driver = watching()
        driver.advance_to(at(60.5))
        if recorded:
            let_go(driver)
        (run,) = driver.handed_off

        successor = successor_of(driver)
        successor.advance(2)
        ping(successor, Signal.START)

        row = successor.row(run)
        assert (row.state, row.term) == (RunState.RUNNING, 2)
        assert len(successor.rows()) == 1


def test_a_ping_that_waited_for_an_executor_counts_when_it_was_sent() -> None:
    """The grace is over by then, but nobody could be heard; the queue is read before."""
    driver = watching()
    run = expect(driver, at(61))
    waited = a_ping(driver, Signal.SUCCESS)
    driver.clock.advance(3 * GRACE_S)

    successor = successor_of(driver)
    successor.advance(PINGS_IN_S / 2)
    deliver(successor, waited, first=False)

    row = successor.row(run)
    assert (row.state, row.finished_at) == (RunState.SUCCEEDED, waited.sent_at)


def test_a_long_queue_is_read_to_its_end_first() -> None:
    """Each ping that had waited puts off what would be given up; later ones do not."""
    driver = watching()
    run = expect(driver, at(61))
    waited = [a_ping(driver, Signal.LOG) for _ in range(3)]
    driver.clock.advance(3 * GRACE_S)
    successor = successor_of(driver)

    for command in waited:
        successor.advance(PINGS_IN_S - 1)
        deliver(successor, command, first=False)
        assert successor.row(run).state is RunState.PENDING
    successor.advance(PINGS_IN_S - 1)
    ping(successor, Signal.LOG)
    successor.advance(1.5)

    assert successor.row(run).reason is Reason.NO_PING


def test_a_run_is_given_up_once_the_queue_has_been_read() -> None:
    """No ping was waiting there."""
    driver = watching()
    run = expect(driver, at(61))
    driver.clock.advance(3 * GRACE_S)

    successor = successor_of(driver)
    successor.advance(PINGS_IN_S + 1)

    assert successor.row(run).reason is Reason.NO_PING


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("when", [20, 45, 61])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_ping_that_comes_again_has_no_second_effect(
    signal: Signal, when: float, elsewhere: bool
) -> None:
    """Its executor died before it had answered; or was without the token for a moment."""
    driver = watching()
    driver.advance_to(at(when))
    let_go(driver)
    command = a_ping(driver, signal, said="once")
    driver.hold(SaveResults)
    driver.tell(CommandReceived("unanswered", command, True))
    driver.advance(0.1)
    before = driver.rows()
    assert "unanswered" not in driver.answers

    if elsewhere:
        driver = successor_of(driver)
        driver.advance(2)
    else:
        driver.lose_token()
        driver.fail(driver.awaited(SaveResults))
        driver.release()
        driver.tell(TokenGained())
    assert deliver(driver, command, first=False).status is ResultStatus.DONE

    assert [(row.id, row.state, row.output) for row in driver.rows()] == [
        (row.id, row.state, row.output) for row in before
    ]


# A period since the last ping -------------------------------------------------------------

PERIOD = {"kind": "continuous", "delay": "PT100S", "max_delay": "PT100S"}


def test_a_period_counts_from_the_last_ping() -> None:
    """The first one from when the job was made; each ping puts the next one off."""
    driver = watching(schedule=PERIOD)
    driver.advance_to(at(50))
    assert driver.handed_off == []

    ping(driver)
    driver.advance_to(at(149))
    assert driver.handed_off == []
    run = expect(driver, at(151))
    ping(driver)
    driver.advance_to(at(249))

    assert driver.row(run).state is RunState.SUCCEEDED
    assert len(driver.handed_off) == 1
    assert driver.job().definition.timeout.total_seconds() == 300


def test_a_takeover_does_not_begin_the_period_anew() -> None:
    """Nor does it expect anything at once."""
    driver = watching(schedule=PERIOD)
    driver.advance_to(at(50))
    ping(driver)

    successor = successor_of(driver)
    successor.advance_to(at(149))
    assert successor.handed_off == []
    expect(successor, at(151))
    successor.advance(GRACE_S + 1)

    assert [row.reason for row in successor.rows()] == [None, Reason.NO_PING]


def test_the_timeout_of_a_watched_continuous_job_is_that_of_others() -> None:
    """It is not meant to run for ever."""
    driver = watching(schedule=every(60))
    driver.ask(update("backup", schedule=PERIOD, target={"kind": "watched"}))

    assert driver.job().definition.timeout.total_seconds() == 3600


# Who is told ------------------------------------------------------------------------------


def test_who_asks_for_what_is_missed_is_told_of_silence_and_of_its_end() -> None:
    """In words that say which ping did not come."""
    job = a_watched_job(notify=[{"channel": "ops", "on": ["missed", "recovery"]}])
    store = with_jobs(job)
    assert store.write_named(NamedWrite(CHANNELS, OPS, None)) is None
    driver = Driver(store)
    driver.take_over()
    expect(driver, at(60.5))
    driver.advance(GRACE_S + 1)
    expect(driver, at(120.5))
    ping(driver)
    driver.advance(1)

    missed, recovery = driver.store.every_notification()

    assert (missed.event, recovery.event) == (Event.MISSED, Event.RECOVERY)
    until = to_text(at(60 + GRACE_S))
    assert subject(missed.payload) == f"backup was not heard of: no ping came until {until}"


def test_who_asks_for_late_runs_is_told_of_a_late_ping() -> None:
    """Also if it says only that the run is done."""
    job = a_watched_job(notify=[{"channel": "ops", "on": ["late"], "late_by": "5s"}])
    store = with_jobs(job)
    assert store.write_named(NamedWrite(CHANNELS, OPS, None)) is None
    driver = Driver(store)
    driver.take_over()
    expect(driver, at(68))

    ping(driver)
    driver.advance(1)

    assert [one.event for one in driver.store.every_notification()] == [Event.LATE]
