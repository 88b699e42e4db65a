"""What web may ask, answered by MongoDB.

Lists are read along an index and never skip: a page begins where the cursor says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from executor.adapters.cursors import (
    JobPlace,
    after_job,
    after_run,
    read_job_cursor,
    read_run_cursor,
)
from executor.adapters.documents import (
    LATEST,
    Document,
    Undecodable,
    instance_from_document,
    instant,
    milliseconds,
    result_from_document,
)
from executor.adapters.job_documents import fold
from executor.adapters.mongodb.audit import MongoAuditReaders
from executor.adapters.mongodb.connection import (
    TIMEOUT_S,
    connect,
    from_record,
    later,
    translated,
)
from executor.adapters.mongodb.jobs import read_job
from executor.adapters.mongodb.named import MongoNamedReaders
from executor.adapters.mongodb.newest_first import last_of
from executor.adapters.mongodb.outbox import MongoOutboxReaders
from executor.adapters.mongodb.output import MongoOutputReaders
from executor.adapters.mongodb.revisions import MongoRevisionReaders
from executor.adapters.mongodb.runs import read_runs
from executor.adapters.mongodb.sessions import MongoSessionReaders
from executor.adapters.mongodb.slots import MongoSlotReaders
from executor.adapters.mongodb.terms import read_term
from executor.adapters.mongodb.token_uses import MongoTokenUseReaders
from executor.adapters.run_documents import run_from_document
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.command import CommandResult
from executor.domain.errors import CommandNotFound, JobNotFound, RunNotFound
from executor.domain.job import Job
from executor.domain.json_value import texts_in
from executor.domain.named import Kind, Value
from executor.domain.run import Run, RunState
from executor.domain.secret import SECRETS
from executor.domain.term import TermRecord
from executor.domain.uses import uses
from executor.domain.writes import BrokenJob, Instance
from executor.ports.store import Counts, JobFilter, JobOrder, Page, RunFilter

#: Seconds for which a silent instance is still listed.
_SEEN_FOR_S: Final = 30.0

#: Characters of a searched text that are looked at: no folded name is as long, and the server
#: refuses patterns beyond 32 KB.
_LONGEST_PART: Final = 1000

#: order -> what is sorted by, its direction, and what is later in it.
_SORTED: Final = {
    JobOrder.NEXT_FIRE: ("next_fire_at", ASCENDING, "$gt"),
    JobOrder.LAST_RUN: ("last_run.finished_at", DESCENDING, "$lt"),
}

#: What can be sorted by: an instant.
_DATED: Final = {"$type": "date", "$lte": LATEST}

#: Where jobs name those of each kind that they use, but secrets.
_NAMED_AT: Final[dict[Kind[Any], str]] = {
    CALENDARS: "definition.calendars.name",
    CHANNELS: "definition.notify.channel",
}

_NEWEST_FIRST: Final = [("created_at", DESCENDING), ("_id", DESCENDING)]

_STATES: Final = [state.value for state in RunState]
_RUNNING: Final = [RunState.RUNNING.value, RunState.CANCELLING.value]


class MongoReaders(
    MongoRevisionReaders,
    MongoSlotReaders,
    MongoOutputReaders,
    MongoNamedReaders,
    MongoOutboxReaders,
    MongoTokenUseReaders,
    MongoSessionReaders,
    MongoAuditReaders,
):
    """:class:`~executor.ports.store.Readers` on the database that *uri* names.

    Safe to use from several threads; not across a fork.
    """

    def __init__(self, uri: str, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(connect(uri, timeout_s))

    @translated
    def find_job(self, job: str) -> Job | BrokenJob:
        """Return the job with this id, else the one with this name."""
        for key in ("_id", "name"):
            record = self._jobs.find_one({key: job, "deleted": False})
            if record is not None:
                return read_job(record)
        raise JobNotFound(job)

    @translated
    def find_pinged(self, digest: str) -> Job | BrokenJob:
        """Return the job whose key for pings has this digest."""
        record = self._jobs.find_one({"ping_digest": digest, "deleted": False})
        if record is None:
            raise JobNotFound(digest)
        return read_job(record)

    @translated
    def list_jobs(
        self,
        which: JobFilter,
        limit: int,
        cursor: str | None,
        order: JobOrder = JobOrder.NAME,
    ) -> Page[Job | BrokenJob]:
        """Return at most *limit* jobs in *order*."""
        place = None if cursor is None else read_job_cursor(cursor, order)
        records: list[Document] = []
        if order is not JobOrder.NAME and (place is None or place.key is not None):
            records = self._sorted_jobs(_jobs_wanted(which), limit + 1, order, place)
            place = None
        if len(records) <= limit:
            wanted = _jobs_wanted(which)
            if order is not JobOrder.NAME:
                wanted[_SORTED[order][0]] = {"$not": _DATED}
            if place is not None:
                wanted["name"] = {"$gt": place.name}
            named = self._jobs.find(wanted).sort("name", ASCENDING)
            records += named.limit(limit + 1 - len(records))
        page = tuple(read_job(record) for record in records[:limit])
        last = _place(records[limit - 1], order) if len(records) > limit else None
        return Page(page, None if last is None else after_job(order, last))

    @translated
    def list_users(self, kind: Kind[Value], name: str, which: JobFilter, limit: int) -> list[Job]:
        """Return the jobs that use *name* of a kind."""
        wanted = _jobs_wanted(which)
        if kind is SECRETS:
            # A secret may be named in any text of a target: few bytes of each job are looked at.
            parts = {"definition.target": True, "definition.ping": True}
            some = self._jobs.find(wanted, parts)
            ids = [one["_id"] for one in some if any(name in text for text in texts_in(one))]
            wanted["_id"] = {"$in": ids}
        elif kind in _NAMED_AT:
            wanted[_NAMED_AT[kind]] = name
        else:
            return []
        records = self._jobs.find(wanted).sort("name", ASCENDING)
        found = (job for one in records if isinstance(job := read_job(one), Job))
        return list(islice((job for job in found if uses(job.definition, kind, name)), limit))

    def _sorted_jobs(
        self, wanted: Document, limit: int, order: JobOrder, place: JobPlace | None
    ) -> list[Document]:
        """Return the jobs that have what is sorted by, from *place* on."""
        field, direction, later = _SORTED[order]
        wanted[field] = _DATED
        if place is not None and place.key is not None:
            key = instant(place.key)
            further = [{field: {later: key}}, {field: key, "name": {"$gt": place.name}}]
            wanted["$or"] = further
        found = self._jobs.find(wanted).sort([(field, direction), ("name", ASCENDING)])
        return list(found.limit(limit))

    @translated
    def get_run(self, run_id: str) -> Run:
        """Return the run, with its output."""
        record = self._runs.find_one({"_id": run_id})
        if record is None:
            raise RunNotFound(run_id)
        try:
            return run_from_document(from_record(record))
        except Undecodable as error:
            raise RunNotFound(run_id) from error

    @translated
    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return at most *limit* runs without their output, newest first."""
        wanted = _runs_wanted(which, None if cursor is None else read_run_cursor(cursor))
        if which.tags is not None:
            tagged = self._jobs.find(_jobs_wanted(JobFilter(tags=which.tags)), {"_id": True})
            wanted["$and"] = [{"job_id": {"$in": [record["_id"] for record in tagged]}}]
        found = self._runs.find(wanted, {"output": False})
        records = list(found.sort(_NEWEST_FIRST).limit(limit + 1))
        last = last_of(records[limit - 1], "created_at") if len(records) > limit else None
        following = None if last is None else after_run(*last)
        return Page(tuple(read_runs(records[:limit])), following)

    @translated
    def latest_runs(self, job_ids: Sequence[str], each: int) -> dict[str, list[Run]]:
        """Return for each of these jobs at most *each* runs without output, newest first."""
        latest = {
            "from": self._runs.name,
            "localField": "_id",
            "foreignField": "job_id",
            "pipeline": [
                {"$sort": dict(_NEWEST_FIRST)},
                {"$limit": each},
                {"$project": {"output": False}},
            ],
            "as": "runs",
        }
        found = self._jobs.aggregate(
            [
                {"$match": {"_id": {"$in": list(job_ids)}}},
                {"$project": {"_id": True}},
                {"$lookup": latest},
            ]
        )
        runs = {job["_id"]: read_runs(job["runs"]) for job in found}
        return {job_id: runs.get(job_id, []) for job_id in job_ids}

    @translated
    def get_result(self, command_id: str) -> CommandResult:
        """Return the durable answer to a command."""
        record = self._commands.find_one({"_id": command_id})
        if record is None:
            raise CommandNotFound(command_id)
        try:
            return result_from_document(from_record(record))
        except Undecodable as error:
            raise CommandNotFound(command_id) from error

    @translated
    def read_term(self) -> TermRecord | None:
        """Return the present term."""
        return read_term(self._executor)

    @translated
    def list_instances(self) -> list[Instance]:
        """Return the processes seen lately by the server's clock, in the order of their ids."""
        lately = {"$expr": {"$gte": ["$seen_at", later(-_SEEN_FOR_S)]}}
        instances = []
        for record in self._instances.find(lately).sort("_id", ASCENDING):
            try:
                instances.append(instance_from_document(from_record(record)))
            except Undecodable:
                continue
        return instances

    @translated
    def count(self) -> Counts:
        """Return the number of jobs (not deleted) and of running runs."""
        return Counts(
            self._jobs.count_documents({"deleted": False}),
            self._runs.count_documents({"state": {"$in": _RUNNING}}),
        )

    @translated
    def now(self) -> datetime:
        """Return the server's now."""
        return instant(self._database.client.admin.command("hello")["localTime"])


