"""What web may ask, answered from the SQLite file: see :class:`~executor.ports.store.Readers`.

Pages follow an index and begin at the cursor's key, so that the hundredth page costs as
much as the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from executor.adapters.cursors import (
    after_revision,
    after_run,
    read_revision_cursor,
    read_run_cursor,
)
from executor.adapters.documents import (
    Undecodable,
    instance_from_document,
    instant,
    milliseconds,
)
from executor.adapters.revision_documents import readable
from executor.adapters.slot_documents import NEAREST, accounting_for, counted
from executor.adapters.sqlite import audit, job_lists, named, output, revisions, sessions
from executor.adapters.sqlite.commands import find_result
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.job_rows import COLUMNS, job_from_row
from executor.adapters.sqlite.newest_first import Narrowing, page_of
from executor.adapters.sqlite.outbox_reading import OutboxReading
from executor.adapters.sqlite.run_rows import WITHOUT_OUTPUT, find_run, readable_runs
from executor.adapters.sqlite.schema import RUNNING_STATES, callback_key
from executor.adapters.sqlite.terms import read_record
from executor.adapters.token_use_documents import readable_uses
from executor.domain.audit import Change
from executor.domain.command import CommandResult
from executor.domain.errors import (
    CommandNotFound,
    JobNotFound,
    NamedNotFound,
    RevisionNotFound,
    RunNotFound,
    StoreUnavailable,
)
from executor.domain.job import Job
from executor.domain.live_output import OutputChunk
from executor.domain.named import Broken, Kind, Stored, Value
from executor.domain.run import Run
from executor.domain.session import Session
from executor.domain.term import TermRecord
from executor.domain.writes import BrokenJob, Instance
from executor.ports.readers import (
    ChangeFilter,
    Counts,
    JobFilter,
    JobOrder,
    Page,
    RunFilter,
    ScheduleCount,
)

#: How long a silent process is still listed, milliseconds, as the port promises.
_LISTED_MS: Final = 30_000

#: Later than every instant, milliseconds since 1970.
_LAST_MS: Final = 2**63 - 1

#: The schedules of the jobs that start by them, each with the job's id where the starts may
#: depend on it: an H in the expression, or a jitter.
_SCHEDULES: Final = """
    SELECT
        schedule,
        CASE
            WHEN instr(json_extract(schedule, '$.expression'), 'H')
                OR json_extract(schedule, '$.jitter') <> 'PT0S' THEN id
        END AS depends,
        count(*)
    FROM (
        SELECT
            id,
            json_extract(document, '$.definition.schedule') AS schedule,
            json_extract(document, '$.paused') AS paused,
            json_extract(document, '$.paused.until') AS until
        FROM jobs WHERE NOT deleted AND enabled AND json_valid(document)
    )
    WHERE schedule IS NOT NULL AND json_valid(schedule) AND (paused IS NULL OR until <= ?)
    GROUP BY schedule, depends
