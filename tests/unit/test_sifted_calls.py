"""Every call that writes a batch is sifted: what can be written is; the answer tells the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.run import RunChange, RunState
from executor.domain.writes import Adoption, JobProgress
from executor.engine.events import Answered, Event, Refused
from executor.engine.store_requests import AdoptRuns, InsertRuns, Record, Request, SaveResults
from executor.runtime.store_calls import perform
from tests.builders import a_job, a_run, at
from tests.unit.picky_store import PickyStore

GOOD, BAD = a_job("good"), a_job("bad")


def answer(request: Request, store: PickyStore) -> object:
    """Return the result of the one answer to *request*."""
    posted: list[Event] = []
    perform(request, store, posted.append)
    (event,) = posted
    assert isinstance(event, Answered)
    return event.result


def test_rows_are_inserted_beside_one_that_is_not_taken() -> None:
    """It stands in the answer like a row that was met."""
    store = PickyStore(GOOD, BAD)
    store.rows = {"bad"}
    met, fine, bad = a_run(GOOD), a_run(GOOD), a_run(BAD)
    store.insert_runs([met])

    found = answer(InsertRuns((met, bad, fine)), store)

    assert isinstance(found, dict)
    assert found.keys() == {met.id, bad.id}
    assert found[met.id] == met
    assert isinstance(found[bad.id], Refused)
    assert store.get_run(fine.id) == fine


def test_rows_are_adopted_beside_one_that_is_not_taken() -> None:
    """It is not among those that are ours."""
    store = PickyStore(GOOD, BAD)
    rows = [a_run(GOOD), a_run(BAD), a_run(GOOD)]
    store.insert_runs(rows)
    store.adoptions = {"bad"}

    ours = answer(AdoptRuns(tuple(Adoption(row.id, 1, at(1)) for row in rows), 2), store)

    assert ours == {rows[0].id, rows[2].id}


def test_records_are_written_beside_one_that_is_not_taken() -> None:
    """Changes and news alike; each has its place in the answer."""
    store = PickyStore(GOOD, BAD)
    rows = [a_run(BAD), a_run(GOOD)]
    store.insert_runs(rows)
    store.changes, store.news = {"bad"}, {"bad"}
    changes = [RunChange(run_id=row.id, term=1, state=RunState.FAILED) for row in rows]
    news = [JobProgress(job_id=job.id, revision=1, next_fire_at=at(90)) for job in (GOOD, BAD)]

    found = answer(Record(tuple(changes), tuple(news)), store)

    assert isinstance(found, tuple)
    changed, advanced = found
    assert [type(one) for one in changed] == [Refused, type(None)]
    assert [type(one) for one in advanced] == [type(None), Refused]
    assert store.get_run(rows[1].id).state is RunState.FAILED


class Wordless(PickyStore):
    """A store that takes no answer that says something."""

    def save_results(self, results: Sequence[CommandResult]) -> None:
        if any(result.message for result in results):
            raise OverflowError("no words")
        super().save_results(results)


def test_an_answer_whose_texts_are_not_taken_is_kept_without_them() -> None:
    """So its command is not applied once more when it comes again."""
    store = Wordless(GOOD)
    said, plain = (
        CommandResult(
            command_id=f"command {message}",
            kind=CommandKind.DELETE_JOB,
            digest="",
            status=ResultStatus.NOT_FOUND,
            finished_at=at(0),
            message=message,
        )
        for message in ("there is no such job", "")
    )

    assert answer(SaveResults((said, plain)), store) is None

    kept = store.get_result(said.command_id)
    assert (kept.status, kept.message) == (ResultStatus.NOT_FOUND, "")
    assert store.get_result(plain.command_id) == plain


def test_what_is_not_taken_is_logged_once_for_a_batch(caplog: pytest.LogCaptureFixture) -> None:
    """With the error of the driver, how many there are, and of how many."""
    store = PickyStore(GOOD, BAD)
    store.rows = {"bad"}

    answer(InsertRuns((a_run(GOOD), a_run(BAD), a_run(BAD))), store)

    (record,) = caplog.records
    facts = vars(record)
    assert (facts["action"], facts["refused"], facts["of"]) == ("store_refuses", 2, 3)
    assert record.exc_info is not None
