"""The store contract on a real MongoDB, and what is true of this store alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from pymongo.errors import DuplicateKeyError

from executor.adapters.mongodb.schema import COMMANDS_KEPT, SCHEMA_VERSION
from executor.domain.errors import SchemaTooNew, StoreUnavailable
from executor.domain.run import RunState
from executor.domain.writes import Adoption, BrokenJob, Instance
from executor.ports.store import RunFilter
from tests.contract.damage_law import WRONG, DamageLaw
from tests.contract.mongo_workshop import MongoWorkshop
from tests.contract.store_contract import StoreContract
from tests.contract.store_world import a_claim, a_job, a_run, noon, race, slot


class TestMongoStore(MongoWorkshop, StoreContract):
    """The law."""


class TestDamagedDocuments(MongoWorkshop, DamageLaw):
    """The law about records."""

    wrong = (*WRONG, DatetimeMS(2**62))
    depth = 2

    def record(self, table: str, key: str) -> dict[str, Any]:
        found = self.raw[table].find_one(self._which(table, key))
        assert found is not None
        self._id = found.pop("_id")
        return found

    def put_record(self, table: str, key: str, record: Mapping[str, Any]) -> bool:
        try:
            return bool(self.raw[table].replace_one({"_id": self._id}, record).matched_count)
        except DuplicateKeyError:
            return False

    def _which(self, table: str, key: str) -> dict[str, object]:
        return {"job_id": key, "revision": 2} if table == "job_revisions" else {"_id": key}


class TestMongoRecords(MongoWorkshop):
    """Records that Solocron did not write like this, and what the server does by itself."""

    def test_a_newer_schema_is_left_alone(self) -> None:
        """The error says which one was found and which is known."""
        newer = SCHEMA_VERSION + 1
        self.raw["schema"].update_one({"_id": "schema"}, {"$set": {"version": newer}})

        with pytest.raises(SchemaTooNew) as caught:
            self.store.prepare()
        assert (caught.value.found, caught.value.known) == (newer, SCHEMA_VERSION)

    def test_a_run_that_cannot_be_read_is_left_out(self) -> None:
        """The rows beside it are listed and found by a successor."""
        self.put_runs([a_run("good"), a_run("bad")])
        self.raw["runs"].update_one({"_id": "bad"}, {"$set": {"state": "pending", "cause": 7}})

        assert [run.id for run in self.store.open_runs_before(2)] == ["good"]
        page = self.readers.list_runs(RunFilter(), 10, None)
        assert [run.id for run in page.items] == ["good"]

    def test_a_run_that_cannot_be_read_still_takes_its_slot(self) -> None:
        """Nobody knows what became of it: lost is what stands there."""
        self.put_run(a_claim("first"))
        self.raw["runs"].update_one({"_id": "first"}, {"$unset": {"clear_at": ""}})

        row = a_claim("second", term=2)
        (standing,) = self.store.insert_runs([row]).values()
        assert standing == replace(row, state=RunState.LOST, error=standing.error)
        assert "first" in (standing.error or "")

    @pytest.mark.parametrize("value", [DatetimeMS(2**62), None, "2031-03-30", 5.0, {}], ids=str)
    def test_a_job_with_a_damaged_instant_is_broken(self, value: object) -> None:
        """Also with a date that Python cannot hold; the jobs beside it are loaded."""
        self.put_jobs([a_job("a"), a_job("b")])
        self.raw["jobs"].update_one({"_id": "job-a"}, {"$set": {"updated_at": value}})

        (loaded,) = self.store.all_jobs()
        assert loaded.jobs == (a_job("b"),)
        assert [broken.name for broken in loaded.broken] == ["a"]
        assert isinstance(self.readers.find_job("a"), BrokenJob)

    def test_instances_that_start_at_once_prepare_one_database(self) -> None:
        """Each of them finds it complete, whoever made what."""
        self.raw.client.drop_database(self.raw.name)
        stores = [self.make_store() for _ in range(4)]
        try:
            race(lambda store: store.prepare(), stores)
        finally:
            for store in stores:
                store.close()

        assert self.raw["schema"].find_one() == {"_id": "schema", "version": SCHEMA_VERSION}
        assert "slot" in self.raw["runs"].index_information()

    def test_a_row_that_the_server_refuses_is_not_taken_for_a_slot_that_is_taken(self) -> None:
        """Whatever else goes wrong in a batch: it is unknown what was written."""
        self.put_run(a_claim("first"))
        self.raw.command("collMod", "runs", validator={"job": {"$ne": "refused"}})
        try:
            with pytest.raises(StoreUnavailable):
                self.store.insert_runs([a_claim("second"), a_run("bad", job="refused")])
        finally:
            self.raw.command("collMod", "runs", validator={})

    def test_answers_expire_on_the_server(self) -> None:
        """After a day; the server does it by itself."""
        indexes = self.raw["commands"].index_information()

        assert indexes["expiry"]["expireAfterSeconds"] == COMMANDS_KEPT.total_seconds()

    def test_a_slot_is_unique_in_the_database_itself(self) -> None:
        """Whatever a program does."""
        index = self.raw["runs"].index_information()["slot"]

        assert index["unique"]
        assert index["key"] == [("job_id", 1), ("fire_at", 1)]

    def test_slots_are_found_along_their_index(self) -> None:
        """Whatever else a job has."""
        self.put_runs([a_claim(str(number), slot(number)) for number in range(20)])
        self.raw.command("profile", 2)
        try:
            self.readers.slots_between("job-backup", slot(3), slot(5), 10)
            self.readers.slot_at("job-backup", slot(19))
            found = list(self.raw["system.profile"].find({"command.find": "runs"}))
        finally:
            self.raw.command("profile", 0)
            self.raw.drop_collection("system.profile")

        assert [record["planSummary"] for record in found] == [
            "IXSCAN { job_id: 1, fire_at: 1 }"
        ] * 2
        assert sorted(record["docsExamined"] for record in found) == [1, 2]

    def test_every_read_asks_for_the_latest_write(self) -> None:
        """The server is told the time of it, by whatever command it was written."""
        instance = Instance(id="a", host="h", version="1", role="standby", seen_at=noon())
        writes: list[Callable[[], object]] = [
            lambda: self.store.mint_term("a"),
            lambda: self.store.clear_term(1, noon()),
            lambda: self.store.insert_runs([a_run("run")]),
            lambda: self.store.adopt_runs([Adoption("run", 1, noon(1))], 2),
            lambda: self.store.beat(instance),
            lambda: self.store.forget_instance("a"),
        ]
        self.raw.command("profile", 2)
        try:
            for write in writes:
                write()
                self.store.read_term()
            records = self.raw["system.profile"].find({"command.find": "executor"})
            asked = [record["command"]["readConcern"] for record in records.sort("ts")]
        finally:
            self.raw.command("profile", 0)
            self.raw.drop_collection("system.profile")

        times = [concern["afterClusterTime"] for concern in asked]
        assert len(times) == len(set(times)) == len(writes)
        assert times == sorted(times)
        assert {concern["level"] for concern in asked} == {"majority"}

    def test_a_closed_row_leaves_the_index_of_open_ones(self) -> None:
        """Supervision pays for what is unfinished and not for the history."""
        self.put_runs([a_claim(str(i), slot(i), state=RunState.SKIPPED) for i in range(5)])
        self.put_run(a_run("open", created_at=noon()))

        assert self.raw["runs"].count_documents({"open": {"$exists": True}}) == 1
