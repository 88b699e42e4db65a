"""The law of runs that were handed over, and of the key that call-backs are proved by."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from executor.domain.run import LIVE, Output, RunChange, RunState
from executor.domain.writes import Adoption, Instance
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import NOON, a_run, noon, race

#: A lease that is over before long, seconds.
SHORT_LEASE_S: Final = 0.05

LIVE_STATES: Final = sorted(LIVE)


class RemoteLaw(StoreWorkshop):
    """Remote rows: marked, without a lease, adopted whatever their state."""

    def test_a_change_marks_a_row_as_remote_and_counts_its_attempts(self) -> None:
        """What is not named stays, also in later changes."""
        run = self.put_run(a_run())
        news = RunChange(run_id=run.id, term=1, state=RunState.PENDING, remote=True)
        self.store.change_runs([news])
        assert self.readers.get_run(run.id) == replace(run, remote=True)

        again = RunChange(run_id=run.id, term=1, state=RunState.PENDING, attempt=3, retriggers=2)
        self.store.change_runs([again])

        changed = replace(run, remote=True, attempt=3, retriggers=2)
        assert self.readers.get_run(run.id) == changed

    def test_what_a_remote_run_says_is_kept_while_it_waits_and_goes_on(self) -> None:
        """Whoever adopts the row finds it there, and can add to it."""
        run = self.put_run(a_run(remote=True))
        first, both = Output(head="one", size=3), Output(head="one\ntwo", size=7)
        for state, said in ((RunState.PENDING, first), (RunState.RUNNING, both)):
            news = RunChange(run_id=run.id, term=1, state=state, output=said, details={"rid": "x"})
            self.store.change_runs([news])
            assert self.readers.get_run(run.id).output == said

        (found,) = self.store.open_runs_before(2)

        assert (found.output, found.details) == (both, {"rid": "x"})

    def test_a_run_that_fell_silent_waits_again(self) -> None:
        """From running back to pending; an ended one never."""
        going, over = a_run("going", state=RunState.RUNNING), a_run("over", state=RunState.LOST)
        self.put_runs([going, over])

        self.store.change_runs(
            [RunChange(run_id=run.id, term=1, state=RunState.PENDING) for run in (going, over)]
        )

        assert self.readers.get_run("going").state is RunState.PENDING
        assert self.readers.get_run("over") == over

    def test_a_remote_row_never_expires(self) -> None:
        """Whatever lease it had before; the one beside it does."""
        runs = [a_run(state, state=state, remote=True) for state in LIVE_STATES]
        self.put_runs([*runs, a_run("local")])
        ids = [*LIVE_STATES, "local"]
        self.store.stamp_leases(ids, SHORT_LEASE_S)

        lost = self.after(
            SHORT_LEASE_S * 2, lambda: self.store.expire_runs(2), "the one row expired"
        )

        assert [run.id for run in lost] == ["local"]
        assert [self.readers.get_run(run.id).state for run in runs] == [r.state for r in runs]

    @pytest.mark.parametrize("state", LIVE_STATES)
    def test_a_remote_row_is_adopted_in_the_state_that_was_expected(self, state: RunState) -> None:
        """It goes on as it is, under the new term; repeating that is safe."""
        run = self.put_run(a_run(state=state, remote=True, started_at=noon(1)))
        adoption = Adoption(run.id, 1, run.clear_at, remote_in=state)

        for _ in range(2):
            assert self.store.adopt_runs([adoption], 2) == {run.id}
        assert self.readers.get_run(run.id) == replace(run, term=2)

    def test_a_row_that_was_not_marked_yet_is_marked_by_its_adoption(self) -> None:
        """Its executor died between the hand-over and the record of it."""
        run = self.put_run(a_run(state=RunState.RUNNING))
        adoption = Adoption(run.id, 1, run.clear_at, remote_in=RunState.RUNNING)

        self.store.adopt_runs([adoption], 2)

        assert self.readers.get_run(run.id) == replace(run, term=2, remote=True)

    def test_a_remote_row_in_another_state_is_not_adopted(self) -> None:
        """Whoever had it was still recording what it was told."""
        runs = [a_run(state, state=state, remote=True) for state in RunState]
        self.put_runs(runs)
        adoptions = [
            Adoption(run.id, 1, run.clear_at, remote_in=RunState.RUNNING)
            for run in runs
            if run.state is not RunState.RUNNING
        ]

        assert self.store.adopt_runs(adoptions, 2) == frozenset()
        assert [self.readers.get_run(run.id) for run in runs] == runs

    def test_a_superseded_executor_changes_no_adopted_row(self) -> None:
        """What it was told is told to its successor again."""
        run = self.put_run(a_run(state=RunState.RUNNING, remote=True))
        self.store.adopt_runs([Adoption(run.id, 1, run.clear_at, remote_in=run.state)], 2)

        self.store.change_runs([RunChange(run_id=run.id, term=1, state=RunState.SUCCEEDED)])

        assert self.readers.get_run(run.id) == replace(run, term=2)

    def test_of_two_that_adopt_a_remote_row_at_once_one_has_it(self) -> None:
        """The compare-and-set of the term settles it."""
        runs = [a_run(f"r{n}", state=RunState.RUNNING, remote=True) for n in range(50)]
        self.put_runs(runs)
        adoptions = [Adoption(r.id, 1, r.clear_at, remote_in=r.state) for r in runs]
        stores = {2: self.store, 3: self.another_store()}

        owned = race(lambda pair: pair[1].adopt_runs(adoptions, pair[0]), list(stores.items()))

        assert sorted(run_id for ids in owned for run_id in ids) == sorted(r.id for r in runs)

    def test_the_key_of_call_backs_is_made_once(self) -> None:
        """Whoever prepares the store, and whoever reads it, has the same 32 bytes."""
        key = self.store.callback_key()
        others = [self.another_store() for _ in range(3)]
        race(lambda store: store.prepare(), others)

        assert len(key) == 32
        assert {store.callback_key() for store in others} == {key}
        assert self.readers.callback_key() == key

    def test_an_instance_tells_how_many_reports_it_has_taken(self) -> None:
        """By verdict; none is as good as nothing told."""
        facts = {"host": "h", "version": "1", "role": "executing", "seen_at": NOON}
        told = {"applied": 2**40, "late": 1}
        self.store.beat(Instance(id="a", **facts))  # type: ignore[arg-type]
        self.store.beat(Instance(id="b", **facts, reports=told))  # type: ignore[arg-type]

        assert [one.reports for one in self.readers.list_instances()] == [{}, told]
