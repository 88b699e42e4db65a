"""Jobs in MongoDB: written by compare-and-set on their revision, loaded in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from executor.adapters.documents import Document
from executor.adapters.job_documents import (
    job_from_document,
    job_to_document,
    last_run_to_document,
)
from executor.adapters.mongodb.connection import (
    MongoPart,
    from_record,
    to_record,
    translated,
)
from executor.adapters.mongodb.runs import taken_keys
from executor.adapters.verdicts import judge_write
from executor.domain.job import Job
from executor.domain.writes import BrokenJob, JobClash, JobProgress, JobWrite, LoadedJobs

#: Jobs in one batch of ``all_jobs``, some 30 ms of decoding.
_BATCH: Final = 1000

_Write = InsertOne[Document] | UpdateOne


class MongoJobs(MongoPart):
    """A :class:`~executor.ports.store.JobStore`, but for removal, which is in ``retention.py``."""

    @translated
    def due_jobs(self, until: datetime) -> LoadedJobs:
        """Return the jobs, not deleted, whose watermark is at or before *until*."""
        return load(self._jobs.find({"deleted": False, "next_fire_at": {"$lte": until}}))

    def all_jobs(self) -> Iterator[LoadedJobs]:
        """Yield every job that is not deleted, by their ids.

        Each batch is a query of its own that begins after the last id, so a failover in
        between neither ends the walk nor repeats anything.
        """
        last = ""
        while records := self._batch_after(last):
            last = records[-1]["_id"]
            yield load(records)

    @translated
    def _batch_after(self, job_id: str) -> list[Document]:
        found = self._jobs.find({"_id": {"$gt": job_id}, "deleted": False})
        return list(found.sort("_id", ASCENDING).limit(_BATCH))

    @translated
    def load_job(self, job_id: str) -> Job | None:
        """Return the job with this id, deleted or not; None if it is not there or is broken."""
        record = self._jobs.find_one({"_id": job_id})
        job = None if record is None else read_job(record)
        return job if isinstance(job, Job) else None

    @translated
    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Apply each write by compare-and-set; None in the answer's place means applied."""
        if not writes or self._apply(writes):
            return [None] * len(writes)
        # Which of them met something is not in the answer to a batch.
        records = self._jobs.find({"_id": {"$in": [write.job.id for write in writes]}})
        standing = {record["_id"]: read_job(record) for record in records}
        owners = self._owners({write.job.name for write in writes if not write.job.deleted})
        return [
            judge_write(write, standing.get(write.job.id), _is_taken(write.job, owners))
            for write in writes
        ]

    def _apply(self, writes: Sequence[JobWrite]) -> bool:
        """Send *writes*; return whether every one of them was applied."""
        try:
            result = self._jobs.bulk_write([_write(write) for write in writes], ordered=False)
        except BulkWriteError as error:
            taken_keys(error)
            return False
        return result.inserted_count + result.matched_count == len(writes)

    def _owners(self, names: Collection[str]) -> dict[str, str]:
        """Return the ids of the jobs, not deleted, that have these names."""
        found = self._jobs.find(
            {"deleted": False, "name": {"$in": list(names)}}, {"_id": True, "name": True}
        )
        return {record["name"]: record["_id"] for record in found}

    @translated
    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Record progress; entries of unknown jobs do nothing."""
        updates = [update for news in progress for update in _updates(news)]
        if updates:
            self._jobs.bulk_write(updates, ordered=False)


def _write(write: JobWrite) -> _Write:
    record = to_record(job_to_document(write.job))
    if write.expect is None:
        return InsertOne(record)
    # Absent there, the merge leaves it absent here: the news are the record's own.
    record.pop("last_run", None)
    kept: Document = {"last_run": "$last_run"}
    if write.forward:
        own = record.pop("next_fire_at", None)
        if own is not None:
            kept["next_fire_at"] = _later_of_both(own)
    merged = {"$mergeObjects": [{"$literal": record}, kept]}
    return UpdateOne({"_id": write.job.id, "revision": write.expect}, [{"$replaceWith": merged}])


def _later_of_both(own: object) -> Document:
    # No watermark is the latest: the schedule is over.
    later = {"$max": ["$next_fire_at", own]}
    return {"$cond": [{"$gt": ["$next_fire_at", None]}, later, "$$REMOVE"]}


def _is_taken(job: Job, owners: dict[str, str]) -> bool:
    return not job.deleted and owners.get(job.name, job.id) != job.id


def _updates(news: JobProgress) -> Iterator[UpdateOne]:
    which: Document = {"_id": news.job_id, "revision": news.revision}
    if news.over:
        yield UpdateOne(which, {"$unset": {"next_fire_at": True}})
    elif news.next_fire_at is not None:
        yield UpdateOne(
            {**which, "next_fire_at": {"$lt": news.next_fire_at}},
            {"$set": {"next_fire_at": news.next_fire_at}},
        )
    if news.last_run is not None:
        older = {"last_run.finished_at": {"$lt": news.last_run.finished_at}}
        yield UpdateOne(
            {"_id": news.job_id, "$or": [{"last_run": None}, older]},
            {"$set": {"last_run": last_run_to_document(news.last_run)}},
        )


def read_job(record: Document) -> Job | BrokenJob:
    """Decode the record of a job."""
    return job_from_document(from_record(record))


def load(records: Iterable[Document]) -> LoadedJobs:
    """Decode records of jobs, those that cannot be read apart."""
    read = [read_job(record) for record in records]
    return LoadedJobs(
        tuple(job for job in read if isinstance(job, Job)),
        tuple(job for job in read if isinstance(job, BrokenJob)),
    )