"""


class SqliteReaders:
    """Implements :class:`~executor.ports.store.Readers`, once the store is prepared."""

    def __init__(self, path: Path) -> None:
        """Read the file *path*; nothing is opened yet."""
        self._database = Database(path, StoreUnavailable)

        outbox = OutboxReading(self._database)
        self.list_notifications = outbox.list_notifications
        self.get_notification = outbox.get_notification

    def find_job(self, job: str) -> Job | BrokenJob:
        """Return the job with this id, else the one with this name."""
        with self._database.read() as connection:
            for key in ("id", "name"):
                row = connection.execute(
                    f"SELECT {COLUMNS} FROM jobs WHERE {key} = ? AND NOT deleted", (job,)
                ).fetchone()
                if row is not None:
                    return job_from_row(row)
        raise JobNotFound(job)

    def find_pinged(self, digest: str) -> Job | BrokenJob:
        """Return the job whose key for pings has this digest."""
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM jobs WHERE ping_digest = ? AND NOT deleted", (digest,)
            ).fetchone()
        if row is None:
            raise JobNotFound(digest)
        return job_from_row(row)

    def list_jobs(
        self,
        which: JobFilter,
        limit: int,
        cursor: str | None,
        order: JobOrder = JobOrder.NAME,
    ) -> Page[Job | BrokenJob]:
        """Return at most *limit* jobs in *order*."""
        with self._database.read() as connection:
            return job_lists.page(connection, which, limit, cursor, order)

    def list_users(self, kind: Kind[Value], name: str, which: JobFilter, limit: int) -> list[Job]:
        """Return the jobs that use *name* of a kind."""
        with self._database.read() as connection:
            return job_lists.users(connection, kind, name, which, limit)

    def get_run(self, run_id: str) -> Run:
        """Return the run, with its output."""
        with self._database.read() as connection:
            try:
                run = find_run(connection, run_id)
            except Undecodable as error:
                raise RunNotFound(run_id) from error
        if run is None:
            raise RunNotFound(run_id)
        return run

    def read_output(self, run_id: str, offset: int, limit: int) -> list[OutputChunk]:
        """Return chunks of what a run said, from the one that holds *offset* on."""
        with self._database.read() as connection:
            return output.chunks(connection, run_id, offset, limit)

    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return at most *limit* runs without their output, newest ``created_at`` first."""
        after = None if cursor is None else read_run_cursor(cursor)
        with self._database.read() as connection:
            rows, last = page_of(
                connection, WITHOUT_OUTPUT, "runs", "created_at", _narrowing(which), after, limit
            )
        return Page(tuple(readable_runs(rows)), None if last is None else after_run(*last))

    def latest_runs(self, job_ids: Sequence[str], each: int) -> dict[str, list[Run]]:
        """Return for each of these jobs at most *each* runs without output, newest first."""
        found = {}
        with self._database.read() as connection:
            for job_id in job_ids:
                which = _narrowing(RunFilter(job_id=job_id))
                rows, _ = page_of(
                    connection, WITHOUT_OUTPUT, "runs", "created_at", which, None, each
                )
                found[job_id] = readable_runs(rows)
        return found

    def list_revisions(self, job_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """Return at most *limit* former revisions of the job, newest first."""
        below = None if cursor is None else read_revision_cursor(cursor)
        with self._database.read() as connection:
            rows = revisions.former(connection, job_id, below, limit + 1)
        items = readable(revisions.from_row(row) for row in rows[:limit])
        # The second column is the number, whatever became of the rest.
        return Page(items, after_revision(rows[limit - 1][1]) if len(rows) > limit else None)

    def get_revision(self, job_id: str, revision: int) -> Job:
        """Return a former revision of the job."""
        with self._database.read() as connection:
            found = revisions.find(connection, job_id, revision)
        if not isinstance(found, Job):
            raise RevisionNotFound(job_id, revision)
        return found

    def slots_between(self, job_id: str, since: datetime, until: datetime, limit: int) -> list[Run]:
        """Return the rows of slots from *since* up to but not including *until*."""
        return self._slots(job_id, milliseconds(since), milliseconds(until), limit)

    def slot_at(self, job_id: str, instant: datetime) -> Run | None:
        """Return the row that accounts for the slot *instant*."""
        rows = self._slots(job_id, milliseconds(instant), _LAST_MS, NEAREST)
        return accounting_for(instant, rows)

    def _slots(self, job_id: str, since: int, until: int, limit: int) -> list[Run]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {WITHOUT_OUTPUT} FROM runs INDEXED BY runs_by_slot WHERE scheduled "
                "AND job_id = ? AND fire_at >= ? AND fire_at < ? ORDER BY fire_at LIMIT ?",
                (job_id, since, until, limit),
            ).fetchall()
        return readable_runs(rows)

    def schedule_counts(self) -> list[ScheduleCount]:
        """Return how many jobs have each schedule."""
        with self._database.read() as connection:
            rows = connection.execute(_SCHEDULES, (now_ms(),)).fetchall()
        return counted((json.loads(text), job_id, number) for text, job_id, number in rows)

    def list_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return those that are not deleted, in the order of their names."""
        with self._database.read() as connection:
            return named.select(connection, kind, "NOT deleted ORDER BY name")

    def get_named(self, kind: Kind[Value], name: str) -> Stored[Value] | Broken:
        """Return the one with this name."""
        with self._database.read() as connection:
            found = named.select(connection, kind, "name = ? AND NOT deleted", (name,))
        if not found:
            raise NamedNotFound(kind.word, name)
        return found[0]

    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used last, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, used_at FROM token_uses").fetchall()
        return readable_uses(rows)

    def find_session(self, digest: str) -> Session | None:
        """Return the session with this digest."""
        with self._database.read() as connection:
            return sessions.find(connection, digest)

    def list_changes(self, which: ChangeFilter, limit: int, cursor: str | None) -> Page[Change]:
        """Return at most *limit* entries of the audit, newest first."""
        with self._database.read() as connection:
            return audit.page(connection, which, limit, cursor)

    def get_result(self, command_id: str) -> CommandResult:
        """Return the durable answer to a command."""
        with self._database.read() as connection:
            result = find_result(connection, command_id)
        if result is None:
            raise CommandNotFound(command_id)
        return result

    def read_term(self) -> TermRecord | None:
        """Return the present term, or None before the first executor."""
        with self._database.read() as connection:
            return read_record(connection)

    def callback_key(self) -> bytes:
        """Return the key that call-backs are proved by."""
        return callback_key(self._database)

    def list_instances(self) -> list[Instance]:
        """Return the processes seen within the last 30 s, in the order of their ids."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT seen_at, document FROM instances WHERE seen_at > ? ORDER BY id",
                (now_ms() - _LISTED_MS,),
            ).fetchall()
        instances = []
        for seen_at, text in rows:
            with suppress(Undecodable, TypeError, ValueError):
                instances.append(instance_from_document({**json.loads(text), "seen_at": seen_at}))
        return instances

    def count(self) -> Counts:
        """Return the number of jobs and of runs in a live state but pending."""
        with self._database.read() as connection:
            (jobs,) = connection.execute("SELECT count(*) FROM jobs WHERE NOT deleted").fetchone()
            (running,) = connection.execute(
                f"SELECT count(*) FROM runs WHERE state IN ({RUNNING_STATES})"
            ).fetchone()
        return Counts(jobs, running)

    def now(self) -> datetime:
        """Return the store's now, after a look at the file."""
        with self._database.read() as connection:
            connection.execute("PRAGMA user_version").fetchone()
        return instant(now_ms())

    def close(self) -> None:
        """Close the connections; no method may be called afterwards."""
        self._database.close()


def _narrowing(which: RunFilter) -> Narrowing:
    narrowing = Narrowing("runs_by_time")
    tagged = f"job_id IN (SELECT id FROM jobs WHERE NOT deleted AND {job_lists.TAGGED})"
    tags = job_lists.tag_list(which.tags)
    if tags is not None:
        narrowing.add(tagged, tags)
    narrowing.choose(
        ("cause = ?", "runs_by_cause", which.cause),
        ("state = ?", "runs_by_state", which.state),
        ("job_id = ?", "runs_by_job", which.job_id),
    )
    if which.since is not None and which.written_since is not None:
        narrowing.add("created_at >= ?", milliseconds(which.written_since))
        latest = "max(created_at, ifnull(fire_at, created_at))"
        narrowing.add(f"{latest} >= ?", milliseconds(which.since))
    if which.until is not None:
        narrowing.add("created_at < ?", milliseconds(which.until))
        narrowing.add("ifnull(fire_at, created_at) < ?", milliseconds(which.until))
    return narrowing
