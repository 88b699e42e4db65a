"""The store contract on a real MongoDB."""

import uuid
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from executor.adapters.mongodb import MongoReaders, MongoStore
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_contract import StoreContract
from tests.servers import find


@pytest.fixture(scope="class")
def database_uri(mongodb_uri: str) -> str:
    """The URI of a database for all tests of the class: making one takes longer than a test."""
    return find.with_database(mongodb_uri, f"solocron_test_{uuid.uuid4().hex}")


@pytest.fixture(scope="class")
def database(database_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """That database as the test sees it; dropped in the end."""
    with pymongo.MongoClient[dict[str, Any]](database_uri) as client:
        database = client.get_default_database()
        yield database
        client.drop_database(database)


class TestMongoStore(StoreContract):
    """The law."""

    @pytest.fixture
    def _world(self, database_uri: str, database: Database[dict[str, Any]]) -> Iterator[None]:
        for name in database.list_collection_names():
            database[name].delete_many({})
        self.uri, self.database = database_uri, database
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
        self.database["jobs"].update_one({"_id": job_id}, damage)

    def age_instance(self, instance_id: str, seconds: float) -> None:
        aged = {"$subtract": ["$seen_at", round(seconds * 1000)]}
        self.database["instances"].update_one({"_id": instance_id}, [{"$set": {"seen_at": aged}}])