def _place(record: Document, order: JobOrder) -> JobPlace | None:
    """Return the place after which a list goes on; None if nothing is left that can be read.

    The name of the record, whatever its definition says.  By MongoDB's order of types some of what
    is no text stands before all names, and the rest behind them.
    """
    name = record.get("name")
    if isinstance(name, str):
        return JobPlace(_key(record, order), name)
    return JobPlace(_key(record, order), "") if isinstance(name, int | float | None) else None


def _key(record: Document, order: JobOrder) -> int | None:
    """Return what *record* is sorted by, as a cursor has it."""
    holder: Any = record.get("last_run") if order is JobOrder.LAST_RUN else record
    name = "finished_at" if order is JobOrder.LAST_RUN else "next_fire_at"
    found = holder.get(name) if isinstance(holder, dict) else None
    return milliseconds(instant(found)) if isinstance(found, datetime) else None


def _jobs_wanted(which: JobFilter) -> Document:
    wanted: Document = {"deleted": False}
    if which.q is not None:
        wanted["folded"] = {"$regex": _containing(which.q)}
    if which.tag is not None:
        wanted["definition.tags"] = which.tag
    if which.tags is not None:
        wanted["$and"] = [{"definition.tags": {"$in": list(which.tags)}}]
    if which.enabled is not None:
        wanted["definition.enabled"] = which.enabled
    if which.owner is not None:
        wanted["definition.owner"] = which.owner
    if which.state is not None:
        wanted["last_run.state"] = which.state.value
    return wanted


