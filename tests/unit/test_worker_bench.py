"""What a worker does about its runs: every rule of the bench, on a clock of its own."""

from __future__ import annotations

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.work_queue import Connected, Counted, Disconnected, EndTold, Overheard, Recall
from executor.worker.bench import MOST_LOSSES, REMEMBERED, SILENT_BEATS, STOP_MARGIN_S
from executor.worker.steps import (
    Acknowledge,
    Beat,
    Begin,
    Bury,
    CancelRun,
    CountLoss,
    Exit,
    ForgetLosses,
    GiveBack,
    Overhear,
    RunTold,
    StopAsked,
    StopTaking,
    Tell,
)
from tests.unit.worker_driver import BEAT_S, CANCELLED, DONE, GRACE_S, Driver, an_assignment

RUNNING, COMPLETED = ReportStatus.RUNNING, ReportStatus.COMPLETED
R1 = an_assignment()
SILENCE_S = SILENT_BEATS * BEAT_S


def guarding() -> Driver:
    """Return a driver whose bench guards r1."""
    driver = Driver()
    driver.take(doubtful=True)
    return driver


def test_a_run_is_told_begun_told_over_and_only_then_acknowledged() -> None:
    """Until the broker keeps the end, the message stays with the broker."""
    driver = Driver()
    assert driver.take() == [Tell(R1, RUNNING), Begin(R1)]
    assert driver.end() == [Tell(R1, COMPLETED, DONE)]
    assert driver.tell(EndTold("r1")) == [Acknowledge("r1")]
    assert driver.advance(3600) == []


def test_ends_have_the_words_of_the_protocol() -> None:
    """Completed, failed, cancelled; whatever else a launcher says has failed."""
    driver = Driver()
    words = {
        RunState.SUCCEEDED: COMPLETED,
        RunState.FAILED: ReportStatus.FAILED,
        RunState.TIMED_OUT: ReportStatus.FAILED,
        RunState.CANCELLED: ReportStatus.CANCELLED,
    }
    for state, status in words.items():
        driver.take(state.value)
        driver.end(state.value, Outcome(state=state))
        assert driver.told(state.value) == [RUNNING, status]


def test_a_run_gives_signs_of_life_and_tells_progress_at_once() -> None:
    """Every beat_s; progress replaces the next sign, and is told once."""
    driver = Driver()
    driver.take()
    assert driver.advance(2 * BEAT_S) == [Beat(R1), Beat(R1)]
    assert driver.tell(RunTold("r1", {"done": 1})) == [Beat(R1, {"done": 1})]
    assert driver.advance(BEAT_S - 0.1) == []
    assert driver.advance(0.1) == [Beat(R1)]


def test_a_message_that_comes_twice_is_one_run() -> None:
    """Both are acknowledged with its end, and a third one after it."""
    driver = Driver()
    driver.take()
    assert driver.take(tag="again", doubtful=True) == []
    driver.end()
    assert driver.tell(EndTold("r1")) == [Acknowledge("r1"), Acknowledge("again")]
    assert driver.take(tag="late", doubtful=True) == [Acknowledge("late")]


def test_memory_of_what_is_over_is_bounded() -> None:
    """The oldest are forgotten."""
    driver = Driver()
    for number in range(REMEMBERED + 1):
        driver.tell(Recall(f"r{number}"))
    driver.take("r0")
    driver.take(f"r{REMEMBERED}")
    assert driver.told("r0") == [RUNNING]
    assert driver.told(f"r{REMEMBERED}") == [ReportStatus.CANCELLED]


# Doubtful runs ----------------------------------------------------------------------------


def test_a_doubtful_run_is_begun_after_a_silence() -> None:
    """It is listened for, then the loss is counted, then it is begun."""
    driver = Driver()
    assert driver.take(doubtful=True) == [Overhear(frozenset({"resize"}))]
    assert driver.advance(SILENCE_S - 0.1) == []
    assert driver.advance(0.1) == [CountLoss("r1", "resize"), Overhear(frozenset())]
    assert driver.tell(Counted("r1", 1)) == [Tell(R1, RUNNING), Begin(R1)]
    driver.end()
    assert driver.tell(EndTold("r1")) == [Acknowledge("r1"), ForgetLosses("r1")]


def test_a_doubtful_run_stays_with_the_worker_that_beats() -> None:
    """Every sign of its life puts the silence off; the guard gives no sign itself."""
    driver = guarding()
    for _ in range(10):
        driver.advance(SILENCE_S - 0.1)
        driver.tell(Overheard("r1", over=False), Overheard("other", over=True))
    assert driver.wanted(Begin) == []
    assert driver.wanted(Beat) == []


def test_a_doubtful_run_that_ends_elsewhere_is_over() -> None:
    """Its message goes, and it is not begun when it comes once more."""
    driver = guarding()
    assert driver.tell(Overheard("r1", over=True)) == [Acknowledge("r1"), Overhear(frozenset())]
    assert driver.take(doubtful=True) == [Acknowledge("r1")]


def test_a_run_that_has_cost_too_many_workers_fails_and_is_a_dead_letter() -> None:
    """It is not begun again; the report says why, and one copy of its message is kept."""
    driver = guarding()
    driver.take(tag="again", doubtful=True)
    driver.advance(SILENCE_S)
    buried, told = driver.tell(Counted("r1", MOST_LOSSES))
    assert isinstance(buried, Bury)
    assert isinstance(told, Tell)
    assert (buried.tag, told.status) == ("r1", ReportStatus.FAILED)
    assert told.outcome is not None
    assert f"lost {MOST_LOSSES} times" in str(told.outcome.error)
    assert driver.wanted(Begin) == []
    assert Acknowledge("again") in driver.tell(EndTold("r1"))


