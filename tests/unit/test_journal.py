"""What happened, on its way to the store: merged, repeated, never mixed between terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import CommandKind
from executor.domain.job import LastRun
from executor.domain.run import Reason, RunChange, RunState
from executor.domain.writes import JobProgress
from executor.engine.desk import Desk
from executor.engine.effects import CancelWork
from executor.engine.events import Moment
from executor.engine.journal import Journal
from executor.engine.store_requests import Record, Request
from executor.engine.timing import JOURNAL_DELAY_S, JOURNAL_ROWS
from tests.builders import a_command, a_job, at, every, trigger, update
from tests.unit.desk_driver import executing


class Bench:
    """A journal on a desk of its own, and the store's side of it."""

    def __init__(self) -> None:
        self.desk = Desk(Moment(at(0), 1000.0))
        self.journal = Journal(self.desk)

    def wait(self, seconds: float) -> list[Record]:
        """Let time pass; return what is to be recorded then."""
        moment = self.desk.moment
        self.desk.moment = Moment(moment.now, moment.monotonic + seconds)
        self.journal.advance()
        effects = self.desk.take_effects()
        assert all(isinstance(effect, Record) for effect in effects)
        return [effect for effect in effects if isinstance(effect, Record)]

    def sent(self) -> Record:
        """Return the one batch that is due after the usual delay."""
        (record,) = self.wait(JOURNAL_DELAY_S)
        return record


def done(record: Record) -> object:
    """Return the store's answer when it has written everything."""
    return [None] * len(record.changes), [None] * len(record.progress)


def change(run_id: str = "run", term: int = 1, state: RunState = RunState.RUNNING) -> RunChange:
    return RunChange(run_id=run_id, term=term, state=state)


def news(
    revision: int = 1, next_fire: float | None = None, last: float | None = None
) -> JobProgress:
    """Return news about one job: a watermark, or the end of a run, in seconds after the start."""
    return JobProgress(
        job_id="job",
        revision=revision,
        next_fire_at=None if next_fire is None else at(next_fire),
        last_run=None
        if last is None
        else LastRun(run_id=f"run-{last}", state="succeeded", finished_at=at(last)),
    )


#: That the schedule of the first revision is over.
OVER = replace(news(1), over=True)


def test_entries_wait_a_little_for_company() -> None:
    """Many small writes become one; nobody waits longer than the delay."""
    bench = Bench()
    bench.journal.change(change("a"))
    assert bench.wait(JOURNAL_DELAY_S / 2) == []
    bench.journal.change(change("b"))

    (record,) = bench.wait(JOURNAL_DELAY_S / 2)

    assert [entry.run_id for entry in record.changes] == ["a", "b"]


def test_a_full_batch_does_not_wait() -> None:
    """As soon as there are so many entries they are sent."""
    bench = Bench()
    for number in range(JOURNAL_ROWS):
        bench.journal.change(change(str(number)))

    assert len(bench.wait(0)) == 1


def test_a_start_and_an_end_are_one_entry() -> None:
    """A run shorter than the delay is written once."""
    bench = Bench()
    start = replace(change(), started_at=at(1), executor="here")
    end = replace(change(state=RunState.FAILED), exit_code=3)
    bench.journal.change(start)
    bench.journal.change(end)

    assert bench.sent().changes == (start.merged_with(end),)


def test_changes_of_one_row_in_different_terms_are_never_merged() -> None:
    """A row given up in one term and adopted in a later one has a change for each."""
    bench = Bench()
    given_up = replace(change(term=1, state=RunState.CANCELLED), follow_up=True)
    started = change(term=3)
    bench.journal.change(given_up)
    bench.journal.change(started)

    assert bench.sent().changes == (given_up, started)


def test_one_batch_is_out_at_a_time() -> None:
    """What comes meanwhile waits for the answer, so that changes of a row keep their order."""
    bench = Bench()
    bench.journal.change(change(state=RunState.RUNNING))
    first = bench.sent()
    bench.journal.change(change(state=RunState.SUCCEEDED))
    assert bench.wait(10) == []

    assert bench.journal.answered(first, done(first))
    (second,) = bench.wait(0)

    assert second.changes == (change(state=RunState.SUCCEEDED),)


def test_an_unanswered_batch_is_repeated_as_it_was() -> None:
    """Nothing is forgotten in an outage, and nothing is added to a batch that may be written."""
    bench = Bench()
    bench.journal.change(change("a"))
    first = bench.sent()
    assert bench.journal.failed(first)
    bench.journal.change(change("b"))
    repeated = []
    for _ in range(10):
        for record in bench.wait(0.5):
            repeated.append(record)
            assert bench.journal.failed(record)

    assert len(repeated) >= 4
    assert {id(record) for record in repeated} == {id(first)}
    assert not bench.journal.empty


