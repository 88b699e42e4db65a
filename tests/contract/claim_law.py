"""The law of inserting and adopting rows: one slot, one row, and everybody is told which."""

from dataclasses import replace
from datetime import timedelta

from executor.domain.instant import TICK
from executor.domain.run import Cause, Output, Reason, Run, RunState
from executor.domain.writes import Adoption
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_claim, a_run, noon, race, slot


def every_field(run_id: str = "full") -> Run:
    """Return a row in which no field has its default."""
    return Run(
        id=run_id,
        job_id="job-backup",
        job=AWKWARD,
        cause=Cause.CATCH_UP,
        state=RunState.CANCELLED,
        term=2**40,
        clear_at=noon(1),
        created_at=noon(2),
        scheduled=True,
        fire_at=slot(7),
        reason=Reason.REQUESTED,
        trigger_id=AWKWARD,
        command_id=AWKWARD,
        attempt=3,
        retriggers=2,
        parent_run_id="parent",
        revision=12,
        executor=AWKWARD,
        started_at=noon(3),
        finished_at=noon(4),
        lease_until=noon(5),
        follow_up=True,
        covers=500,
        covers_from=slot(1),
        exit_code=-9,
        http_status=503,
        retry_after=2**31,
        error=AWKWARD,
        details={"$a.b": [1, None], "done": 2**70},
        remote=True,
        output=Output(head=AWKWARD, tail="end", size=2**33),
    )


class InsertLaw(StoreWorkshop):
    """Inserting rows."""

    def test_a_row_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond; where nothing was given, nothing comes back."""
        runs = [every_field(), a_run("bare"), a_claim("slot")]
        self.put_runs(runs)

        assert [self.readers.get_run(run.id) for run in runs] == runs

    def test_an_empty_output_is_not_a_missing_one(self) -> None:
        """A target that said nothing differs from one whose output nobody has."""
        run = self.put_run(a_run(output=Output()))

        assert self.readers.get_run(run.id) == run

    def test_another_client_sees_a_row_at_once(self) -> None:
        """What insert has returned from is there for everybody."""
        run = self.put_run(a_claim())

        assert self.another_store().insert_runs([run]) == {run.id: run}

    def test_inserting_a_row_twice_shows_the_row_of_the_first_time(self) -> None:
        """The row as it stands now, changed or not; nothing is written."""
        run = self.put_run(a_claim())
        self.store.adopt_runs([Adoption(run.id, 1, noon(9))], 2)

        assert self.store.insert_runs([run]) == {run.id: replace(run, term=2, clear_at=noon(9))}

    def test_a_slot_is_taken_by_one_row_only(self) -> None:
        """A second row for it, under whatever id, is answered with the first one."""
        first = self.put_run(a_claim("first"))

        assert self.store.insert_runs([a_claim("second", term=2)]) == {"second": first}

    def test_an_id_is_taken_by_one_row_only(self) -> None:
        """A second row with it, for whatever slot, is answered with the first one."""
        first = self.put_run(a_claim("same"))

        assert self.store.insert_runs([a_claim("same", slot(1))]) == {"same": first}

    def test_slots_differ_by_job_and_by_instant(self) -> None:
        """One job's slot does not take another's, nor the next one of its own."""
        self.put_runs([a_claim("a"), a_claim("b", job_id="other"), a_claim("c", slot() + TICK)])

    def test_a_row_that_is_not_the_slot_itself_may_share_its_fire_time(self) -> None:
        """Retriggered runs inherit the fire time, any number of them, before and after."""
        retrigger = a_run("r1", cause=Cause.RETRIGGER, fire_at=slot())

        self.put_runs([retrigger, a_claim("slot"), replace(retrigger, id="r2")])

    def test_a_row_in_the_way_stops_no_other(self) -> None:
        """Wherever it stands in the batch, the rest is inserted."""
        taken = self.put_run(a_claim("taken", slot(1)))
        batch = [a_claim(f"c{number}", slot(number)) for number in range(3)]

        assert self.store.insert_runs(batch) == {"c1": taken}
        assert self.store.insert_runs(batch) == {"c0": batch[0], "c1": taken, "c2": batch[2]}

    def test_two_rows_for_one_slot_in_a_batch_leave_one(self) -> None:
        """The other is answered with it."""
        batch = [a_claim("x"), a_claim("y")]
        answer = self.store.insert_runs(batch)

        ((loser, winner),) = answer.items()
        assert {loser, winner.id} == {"x", "y"}
        assert winner in batch

    def test_large_batches_are_answered_row_by_row(self) -> None:
        """Thousands of rows, half of them in the way of the other half's successors."""
        batch = [a_claim(f"c{number}", slot(number)) for number in range(3000)]
        self.put_runs(batch[::2])

        assert self.store.insert_runs(batch) == {run.id: run for run in batch[::2]}

    def test_instances_that_claim_one_slot_agree_on_the_winner(self) -> None:
        """Exactly one row is inserted; all the others are shown that one."""
        stores = [self.store, self.another_store()] * 4
        for round_ in range(5):
            claims = [a_claim(f"r{round_}-{i}", slot(round_)) for i in range(len(stores))]
            answers = race(
                lambda pair: pair[0].insert_runs([pair[1]]), list(zip(stores, claims, strict=True))
            )

            winners = [claim for claim in claims if not any(claim.id in a for a in answers)]
            assert len(winners) == 1
            assert [run for answer in answers for run in answer.values()] == winners * 7

    def test_existing_rows_are_told_from_those_that_are_not_there(self) -> None:
        """By their ids, in whatever state they are; slots and other rows alike."""
        self.put_runs([a_claim("slot"), a_run("ended", state=RunState.FAILED), a_run("not asked")])

        assert self.store.existing_runs(["slot", "ended", "missing"]) == {"slot", "ended"}
        assert self.another_store().existing_runs({"missing", "slot"}) == {"slot"}

    def test_a_row_that_was_refused_does_not_exist(self) -> None:
        """The one in its way has another id."""
        self.put_run(a_claim("first"))
        self.store.insert_runs([a_claim("second")])

        assert self.store.existing_runs(["first", "second"]) == {"first"}

    def test_any_number_of_rows_can_be_asked_for(self) -> None:
        """Thousands of ids in one call."""
        self.put_runs([a_claim(f"c{number}", slot(number)) for number in range(0, 6000, 2)])

        found = self.store.existing_runs([f"c{number}" for number in range(6000)])
        assert found == {f"c{number}" for number in range(0, 6000, 2)}

    def test_no_rows_are_no_work(self) -> None:
        """Every batch may be empty."""
        assert self.store.existing_runs([]) == frozenset()
        assert self.store.insert_runs([]) == {}
        assert self.store.adopt_runs([], 1) == frozenset()
        assert self.store.renew_leases(1, [], 1.0) == frozenset()
        self.store.change_runs([])
        self.store.stamp_leases([], 1.0)
        self.store.settle_follow_ups([])
        assert self.store.prune_runs([], 100) == 0


