"""Where the store contract gets its MongoDB stores from.

All tests of a class share one database, emptied before each: making one takes longer
than a test.  A subclass may stand on another server by overriding ``server_uri``.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from executor.adapters.mongodb import MongoReaders, MongoStore
from executor.domain.named import Kind
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_workshop import StoreWorkshop
from tests.servers import find


class MongoWorkshop(StoreWorkshop):
    """Makes clients of one MongoDB database; ``raw`` is what is really in it."""

    @pytest.fixture(scope="class")
    @classmethod
    def server_uri(cls, mongodb_uri: str) -> str:
        """The URI of the server, without a database."""
        return mongodb_uri

    @pytest.fixture(scope="class")
    @classmethod
    def a_database(cls, server_uri: str) -> Iterator[Database[dict[str, Any]]]:
        """The database as a test sees it from outside; dropped in the end."""
        name = f"solocron_test_{uuid.uuid4().hex}"
        with pymongo.MongoClient[dict[str, Any]](server_uri) as client:
            yield client[name]
            client.drop_database(name)

    @pytest.fixture
    def _world(self, server_uri: str, a_database: Database[dict[str, Any]]) -> Iterator[None]:
        for name in a_database.list_collection_names():
            a_database[name].delete_many({})
        self.raw = a_database
        self.uri = find.with_database(server_uri, a_database.name)
        yield
        readers = self.readers
        assert isinstance(readers, MongoReaders)
        readers.close()

    def make_store(self) -> ExecutorStore:
        return MongoStore(self.uri)

    def make_readers(self) -> Readers:
        return MongoReaders(self.uri)

    def break_job(self, job_id: str) -> None:
        damage = {"$unset": {"definition.target": ""}}
        self.raw["jobs"].update_one({"_id": job_id}, damage)

    def break_revision(self, job_id: str, revision: int) -> None:
        damage = {"$unset": {"definition.target": ""}}
        self.raw["job_revisions"].update_one({"job_id": job_id, "revision": revision}, damage)

    def break_named(self, kind: Kind[Any], name: str) -> None:
        damage = {
            "$unset": {"definition.name": "", "definition.kind": "", "sealed": "", "digest": ""}
        }
        self.raw[kind.plural].update_one({"_id": name}, damage)

    def break_tally(self, job_id: str) -> None:
        self.raw["tallies"].update_one({"_id": job_id}, {"$unset": {"failures": ""}})

    def break_change(self, change_id: str) -> None:
        self.raw["audit"].update_one({"_id": change_id}, {"$unset": {"subject": ""}})

    def age_instance(self, instance_id: str, seconds: float) -> None:
        aged = {"$subtract": ["$seen_at", round(seconds * 1000)]}
        self.raw["instances"].update_one({"_id": instance_id}, [{"$set": {"seen_at": aged}}])
