"""The law of changing rows: only the term that owns a row, only along the table of states."""

from dataclasses import replace
from datetime import timedelta

from executor.domain.run import (
    LIVE,
    Output,
    Reason,
    RunChange,
    RunState,
    sources,
)
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import (
    AWKWARD,
    ENDS,
    LONG_LEASE_S,
    a_claim,
    a_run,
    noon,
    race,
)

#: An object whose keys and figures no store would take as they are.
DETAILS = {"$set": {"a.b": [1, 2.5, None]}, "": AWKWARD, "done": 2**70, "inner": {"a": True}}


class ChangeLaw(StoreWorkshop):
    """Changing rows."""

    def test_a_change_writes_every_field_it_has(self) -> None:
        """Texts are taken literally, instants to the millisecond."""
        run = self.put_run(a_claim())
        self.store.change_runs(
            [
                RunChange(
                    run_id=run.id,
                    term=1,
                    state=RunState.FAILED,
                    reason=Reason.SHUTDOWN,
                    executor=AWKWARD,
                    revision=4,
                    started_at=noon(1),
                    finished_at=noon(2),
                    follow_up=True,
                    exit_code=3,
                    http_status=500,
                    retry_after=90,
                    error=AWKWARD,
                    details=DETAILS,
                    output=Output(head=AWKWARD, tail="$end", size=70_000),
                )
            ]
        )

        assert self.readers.get_run(run.id) == replace(
            run,
            state=RunState.FAILED,
            reason=Reason.SHUTDOWN,
            executor=AWKWARD,
            revision=4,
            started_at=noon(1),
            finished_at=noon(2),
            follow_up=True,
            exit_code=3,
            http_status=500,
            retry_after=90,
            error=AWKWARD,
            details=DETAILS,
            output=Output(head=AWKWARD, tail="$end", size=70_000),
        )

    def test_a_change_leaves_what_it_does_not_name(self) -> None:
        """None means: as it was."""
        run = self.put_run(
            a_run(executor="me", started_at=noon(1), state=RunState.RUNNING, error="so far")
        )
        end = RunChange(run_id=run.id, term=1, state=RunState.SUCCEEDED, exit_code=0)
        self.store.change_runs([end])

        assert self.readers.get_run(run.id) == replace(run, state=RunState.SUCCEEDED, exit_code=0)

    def test_details_are_replaced_as_a_whole(self) -> None:
        """What a target says later is not mixed with what it said before."""
        run = self.put_run(a_run(state=RunState.RUNNING, details=DETAILS))
        news = {"done": 2, "inner": {"b": None}}
        self.store.change_runs(
            [RunChange(run_id=run.id, term=1, state=RunState.RUNNING, details=news)]
        )

        assert self.readers.get_run(run.id) == replace(run, details=news)

    def test_a_change_of_another_term_does_nothing(self) -> None:
        """Neither of a former term nor of a later one that has not adopted the row."""
        run = self.put_run(a_run(term=5))
        self.store.change_runs(
            [RunChange(run_id=run.id, term=term, state=RunState.RUNNING) for term in (4, 6)]
        )

        assert self.readers.get_run(run.id) == run

    def test_a_change_is_applied_along_the_table_of_states_only(self) -> None:
        """Every pair of states, those of a change with a lease included."""
        pairs = [(before, state) for before in RunState for state in RunState]
        for lease_s in (None, LONG_LEASE_S):
            names = {pair: f"{pair[0]}-{pair[1]}-{lease_s}" for pair in pairs}
            self.put_runs([a_run(names[pair], state=pair[0]) for pair in pairs])
            self.store.change_runs(
                [
                    RunChange(run_id=names[pair], term=1, state=pair[1], lease_s=lease_s)
                    for pair in pairs
                ]
            )

            for before, state in pairs:
                after = self.readers.get_run(names[before, state]).state
                assert after is (state if before in sources(state) else before)

    def test_a_change_that_does_nothing_stops_no_other(self) -> None:
        """Unknown rows, foreign rows and finished rows lie beside good ones."""
        self.put_runs([a_run("good"), a_run("foreign", term=2), a_run("over", state=ENDS[0])])
        self.store.change_runs(
            [
                RunChange(run_id=run_id, term=1, state=RunState.RUNNING)
                for run_id in ("unknown", "foreign", "over", "good")
            ]
        )

        assert self.readers.get_run("good").state is RunState.RUNNING

    def test_a_change_may_be_repeated(self) -> None:
        """The second time it finds a state that does not allow it."""
        run = self.put_run(a_run())
        end = RunChange(run_id=run.id, term=1, state=RunState.FAILED, follow_up=True)
        self.store.change_runs([end])
        self.store.settle_follow_ups([run.id])
        self.store.change_runs([end])

        assert self.readers.get_run(run.id) == replace(run, state=RunState.FAILED)

    def test_a_change_with_a_lease_counts_it_from_the_stores_now(self) -> None:
        """The other fields are written with it, texts literally."""
        run = self.put_run(a_run())
        before = self.readers.now()
        start = RunChange(
            run_id=run.id,
            term=1,
            state=RunState.RUNNING,
            executor=AWKWARD,
            started_at=noon(1),
            output=Output(head="$head", size=5),
            lease_s=LONG_LEASE_S,
        )
        self.store.change_runs([start])
        after = self.readers.now()

        started = self.readers.get_run(run.id)
        lease = timedelta(seconds=LONG_LEASE_S)
        assert started.lease_until is not None
        assert before + lease <= started.lease_until <= after + lease
        assert started == replace(
            run,
            state=RunState.RUNNING,
            executor=AWKWARD,
            started_at=noon(1),
            output=Output(head="$head", size=5),
            lease_until=started.lease_until,
        )

    def test_ends_that_race_leave_one(self) -> None:
        """A cancellation and a success at the same moment: the row has one of them, whole."""
        other = self.another_store()
        for number in range(10):
            run = self.put_run(a_run(f"r{number}", state=RunState.RUNNING))
            good = RunChange(run_id=run.id, term=1, state=RunState.SUCCEEDED, exit_code=0)
            bad = RunChange(
                run_id=run.id, term=1, state=RunState.CANCELLED, reason=Reason.REQUESTED
            )
            race(lambda pair: pair[0].change_runs([pair[1]]), [(self.store, good), (other, bad)])

            assert self.readers.get_run(run.id) in (
                replace(run, state=RunState.SUCCEEDED, exit_code=0),
                replace(run, state=RunState.CANCELLED, reason=Reason.REQUESTED),
            )


