"""Slots and schedules in MongoDB, as web asks about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING

from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import MongoPart, translated
from executor.adapters.mongodb.runs import read_runs
from executor.adapters.slot_documents import NEAREST, accounting_for, counted
from executor.domain.run import Run
from executor.ports.readers import ScheduleCount

#: The jobs that start by their schedules at the server's now.
_STARTING: Final[Document] = {
    "deleted": False,
    "definition.enabled": True,
    "definition.schedule": {"$type": "object"},
    "$or": [
        {"paused": None},
        {"paused.until": {"$type": "date"}, "$expr": {"$lte": ["$paused.until", "$$NOW"]}},
    ],
}

#: Whether starts may depend on the job: an H in the expression, or a jitter.
_DEPENDS: Final[Document] = {
    "$or": [
        {
            "$gte": [
                {"$indexOfBytes": [{"$ifNull": ["$definition.schedule.expression", ""]}, "H"]},
                0,
            ]
        },
        {"$ne": [{"$ifNull": ["$definition.schedule.jitter", "PT0S"]}, "PT0S"]},
    ]
}

_COUNTED: Final[list[Document]] = [
    {"$match": _STARTING},
    {
        "$group": {
            "_id": {
                "schedule": "$definition.schedule",
                "job": {"$cond": [_DEPENDS, "$_id", None]},
            },
            "jobs": {"$sum": 1},
        }
    },
]


class MongoSlotReaders(MongoPart):
    """What web may ask about slots and schedules."""

    @translated
    def slots_between(self, job_id: str, since: datetime, until: datetime, limit: int) -> list[Run]:
        """Return the rows of slots from *since* up to but not including *until*."""
        return self._slots(job_id, {"$gte": since, "$lt": until}, limit)

    @translated
    def slot_at(self, job_id: str, instant: datetime) -> Run | None:
        """Return the row that accounts for the slot *instant*."""
        return accounting_for(instant, self._slots(job_id, {"$gte": instant}, NEAREST))

    def _slots(self, job_id: str, fire_at: dict[str, Any], limit: int) -> list[Run]:
        if limit < 1:
            return []  # the server takes 0 for no limit
        which = {"scheduled": True, "job_id": job_id, "fire_at": fire_at}
        found = self._runs.find(which, {"output": False}).sort("fire_at", ASCENDING)
        return read_runs(found.limit(limit))

    @translated
    def schedule_counts(self) -> list[ScheduleCount]:
        """Return how many jobs have each schedule."""
        found = self._jobs.aggregate(_COUNTED)
        return counted(
            (record["_id"]["schedule"], record["_id"].get("job"), record["jobs"])
            for record in found
        )