def test_a_row_is_remembered_until_its_change_is_durable() -> None:
    """Whoever must know whether the store is up to date about a row asks the journal."""
    bench = Bench()
    bench.journal.change(change(state=RunState.RUNNING))
    first = bench.sent()
    bench.journal.change(change(state=RunState.SUCCEEDED))
    bench.journal.answered(first, done(first))
    assert bench.journal.remembers("run")

    second = bench.sent()
    assert bench.journal.remembers("run")
    bench.journal.answered(second, done(second))

    assert not bench.journal.remembers("run")
    assert bench.journal.empty


def test_the_answer_to_another_request_is_not_the_journals() -> None:
    """It says so, and stays as it is."""
    bench = Bench()
    bench.journal.change(change())
    record = bench.sent()
    other: Request = Record(record.changes, record.progress)

    assert not bench.journal.answered(other, done(record))
    assert not bench.journal.failed(other)
    assert bench.journal.remembers("run")


@pytest.mark.parametrize(
    ("entries", "merged"),
    [
        pytest.param([news(1, 10), news(1, 20)], news(1, 20), id="the later watermark"),
        pytest.param([news(1, 10), news(1, last=5)], news(1, 10, 5), id="both kinds"),
        pytest.param([news(1, last=5), news(1, 10)], news(1, 10, 5), id="both, the other way"),
        pytest.param([news(1, last=5), news(1, last=8)], news(1, last=8), id="the later end"),
        pytest.param([news(1, 10), news(2, 40)], news(2, 40), id="a newer revision's watermark"),
        pytest.param(
            [news(1, 10, 5), news(2, 40)], news(2, 40, 5), id="a newer revision and an older end"
        ),
        pytest.param([news(1, 10), news(2, last=5)], news(2, last=5), id="a newer revision's end"),
        pytest.param(
            [news(2, 40), news(1, last=5)], news(2, 40, 5), id="the end of an older revision's run"
        ),
        pytest.param([news(1, 10), OVER], OVER, id="the end of the schedule"),
        pytest.param([OVER, news(1, 10)], OVER, id="the end of the schedule, the other way"),
        pytest.param([OVER, news(2, 40)], news(2, 40), id="a newer revision begins anew"),
        pytest.param([news(2, 40), OVER], news(2, 40), id="the end of a former schedule"),
    ],
)
def test_news_about_a_job_are_merged_by_revision(
    entries: list[JobProgress], merged: JobProgress
) -> None:
    """A watermark is sent for the revision it was computed from; the latest run is anybody's."""
    bench = Bench()
    for entry in entries:
        bench.journal.progress(entry)

    assert bench.sent().progress == (merged,)


# In the engine ------------------------------------------------------------------------------


def test_starts_and_ends_reach_the_store_with_all_that_is_known() -> None:
    """The row says who ran it, when, under which revision, and how it ended."""
    driver = executing(a_job())
    driver.ask(update(description="new"))
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance(0.1)
    row = driver.row(run)
    assert (row.state, row.executor, row.revision) == (RunState.RUNNING, "here", 2)
    assert (row.started_at, row.lease_until) == (at(10), at(20.02))

    driver.end(run, RunState.TIMED_OUT)
    driver.advance(0.1)

    assert (driver.row(run).state, driver.row(run).finished_at) == (RunState.TIMED_OUT, at(10.1))
    last = driver.job().last_run
    assert last == LastRun(run_id=run.id, state="timed_out", finished_at=at(10.1))


def test_the_watermark_follows_the_hand_off() -> None:
    """Until the slot is handed off the store's watermark stays at it: a crash finds it again."""
    driver = executing(a_job())
    driver.advance_to(at(9.99))
    assert driver.job().next_fire_at == at(10)

    driver.advance_to(at(10.1))

    assert driver.job().next_fire_at == at(20)


def test_the_watermark_of_a_gap_moves_when_its_last_row_is_settled() -> None:
    """All rows of the gap are durable then, and the one that runs is handed off."""
    driver = executing(a_job(schedule=every(10), now=at(-35)))

    driver.advance(0.1)

    assert len(driver.rows()) == 4
    assert driver.job().next_fire_at == at(10)


def test_nothing_is_written_on_the_way_to_a_start() -> None:
    """With the journal stuck, slots fire as before; the news wait in memory."""
    driver = executing(a_job(schedule=every(5)))
    driver.hold(Record)
    for second in (5, 10, 15):
        driver.advance_to(at(second))
        run = driver.handed_off[-1]
        assert run.fire_at == at(second)
        driver.begin(run)
        driver.end(run)

    driver.release()
    driver.advance(0.1)

    assert [row.state for row in driver.rows()] == [RunState.SUCCEEDED] * 3
    assert driver.job().next_fire_at == at(20)


def test_a_cancel_and_a_late_start_do_not_hide_that_the_run_began() -> None:
    """The launcher had begun when the request came: the row keeps when."""
    driver = executing(a_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.send(a_command(CommandKind.CANCEL_RUN, run.id))
    driver.advance(0.1)
    assert driver.wanted(CancelWork)

    driver.begin(run)
    driver.advance(0.1)
    driver.end(run, RunState.CANCELLED, Reason.REQUESTED)
    driver.advance(0.1)

    assert driver.row(run).state is RunState.CANCELLED
    assert driver.row(run).started_at is not None