class OpenRowLaw(StoreWorkshop):
    """Which rows a successor finds."""

    def _open_ids(self, term: int) -> list[str]:
        return [run.id for run in self.store.open_runs_before(term)]

    def test_every_live_row_of_a_former_term_is_found(self) -> None:
        """Ended rows are not; the row comes back whole, with its output."""
        runs = [a_run(state, state=state, output=Output(head="x", size=1)) for state in RunState]
        self.put_runs(runs)

        found = self.store.open_runs_before(2)
        assert sorted(found, key=lambda r: r.id) == sorted(
            (run for run in runs if run.state in LIVE), key=lambda r: r.id
        )

    def test_rows_of_the_term_itself_and_of_later_ones_are_not_found(self) -> None:
        """They are somebody's own business."""
        self.put_runs([a_run(f"t{term}", term=term) for term in (1, 2, 3)])

        assert self._open_ids(2) == ["t1"]

    def test_open_rows_come_oldest_first(self) -> None:
        """By when they were created, whatever their terms."""
        ages = {"c": 3, "a": 1, "d": 4, "b": 2}
        self.put_runs([a_run(run_id, created_at=noon(s), term=9 - s) for run_id, s in ages.items()])

        assert self._open_ids(100) == ["a", "b", "c", "d"]

    def test_an_end_that_demands_a_run_stays_open_until_settled(self) -> None:
        """Nothing else makes it go away; settling may be repeated."""
        runs = [a_run(state, state=RunState.RUNNING) for state in ENDS]
        self.put_runs(runs)
        self.store.change_runs([RunChange(run_id=s, term=1, state=s, follow_up=True) for s in ENDS])
        assert sorted(self._open_ids(2)) == sorted(ENDS)

        for _ in range(2):
            self.store.settle_follow_ups([*ENDS[1:], "unknown"])
        assert self._open_ids(2) == [ENDS[0]]
        assert self.readers.get_run(ENDS[0]).follow_up
        assert not self.readers.get_run(ENDS[1]).follow_up

    def test_an_end_that_demands_nothing_closes_the_row(self) -> None:
        """Whether it says so or leaves it as it was."""
        self.put_runs([a_run(name, state=RunState.RUNNING) for name in ("said", "unsaid")])
        self.store.change_runs(
            [
                RunChange(run_id="said", term=1, state=RunState.LOST, follow_up=False),
                RunChange(run_id="unsaid", term=1, state=RunState.LOST),
            ]
        )

        assert self._open_ids(2) == []

    def test_a_demand_made_while_the_row_was_live_survives_its_end(self) -> None:
        """An end that does not mention it leaves it standing."""
        self.put_run(a_run("run", follow_up=True))
        self.store.change_runs([RunChange(run_id="run", term=1, state=RunState.LOST)])

        assert self._open_ids(2) == ["run"]

    def test_settling_does_not_close_a_live_row(self) -> None:
        """It is open for another reason as well."""
        self.put_run(a_run("run", follow_up=True))
        self.store.settle_follow_ups(["run"])

        assert self._open_ids(2) == ["run"]

    def test_a_row_inserted_as_skipped_is_never_open(self) -> None:
        """It is recorded, and there is nothing left to do."""
        self.put_run(a_claim(state=RunState.SKIPPED, reason=Reason.PAUSED))

        assert self._open_ids(2) == []