# Cancellation -----------------------------------------------------------------------------


def test_an_order_to_stop_ends_what_runs() -> None:
    """The launcher ends it, and its end is told as it was."""
    driver = Driver()
    driver.take()
    assert driver.tell(Recall("r1")) == [CancelRun("r1", Reason.REQUESTED)]
    driver.end(outcome=CANCELLED)
    assert driver.told() == [RUNNING, ReportStatus.CANCELLED]


def test_an_order_to_stop_that_comes_first_is_remembered() -> None:
    """The run is told as cancelled when it comes, and never begun."""
    driver = Driver()
    assert driver.tell(Recall("r1")) == []
    driver.take()
    assert driver.told() == [ReportStatus.CANCELLED]
    assert driver.wanted(Begin) == []


def test_an_order_to_stop_ends_what_is_guarded_or_counted() -> None:
    """Whoever had it has gone, or gets the order too."""
    for seconds in (0.0, SILENCE_S):
        driver = guarding()
        driver.advance(seconds)
        driver.tell(Recall("r1"), Recall("r1"))
        assert driver.told() == [ReportStatus.CANCELLED]
        assert driver.tell(Counted("r1", 1)) == []


# The broker goes away -----------------------------------------------------------------------


def test_runs_go_on_without_a_broker_and_are_recognised_when_they_come_again() -> None:
    """No beats without a connection; one at once with it; the new message is acknowledged."""
    driver = Driver()
    driver.take()
    assert driver.tell(Disconnected()) == []
    assert driver.advance(5 * BEAT_S) == []
    assert driver.tell(Connected()) == [Beat(R1)]
    assert driver.take(tag="again", doubtful=True) == []
    driver.end()
    assert driver.tell(EndTold("r1")) == [Acknowledge("again")]


def test_what_was_not_begun_is_forgotten_with_the_connection() -> None:
    """Guarded and counted runs come again, here or elsewhere; a late count does nothing."""
    for seconds in (0.0, SILENCE_S):
        driver = guarding()
        driver.advance(seconds)
        driver.tell(Disconnected())
        assert driver.tell(Counted("r1", 1)) == []
        driver.tell(Connected())
        assert Overhear(frozenset({"resize"})) in driver.take(doubtful=True)


def test_an_end_that_was_told_while_disconnected_needs_no_acknowledgement() -> None:
    """There is nothing to acknowledge; the message is when it comes again."""
    driver = Driver()
    driver.take()
    driver.tell(Disconnected())
    driver.end()
    driver.tell(Connected())
    assert driver.tell(EndTold("r1")) == []
    assert driver.take(tag="again", doubtful=True) == [Acknowledge("again")]


# Stopping -----------------------------------------------------------------------------------


def test_a_worker_that_stops_takes_nothing_more_and_ends_with_its_last_run() -> None:
    """What comes and what is guarded goes back; what runs may end."""
    driver = Driver()
    driver.take()
    driver.take("guarded", doubtful=True)
    assert driver.tell(StopAsked()) == [StopTaking(), GiveBack("guarded"), Overhear(frozenset())]
    assert driver.take("late") == [GiveBack("late")]
    driver.advance(GRACE_S - 1)
    driver.end()
    assert driver.tell(EndTold("r1")) == [Acknowledge("r1"), Exit(clean=True)]


def test_an_idle_worker_stops_at_once() -> None:
    """There is nothing to wait for, and it ends once."""
    driver = Driver()
    assert driver.tell(StopAsked()) == [StopTaking(), Exit(clean=True)]
    assert driver.tell(StopAsked()) == []


def test_what_outlives_the_grace_period_is_cancelled_and_given_back() -> None:
    """Nothing is told of it: it is not over.  What succeeds all the same is."""
    driver = Driver()
    driver.take()
    driver.take("lucky")
    driver.tell(StopAsked())
    fresh = driver.advance(GRACE_S)
    assert [step for step in fresh if isinstance(step, CancelRun)] == [
        CancelRun("r1", Reason.SHUTDOWN),
        CancelRun("lucky", Reason.SHUTDOWN),
    ]
    assert driver.end(outcome=CANCELLED) == [GiveBack("r1")]
    driver.end("lucky")
    assert Exit(clean=True) in driver.tell(EndTold("lucky"))
    assert (driver.told("r1"), driver.told("lucky")) == ([RUNNING], [RUNNING, COMPLETED])


def test_a_second_request_to_stop_ends_the_patience() -> None:
    """As a person does who presses Ctrl-C again."""
    driver = Driver()
    driver.take()
    driver.tell(StopAsked())
    assert driver.tell(StopAsked()) == [CancelRun("r1", Reason.SHUTDOWN)]


def test_a_run_that_was_ordered_to_stop_is_told_as_cancelled_though_the_worker_stops() -> None:
    """It is not for somebody else to do."""
    driver = Driver()
    driver.take()
    driver.tell(StopAsked())
    driver.advance(GRACE_S)
    driver.tell(Recall("r1"))
    driver.end(outcome=CANCELLED)
    assert driver.told() == [RUNNING, ReportStatus.CANCELLED]


def test_a_worker_without_a_broker_does_not_wait_for_ever() -> None:
    """What could not be told is left to whoever gets the message."""
    driver = Driver()
    driver.take()
    driver.tell(Disconnected(), StopAsked())
    driver.end()
    fresh = driver.advance(GRACE_S + STOP_MARGIN_S)
    assert fresh == [Exit(clean=False)]
