"""Live output in MongoDB: one document for each chunk, the newest of each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import ASCENDING, DeleteMany, UpdateOne

from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import MongoPart, Records, later, translated
from executor.domain.live_output import KEPT, OutputChunk
from executor.domain.run import LIVE, RunState

#: States of runs whose chunks are needed: they go on, or nothing else tells what they said.
_NEEDED: Final = sorted(state.value for state in LIVE | {RunState.LOST})


class _Output(MongoPart):
    """Where it is."""

    @property
    def _chunks(self) -> Records:
        return self._connection.records("output_chunks")


class MongoOutput(_Output):
    """An :class:`~executor.ports.store.OutputStore`."""

    @translated
    def keep_output(self, chunks: Sequence[OutputChunk]) -> None:
        """Keep *chunks*, and of each run no more than its newest bytes."""
        if not chunks:
            return
        ends: dict[str, int] = {}
        for one in chunks:
            ends[one.run_id] = max(one.end, ends.get(one.run_id, 0))
        calls: list[UpdateOne | DeleteMany] = [_keep(one) for one in chunks]
        calls += [
            DeleteMany({"run_id": run_id, "end": {"$lte": end - KEPT}})
            for run_id, end in ends.items()
            if end > KEPT
        ]
        self._chunks.bulk_write(calls, ordered=False)

    @translated
    def purge_output(self, rest_s: float) -> None:
        """Remove the chunks of runs that are over, once they have rested."""
        speaking = self._chunks.distinct("run_id")
        if not speaking:
            return
        needed = {"_id": {"$in": speaking}, "state": {"$in": _NEEDED}}
        over = set(speaking) - {one["_id"] for one in self._runs.find(needed, {"_id": True})}
        late = {
            "run_id": {"$in": sorted(over)},
            "$expr": {"$gt": ["$written_at", later(-rest_s)]},
        }
        by_run = {"$group": {"_id": "$run_id"}}
        found = self._chunks.aggregate([{"$match": late}, by_run])
        gone = over - {one["_id"] for one in found}
        if gone:
            # Nobody writes a chunk of these any more, or it is purged the next time.
            self._chunks.delete_many({"run_id": {"$in": sorted(gone)}})


class MongoOutputReaders(_Output):
    """What web may ask about live output."""

    @translated
    def read_output(self, run_id: str, offset: int, limit: int) -> list[OutputChunk]:
        """Return chunks of what a run said, from the one that holds *offset* on."""
        found = self._chunks.find({"run_id": run_id, "end": {"$gt": offset}})
        found = found.sort("end", ASCENDING).limit(limit)
        return [OutputChunk(run_id, record["offset"], record["data"]) for record in found]


def _keep(chunk: OutputChunk) -> UpdateOne:
    fields: Document = {"end": chunk.end, "data": chunk.data}
    return UpdateOne(
        {"run_id": chunk.run_id, "offset": chunk.offset},
        {"$set": fields, "$currentDate": {"written_at": True}},
        upsert=True,
    )
