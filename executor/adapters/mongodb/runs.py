"""Runs in MongoDB: claimed, adopted, changed and kept alive.

Every write carries its condition (the term that owns the row, the states it may come
from), so it does the right thing or nothing, however often it is sent.

``open`` marks the rows with something left to do, so that they have an index of their
own however many have ended.  Whatever changes a state or a demand has the server
compute it again from the row as it is then.  Such updates are pipelines, in which a
text may be an expression: what comes from outside stands inside ``$literal``.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from executor.adapters.documents import Document, Undecodable
from executor.adapters.mongodb.connection import (
    MongoPart,
    from_record,
    later,
    to_record,
    translated,
    unavailable,
)
from executor.adapters.run_documents import (
    change_to_document,
    run_from_document,
    run_to_document,
)
from executor.adapters.verdicts import unreadable_run
from executor.domain.errors import StoreUnavailable
from executor.domain.run import LIVE, Run, RunChange, RunState, sources
from executor.domain.writes import Adoption

logger = logging.getLogger(__name__)

#: The server's code for a key that is taken.
DUPLICATE_KEY: Final = 11000

#: How often rows are inserted again because what stood in their way was gone when it was
#: looked for.  Only retention removes rows, so once is rare and thrice is a fault.
_ROUNDS: Final = 3

#: Ids in one condition: far below the 16 MB of a message, and enough to need few of them.
_IDS_AT_ONCE: Final = 5000

LIVE_STATES: Final = sorted(state.value for state in LIVE)

#: Whether a row is open, computed from its other fields; a closed one has no such field.
_OPEN: Final = {
    "$set": {
        "open": {
            "$cond": [
                {"$or": [{"$eq": ["$follow_up", True]}, {"$in": ["$state", LIVE_STATES]}]},
                True,
                "$$REMOVE",
            ]
        }
    }
}

_SOURCES: Final = {state: sorted(before.value for before in sources(state)) for state in RunState}


class MongoRuns(MongoPart):
    """A :class:`~executor.ports.store.RunStore`, but for removal, which is in ``retention.py``."""

    @translated
    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert each row unless its id or its slot is taken; return what stands there."""
        standing: dict[str, Run] = {}
        waiting: Sequence[Run] = runs
        for _ in range(_ROUNDS):
            refused = self._insert(waiting)
            standing.update(self._standing(refused))
            waiting = [run for run in refused if run.id not in standing]
            if not waiting:
                return standing
        raise StoreUnavailable("MongoDB: rows stand in the way of others and are not there")

    def _insert(self, runs: Sequence[Run]) -> list[Run]:
        """Insert *runs*; return those that met a row."""
        if not runs:
            return []
        try:
            self._runs.insert_many([_record(run) for run in runs], ordered=False)
        except BulkWriteError as error:
            return [runs[index] for index in taken_keys(error)]
        return []

    def _standing(self, refused: Sequence[Run]) -> dict[str, Run]:
        """Return the rows in the way of *refused*, by the ids of those.

        The insert was acknowledged by the majority although it failed: its acknowledgement
        covers what it met, so reads after it find that.
        """
        records = {
            record["_id"]: record
            for ids in _portions([run.id for run in refused])
            for record in self._runs.find({"_id": {"$in": ids}})
        }
        met = {run.id: records[run.id] for run in refused if run.id in records}
        others = [run for run in refused if run.id not in met and run.fire_at is not None]
        if others:
            slots = self._slots(others)
            for run in others:
                if (run.job_id, run.fire_at) in slots:
                    met[run.id] = slots[run.job_id, run.fire_at]
        rows = {run.id: run for run in refused}
        return {run_id: _read_standing(record, rows[run_id]) for run_id, record in met.items()}

    def _slots(self, runs: Sequence[Run]) -> dict[tuple[str, datetime | None], Document]:
        """Return the rows that are the slots of *runs*."""
        jobs_at: dict[datetime | None, list[str]] = {}
        for run in runs:
            jobs_at.setdefault(run.fire_at, []).append(run.job_id)
        return {
            (record["job_id"], fire_at): record
            for fire_at, jobs in jobs_at.items()
            for record in self._runs.find(
                {"scheduled": True, "fire_at": fire_at, "job_id": {"$in": jobs}}
            )
        }

    @translated
    def existing_runs(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return those of *run_ids* of which there is a row."""
        return self._ids(run_ids, {})

    @translated
    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Move rows to *term*; return the ids that are its own now."""
        if not adoptions:
            return frozenset()
        self._runs.bulk_write(
            [UpdateOne(*_adoption(adoption, term)) for adoption in adoptions],
            ordered=False,
        )
        return self._ids([adoption.run_id for adoption in adoptions], {"term": term})

    @translated
    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Apply each change whose row has its term and an allowed state."""
        if changes:
            self._runs.bulk_write([_update(change) for change in changes], ordered=False)

    @translated
    def renew_leases(self, term: int, run_ids: Collection[str], lease_s: float) -> frozenset[str]:
        """Renew leases by the server's clock; return the ids of those that could not be."""
        own = {"term": term, "state": {"$in": LIVE_STATES}}
        ids = set(run_ids)
        if self._lease(ids, own, lease_s) == len(ids):
            return frozenset()
        return frozenset(ids) - self._ids(ids, own)

    @translated
    def stamp_leases(self, run_ids: Collection[str], lease_s: float) -> None:
        """Give live rows without a lease one by the server's clock."""
        bare = {"lease_until": None, "state": {"$in": LIVE_STATES}}
        self._lease(set(run_ids), bare, lease_s)

    def _lease(self, ids: Collection[str], which: Document, lease_s: float) -> int:
        """Set the lease of the rows among *ids* that are as *which* says; return how many are."""
        update = [{"$set": {"lease_until": later(lease_s)}}]
        return sum(
            self._runs.update_many({"_id": {"$in": some}, **which}, update).matched_count
            for some in _portions(ids)
        )

    def _ids(self, ids: Iterable[str], which: Document) -> frozenset[str]:
        """Return those of *ids* whose rows are as *which* says."""
        return frozenset(
            record["_id"]
            for some in _portions(ids)
            for record in self._runs.find({"_id": {"$in": some}, **which}, {"_id": True})
        )

    @translated
    def open_runs_before(self, term: int) -> list[Run]:
        """Return live rows and rows that demand a run, of former terms, oldest first."""
        found = self._runs.find({"open": True, "term": {"$lt": term}})
        return sorted(read_runs(found), key=lambda run: (run.created_at, run.id))

    @translated
    def expire_runs(self, term: int) -> list[Run]:
        """Mark as lost the live rows of former terms whose lease is over by the server's clock."""
        over = {
            "open": True,
            "state": {"$in": LIVE_STATES},
            "term": {"$lt": term},
            "remote": {"$ne": True},
            # A missing lease would count as the earliest of all.
            "lease_until": {"$type": "date"},
            "$expr": {"$lte": ["$lease_until", "$$NOW"]},
        }
        ids = [record["_id"] for record in self._runs.find(over, {"_id": True})]
        if not ids:
            return []
        lost = {"state": RunState.LOST.value, "finished_at": "$$NOW", "follow_up": True}
        # The condition again: a row may have been renewed, or have ended, in between.
        self._runs.update_many({"_id": {"$in": ids}, **over}, [{"$set": lost}])
        found = self._runs.find({"_id": {"$in": ids}, "state": lost["state"], "follow_up": True})
        return read_runs(found)

    @translated
    def settle_follow_ups(self, run_ids: Collection[str]) -> None:
        """Clear ``follow_up``."""
        for ids in _portions(run_ids):
            self._runs.update_many({"_id": {"$in": ids}}, [{"$unset": "follow_up"}, _OPEN])


def _record(run: Run) -> Document:
    record = to_record(run_to_document(run))
    if run.is_open:
        record["open"] = True
    return record


def _update(change: RunChange) -> UpdateOne:
    condition = {
        "_id": change.run_id,
        "term": change.term,
        "state": {"$in": _SOURCES[change.state]},
    }
    merged: list[Document | str] = ["$$ROOT", {"$literal": change_to_document(change)}]
    if change.lease_s is not None:
        merged.append({"lease_until": later(change.lease_s)})
    return UpdateOne(condition, [{"$replaceWith": {"$mergeObjects": merged}}, _OPEN])


def taken_keys(error: BulkWriteError) -> list[int]:
    """Return the indexes of the writes that met a key that is taken.

    Raises:
        StoreUnavailable: something else went wrong as well.
    """
    failed: list[dict[str, Any]] = error.details["writeErrors"]
    if error.details["writeConcernErrors"] or any(one["code"] != DUPLICATE_KEY for one in failed):
        raise unavailable(error) from error
    return [one["index"] for one in failed]


def read_runs(records: Iterable[Document]) -> list[Run]:
    """Decode rows; one that cannot be read is logged and left out."""
    runs = []
    for record in records:
        try:
            runs.append(run_from_document(from_record(record)))
        except Undecodable as error:
            logger.warning(
                "a run cannot be read",
                extra={"action": "run_unreadable", "run_id": error.identity, "error": str(error)},
            )
    return runs


def _read_standing(record: Document, row: Run) -> Run:
    try:
        return run_from_document(from_record(dict(record)))
    except Undecodable as error:
        return unreadable_run(row, str(error))


def _portions(ids: Iterable[str]) -> Iterable[list[str]]:
    every = list(ids)
    return (every[start : start + _IDS_AT_ONCE] for start in range(0, len(every), _IDS_AT_ONCE))


def _adoption(adoption: Adoption, term: int) -> tuple[Document, Document]:
    """Return which row is adopted and what is set in it."""
    which: Document = {
        "_id": adoption.run_id,
        "term": adoption.from_term,
        "state": adoption.from_state.value,
    }
    if adoption.from_clear_at is not None:
        which["clear_at"] = adoption.from_clear_at
    news: Document = {"term": term, "clear_at": adoption.clear_at}
    if adoption.due_at is not None:
        news["due_at"] = adoption.due_at
    if adoption.remote_in is not None:
        news["remote"] = True
    return which, {"$set": news}
