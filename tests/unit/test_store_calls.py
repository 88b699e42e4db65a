"""Every request of the engine is a call of the store, and every call has one outcome."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from executor.domain.errors import SolocronError, StaleTerm, StoreUnavailable
from executor.domain.term import TermRecord
from executor.domain.writes import Instance, LoadedJobs
from executor.engine import store_requests
from executor.engine.events import Answered, Event, Failed, JobsLoaded
from executor.engine.store_requests import Beat, ClearTerm, MintTerm, ReadAllJobs, Record, Request
from executor.runtime.store_calls import perform
from tests.builders import a_job, at
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.unit.desk_driver import with_jobs

#: A value for each type of field that requests have.
VALUES: dict[str, Any] = {
    "Mapping[str, datetime]": {},
    "str": "x",
    "int": 1,
    "float": 1.0,
    "datetime": at(0),
    "Instance": Instance(id="x", host="", version="", role="standby", seen_at=at(0)),
}

#: Found by name, because a class with slots has a twin without among the subclasses.
KINDS = [
    member
    for _, member in inspect.getmembers(store_requests, inspect.isclass)
    if issubclass(member, Request) and member is not Request
]


def empty(kind: type[Request]) -> Request:
    """Return a request of *kind* that is about nothing in particular."""
    values = {
        field.name: () if str(field.type).startswith("tuple") else VALUES[str(field.type)]
        for field in fields(kind)
    }
    return kind(**values)


def outcome(request: Request, store: MemoryStore) -> list[Event]:
    """Return what is posted for *request*."""
    posted: list[Event] = []
    perform(request, store, posted.append)
    return posted


def test_requests_are_all_in_one_place() -> None:
    """None is defined elsewhere, where the test below would miss it."""
    assert {kind.__name__ for kind in Request.__subclasses__()} == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_every_request_is_known_and_answered_once(kind: type[Request]) -> None:
    """A new kind cannot be forgotten: its answer carries the request itself."""
    store = MemoryStore(FakeClock())
    store.mint_term("x")
    request = empty(kind)

    (answer,) = outcome(request, store)

    assert isinstance(answer, Answered)
    assert answer.request is request


class Refusing(MemoryStore):
    """A store that refuses a clearance and a beat in the way it is told."""

    def __init__(self, error: Exception) -> None:
        super().__init__(FakeClock())
        self.error = error

    def clear_term(self, *_: object) -> None:
        raise self.error

    def beat(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [StaleTerm(1, 2), StoreUnavailable("down")])
@pytest.mark.parametrize("kind", [ClearTerm, Beat])
def test_the_stores_two_errors_become_a_failure(kind: type[Request], error: SolocronError) -> None:
    """The event carries the request and the error."""
    request = empty(kind)

    assert outcome(request, Refusing(error)) == [Failed(request, error)]


@pytest.mark.parametrize("kind", [ClearTerm, Beat])
def test_any_other_error_is_a_bug_and_is_not_hidden(kind: type[Request]) -> None:
    """Whoever runs the call has to decide about it."""
    with pytest.raises(ZeroDivisionError):
        outcome(empty(kind), Refusing(ZeroDivisionError()))


def test_an_unknown_request_is_a_bug() -> None:
    """It is refused instead of being taken for done."""
    with pytest.raises(TypeError, match="no store call is known"):
        outcome(Request(), MemoryStore(FakeClock()))


class Batches(MemoryStore):
    """A store whose reading of all jobs breaks off after its first batch."""

    def all_jobs(self) -> Iterator[LoadedJobs]:
        yield LoadedJobs((a_job(),))
        raise StoreUnavailable("lost on the way")


def test_all_jobs_come_in_batches_before_the_answer() -> None:
    """The batches carry the request that they answer."""
    request = ReadAllJobs()

    loaded, answer = outcome(request, with_jobs(a_job(), a_job("report")))

    assert isinstance(loaded, JobsLoaded)
    assert [job.name for job in loaded.loaded.jobs] == ["backup", "report"]
    assert (loaded.request, answer) == (request, Answered(request, None))


def test_a_reading_that_breaks_off_is_a_failure_after_its_batches() -> None:
    """What was read is not wasted, and the rest is asked for again."""
    request = ReadAllJobs()

    loaded, failure = outcome(request, Batches(FakeClock()))

    assert isinstance(loaded, JobsLoaded)
    assert isinstance(failure, Failed)


def test_the_answer_is_what_the_request_says() -> None:
    """For example, minting answers the record of the new term."""
    (answer,) = outcome(MintTerm("here", "2026a"), MemoryStore(FakeClock()))

    assert isinstance(answer, Answered)
    assert isinstance(answer.result, TermRecord)
    assert (answer.result.holder, answer.result.tzdata) == ("here", "2026a")


class Counting(MemoryStore):
    """A store that counts the two calls behind a record."""

    calls = 0

    def change_runs(self, *_: object) -> None:
        self.calls += 1

    def advance_jobs(self, *_: object) -> None:
        self.calls += 1


def test_a_record_of_nothing_makes_no_call() -> None:
    """The journal's two halves are written only if there is something in them."""
    store = Counting(FakeClock())

    outcome(Record((), ()), store)

    assert store.calls == 0
