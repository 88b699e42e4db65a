"""The law of run leases: counted from the store's clock, over by the store's clock."""

from dataclasses import replace
from datetime import timedelta

from executor.domain.run import LIVE, Run, RunChange, RunState
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import LONG_LEASE_S, SHORT_LEASE_S, a_run, noon


class LeaseLaw(StoreWorkshop):
    """Stamping, renewing and expiring."""

    def _lease(self, run_id: str = "run") -> float | None:
        """Return how many seconds of the lease are left, about."""
        until = self.readers.get_run(run_id).lease_until
        return None if until is None else (until - self.readers.now()).total_seconds()

    def _expired(self, term: int) -> list[Run]:
        return self.after(SHORT_LEASE_S * 2, lambda: self.store.expire_runs(term), "a row expired")

    def test_a_renewed_lease_counts_from_the_stores_now(self) -> None:
        """It takes the place of the old one, be that longer or shorter."""
        run = self.put_run(a_run(state=RunState.RUNNING))
        for lease_s in (LONG_LEASE_S, LONG_LEASE_S / 2):
            before = self.readers.now()
            assert self.store.renew_leases(1, [run.id], lease_s) == frozenset()
            after = self.readers.now()

            until = self.readers.get_run(run.id).lease_until
            lease = timedelta(seconds=lease_s)
            assert until is not None
            assert before + lease <= until <= after + lease

    def test_renewing_changes_nothing_but_the_lease(self) -> None:
        """Whatever live state the row is in."""
        runs = [a_run(state, state=state) for state in LIVE]
        self.put_runs(runs)

        assert self.store.renew_leases(1, [run.id for run in runs], 60.0) == frozenset()
        for run in runs:
            renewed = self.readers.get_run(run.id)
            assert renewed == replace(run, lease_until=renewed.lease_until)

    def test_leases_that_cannot_be_renewed_are_named(self) -> None:
        """Rows that ended, that another term owns, or that are gone; the others are renewed."""
        ended = [state for state in RunState if state not in LIVE]
        self.put_runs([a_run(state, state=state) for state in ended])
        self.put_runs([a_run("live"), a_run("adopted", term=2)])
        refused = {*ended, "adopted", "gone"}

        assert self.store.renew_leases(1, ["live", *refused], 60.0) == refused
        assert self._lease("live") is not None
        assert all(self._lease(run_id) is None for run_id in refused - {"gone"})

    def test_stamping_gives_a_lease_to_rows_that_have_none(self) -> None:
        """The first stamp stays, so a row cannot be kept from expiring by successors."""
        self.put_run(a_run(term=7))
        self.store.stamp_leases(["run", "gone"], LONG_LEASE_S)
        first = self.readers.get_run("run").lease_until
        self.store.stamp_leases(["run"], LONG_LEASE_S * 2)

        left = self._lease()
        assert left is not None
        assert 0 < left <= LONG_LEASE_S
        assert self.readers.get_run("run").lease_until == first

    def test_stamping_leaves_ended_rows_alone(self) -> None:
        """They have nothing to expire."""
        ended = [state for state in RunState if state not in LIVE]
        self.put_runs([a_run(state, state=state) for state in ended])
        self.store.stamp_leases(ended, 60.0)

        assert all(self.readers.get_run(state).lease_until is None for state in ended)

    def test_a_live_row_of_a_former_term_expires_with_its_lease(self) -> None:
        """In every live state it becomes lost, finished now, and demands a follow-up."""
        runs = [a_run(state, state=state) for state in LIVE]
        self.put_runs(runs)
        self.store.renew_leases(1, [run.id for run in runs], SHORT_LEASE_S)
        before = self.readers.now()
        lost = self._expired(2)

        assert sorted(run.id for run in lost) == sorted(LIVE)
        for run in lost:
            assert (run.state, run.follow_up, run.term) == (RunState.LOST, True, 1)
            assert run.finished_at is not None
            assert before <= run.finished_at <= self.readers.now()
            assert run.lease_until is not None
            assert run.lease_until <= run.finished_at
            assert self.readers.get_run(run.id) == run

    def test_a_row_expires_once(self) -> None:
        """Until its follow-up is settled a successor finds it as an open row."""
        self.put_run(a_run())
        self.store.stamp_leases(["run"], SHORT_LEASE_S)
        lost = self._expired(2)

        assert self.store.expire_runs(2) == []
        assert self.store.open_runs_before(2) == lost

    def test_a_lease_that_is_not_over_holds(self) -> None:
        """Beside one that is."""
        self.put_runs([a_run("long"), a_run("short")])
        self.store.stamp_leases(["long"], LONG_LEASE_S)
        self.store.stamp_leases(["short"], SHORT_LEASE_S)

        assert [run.id for run in self._expired(2)] == ["short"]
        assert self.readers.get_run("long").state is RunState.PENDING

    def test_a_row_without_a_lease_never_expires(self) -> None:
        """Somebody has to stamp it first."""
        self.put_runs([a_run("bare"), a_run("leased")])
        self.store.stamp_leases(["leased"], SHORT_LEASE_S)

        assert [run.id for run in self._expired(2)] == ["leased"]

    def test_rows_of_the_term_itself_and_of_later_ones_do_not_expire(self) -> None:
        """Whoever owns them renews them, or is about to."""
        self.put_runs([a_run(f"t{term}", term=term) for term in (1, 2, 3)])
        for term in (1, 2, 3):
            self.store.renew_leases(term, [f"t{term}"], SHORT_LEASE_S)

        assert [run.id for run in self._expired(2)] == ["t1"]

    def test_an_ended_row_does_not_expire(self) -> None:
        """Its lease is of no interest any more."""
        self.put_runs([a_run("ended"), a_run("live")])
        self.store.renew_leases(1, ["ended", "live"], SHORT_LEASE_S)
        end = RunChange(run_id="ended", term=1, state=RunState.SUCCEEDED, finished_at=noon())
        self.store.change_runs([end])

        assert [run.id for run in self._expired(2)] == ["live"]
        assert self.readers.get_run("ended").state is RunState.SUCCEEDED

    def test_a_lost_row_is_its_executors_no_more(self) -> None:
        """A result that comes after all changes nothing, and the lease is refused."""
        self.put_run(a_run())
        self.store.stamp_leases(["run"], SHORT_LEASE_S)
        (lost,) = self._expired(2)
        self.store.change_runs([RunChange(run_id="run", term=1, state=RunState.SUCCEEDED)])

        assert self.store.renew_leases(1, ["run"], 60.0) == {"run"}
        assert self.readers.get_run("run") == lost