def _containing(text: str) -> str:
    """Return the pattern of names that contain *text*, in a form the server always accepts."""
    part = fold(text)[:_LONGEST_PART]
    return re.escape(part).replace("\x00", r"\x00")


def _runs_wanted(which: RunFilter, after: tuple[datetime, str] | None) -> Document:
    wanted: Document = {}
    created: dict[str, Any] = {}
    if which.job_id is not None:
        wanted["job_id"] = which.job_id
    if which.state is not None:
        wanted["state"] = which.state.value
    if which.cause is not None:
        wanted["cause"] = which.cause.value
        # Else the index could not give them in their order.
        wanted.setdefault("state", {"$in": _STATES})
    # Never as two alternatives: they would be looked up one by one.
    unwanted: list[Document] = []
    if which.since is not None:
        created["$gte"] = which.written_since
        before = {"$not": {"$gte": which.since}}
        unwanted.append({"created_at": before, "fire_at": before})
    if which.until is not None:
        created["$lt"] = which.until
        unwanted.append({"fire_at": {"$gte": which.until}})
    if after is not None:
        created_at, run_id = after
        created["$lte"] = created_at
        unwanted.append({"created_at": created_at, "_id": {"$gte": run_id}})
    if unwanted:
        wanted["$nor"] = unwanted
    if created:
        wanted["created_at"] = created
    return wanted