class AdoptionLaw(StoreWorkshop):
    """Taking over pending rows of former terms."""

    def test_a_pending_row_is_adopted(self) -> None:
        """It belongs to the new term and waits for the new clearance; nothing else changes."""
        run = self.put_run(a_claim())

        assert self.store.adopt_runs([Adoption(run.id, 1, noon(60))], 2) == {run.id}
        adopted = replace(run, term=2, clear_at=noon(60))
        assert self.readers.get_run(run.id) == adopted

    def test_an_adoption_may_set_when_the_row_is_due(self) -> None:
        """Where it says nothing about that, it stays as it was."""
        run = self.put_run(a_claim())
        self.store.adopt_runs([Adoption(run.id, 1, noon(60), due_at=noon(30))], 2)
        adopted = replace(run, term=2, clear_at=noon(60), due_at=noon(30))
        assert self.readers.get_run(run.id) == adopted

        self.store.adopt_runs([Adoption(run.id, 2, noon(70))], 3)
        assert self.readers.get_run(run.id) == replace(adopted, term=3, clear_at=noon(70))

    def test_an_adoption_that_comes_late_undoes_nothing(self) -> None:
        """A term adopts from itself; what an earlier call expected is not there any more."""
        run = self.put_run(a_claim())
        park = Adoption(run.id, 1, noon(90), from_clear_at=run.clear_at)
        call = Adoption(run.id, 1, noon(60), from_clear_at=noon(90))
        for adoption in (park, park, call, park, call):
            assert self.store.adopt_runs([adoption], 1) == {run.id}

        assert self.readers.get_run(run.id).clear_at == noon(60)

    def test_an_adoption_may_be_repeated(self) -> None:
        """The row belongs to the term already; the answer is the same."""
        run = self.put_run(a_claim())
        adoption = Adoption(run.id, 1, noon(60))
        self.store.adopt_runs([adoption], 2)

        assert self.store.adopt_runs([adoption], 2) == {run.id}
        assert self.readers.get_run(run.id).clear_at == noon(60)

    def test_a_row_of_another_term_is_not_adopted(self) -> None:
        """Neither a newer nor an older one than expected."""
        runs = [a_claim(f"t{term}", slot(term), term=term) for term in (1, 3)]
        self.put_runs(runs)

        assert self.store.adopt_runs([Adoption(r.id, 2, noon(60)) for r in runs], 4) == frozenset()
        assert [self.readers.get_run(run.id) for run in runs] == runs

    def test_a_row_that_is_not_pending_is_not_adopted(self) -> None:
        """Whatever else it is, somebody has done something about it."""
        others = [state for state in RunState if state is not RunState.PENDING]
        runs = [a_run(state, state=state) for state in others]
        self.put_runs(runs)

        assert self.store.adopt_runs([Adoption(r.id, 1, noon(60)) for r in runs], 2) == frozenset()
        assert [self.readers.get_run(run.id) for run in runs] == runs

    def test_a_row_that_is_gone_is_not_adopted(self) -> None:
        """It is merely not among those that belong to the term."""
        run = self.put_run(a_run())
        adoptions = [Adoption(run_id, 1, noon(60)) for run_id in ("gone", run.id)]

        assert self.store.adopt_runs(adoptions, 2) == {run.id}

    def test_successors_that_adopt_at_once_share_the_rows_out(self) -> None:
        """Each row goes to exactly one of them, and each knows which are its own."""
        runs = [a_claim(f"c{number}", slot(number)) for number in range(200)]
        self.put_runs(runs)
        adoptions = [Adoption(run.id, 1, run.clear_at + timedelta(hours=1)) for run in runs]
        stores = {2: self.store, 3: self.another_store(), 4: self.another_store()}

        owned = race(lambda pair: pair[1].adopt_runs(adoptions, pair[0]), list(stores.items()))

        assert sorted(run_id for ids in owned for run_id in ids) == sorted(r.id for r in runs)
        for term, ids in zip(stores, owned, strict=True):
            assert all(self.readers.get_run(run_id).term == term for run_id in ids)
