"""What the database holds besides documents: indexes, and the version of it all.

``prepare`` is run by every executor at its start, so it may meet itself on another
instance; creating an index that exists is nothing.  A change of the documents that an
older Solocron cannot live with gets a new version, and a step in ``prepare``.

runs
    ``slot`` is the key that settles who owns a slot.  The lists by job, by state, by cause and
    state, and of all are each in order of creation, the id deciding among equals.  A list by
    cause alone is that of every state, merged.  ``open`` holds the rows with something left to
    do, so their number alone decides what supervision costs.
jobs
    ``name`` is unique among the jobs that are not deleted, and the order of the list.
    ``folded`` follows from the name; it is there for searching names without reading jobs.
    ``ping`` finds the job of a ping.  ``coming`` and ``by_last_run`` are the list's other orders.
job_revisions
    ``revision`` is the key of a former revision, and the order of a job's list.
audit
    Each list, of all and by actor and by job, is in order of time, the id deciding among equals.
output_chunks
    ``chunk`` is the key of a piece of output; by ``end`` the pieces from a place on are read and
    those that are too old removed.
service_keys
    One: that of call-backs, made by whoever was first.
calendars, secrets, channels, tokens, token_uses
    Few: their names, the keys, are enough.  Tallies are found by their jobs' ids.
sessions
    Found by their digests; by ``expiry`` those that are over are removed.
outbox
    ``due`` holds what is still to be delivered; the others are the orders of the list.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from executor.adapters.documents import Document
from executor.adapters.service_key import CALLBACK_KEY, new_key
from executor.domain.errors import SchemaTooNew

#: Version of what this module makes and ``*documents.py`` write.
SCHEMA_VERSION: Final = 1

#: How long answers to commands are kept.
COMMANDS_KEPT: Final = timedelta(days=1)

#: How long the record of an instance that fell silent is kept; it is listed for 30 s only.
INSTANCES_KEPT: Final = timedelta(hours=1)


def _index(name: str, *keys: str, **options: object) -> IndexModel:
    """Return an index over *keys*; one that begins with a dash is in descending order."""
    order = [(key.lstrip("-"), DESCENDING if key[0] == "-" else ASCENDING) for key in keys]
    return IndexModel(order, name=name, **options)


_INDEXES: Final[dict[str, list[IndexModel]]] = {
    "runs": [
        _index(
            "slot",
            "job_id",
            "fire_at",
            unique=True,
            partialFilterExpression={"scheduled": True},
        ),
        _index("by_job", "job_id", "created_at", "_id"),
        _index("by_state", "state", "created_at", "_id"),
        _index("by_cause_and_state", "cause", "state", "created_at", "_id"),
        _index("by_age", "created_at", "_id"),
        _index("open", "term", partialFilterExpression={"open": True}),
    ],
    "jobs": [
        _index(
            "name",
            *("deleted", "name", "folded"),
            unique=True,
            partialFilterExpression={"deleted": False},
        ),
        _index("coming", "deleted", "next_fire_at", "name"),
        _index("by_last_run", "deleted", "-last_run.finished_at", "name"),
        _index("last_command", "last_command"),
        _index("ping", "ping_digest", partialFilterExpression={"ping_digest": {"$type": "string"}}),
        _index("tag", "definition.tags", "name", partialFilterExpression={"deleted": False}),
    ],
    "job_revisions": [
        _index("revision", "job_id", "revision", unique=True),
    ],
    "audit": [
        _index("by_time", "at", "_id"),
        _index("by_actor", "actor", "at", "_id"),
        _index("by_job", "job_id", "at", "_id"),
    ],
    "output_chunks": [
        _index("chunk", "run_id", "offset", unique=True),
        _index("end", "run_id", "end"),
    ],
    "outbox": [
        _index("due", "due_at", partialFilterExpression={"state": "pending"}),
        _index("by_job", "job_id", "created_at", "_id"),
        _index("by_state", "state", "created_at", "_id"),
        _index("by_age", "created_at", "_id"),
    ],
    "sessions": [_index("expiry", "expires_at")],
    "commands": [
        _index("expiry", "finished_at", expireAfterSeconds=int(COMMANDS_KEPT.total_seconds()))
    ],
    "instances": [
        _index("expiry", "seen_at", expireAfterSeconds=int(INSTANCES_KEPT.total_seconds()))
    ],
}


def prepare(database: Database[Document]) -> None:
    """Create what is missing.

    Raises:
        SchemaTooNew: a newer Solocron has been here; nothing was changed.
    """
    record = database["schema"].find_one({"_id": "schema"})
    if record is not None and record["version"] > SCHEMA_VERSION:
        raise SchemaTooNew(record["version"], SCHEMA_VERSION)
    for name, indexes in _INDEXES.items():
        database[name].create_indexes(indexes)
    _make_key(database)
    mark = {"$max": {"version": SCHEMA_VERSION}}
    try:
        database["schema"].update_one({"_id": "schema"}, mark, upsert=True)
    except DuplicateKeyError:
        # Another instance has made the record at the same moment.
        database["schema"].update_one({"_id": "schema"}, mark)


def _make_key(database: Database[Document]) -> None:
    made = {"$setOnInsert": {"key": new_key()}}
    # Of several at one time one makes it; for the others it is there.
    with suppress(DuplicateKeyError):
        database["service_keys"].update_one({"_id": CALLBACK_KEY}, made, upsert=True)
