"""Jobs in SQLite: written whole at a revision, advanced in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import milliseconds
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.job_rows import (
    COLUMNS,
    WRITTEN,
    job_from_row,
    job_to_row,
    last_run_to_text,
)
from executor.adapters.sqlite.schema import OPEN
from executor.adapters.verdicts import judge_write
from executor.domain.job import Job
from executor.domain.writes import BrokenJob, JobClash, JobProgress, JobWrite, LoadedJobs

#: Jobs in one batch of :meth:`JobTable.all_jobs`: few milliseconds to decode, so that the
#: caller can do other things in between.
_BATCH: Final = 500

#: Runs of a deleted job removed in one transaction, so that other writers get their turn.
_PURGED_RUNS: Final = 1000

_INSERT: Final = (
    f"INSERT INTO jobs ({', '.join(WRITTEN)}) VALUES ({', '.join('?' * len(WRITTEN))}) "
    "ON CONFLICT DO NOTHING"
)

#: The number of the watermark among the parameters.
_MARK: Final = WRITTEN.index("next_fire_at") + 1

#: Leaves the row as it is where the name is taken, and ``last_run``, the last column, always.
_UPDATE: Final = (
    f"UPDATE OR IGNORE jobs SET {', '.join(f'{name} = ?' for name in WRITTEN[:-1])} "
    "WHERE id = ? AND revision = ?"
)

#: The same, but a later watermark of the record stays; NULL is the latest, and what is made of it.
_UPDATE_FORWARD: Final = _UPDATE.replace(
    "next_fire_at = ?", f"next_fire_at = max(next_fire_at, ?{_MARK})"
)

_ADVANCE: Final = """
    UPDATE jobs SET next_fire_at = ? WHERE id = ? AND revision = ? AND next_fire_at < ?
"""

_EXHAUST: Final = "UPDATE jobs SET next_fire_at = NULL WHERE id = ? AND revision = ?"

_FINISH: Final = """
    UPDATE jobs SET last_run = ?
    WHERE id = ? AND (last_run IS NULL OR json_extract(last_run, '$.finished_at') < ?)
"""


class JobTable:
    """Implements :class:`~executor.ports.store.JobStore`, but for the archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_jobs(self, until: datetime) -> LoadedJobs:
        """Return the jobs, not deleted, whose watermark is at or before *until*."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM jobs WHERE NOT deleted AND next_fire_at <= ? "
                "ORDER BY next_fire_at",
                (milliseconds(until),),
            ).fetchall()
        return _loaded(rows)

    def all_jobs(self) -> Iterator[LoadedJobs]:
        """Yield every job that is not deleted, in batches."""
        last = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    f"SELECT {COLUMNS}, row FROM jobs WHERE row > ? AND NOT deleted "
                    "ORDER BY row LIMIT ?",
                    (last, _BATCH),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][-1]
            yield _loaded(row[:-1] for row in rows)

    def load_job(self, job_id: str) -> Job | None:
        """Return the job with this id, deleted or not."""
        with self._database.read() as connection:
            found = _find(connection, job_id)
        return found if isinstance(found, Job) else None

    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Apply each write; None in the answer's place means applied."""
        if not writes:
            return []
        rows = [job_to_row(write.job) for write in writes]
        with self._database.write() as connection:
            return [_write(connection, write, row) for write, row in zip(writes, rows, strict=True)]

    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Record progress."""
        if not progress:
            return
        marks, over, ends = [], [], []
        for news in progress:
            if news.over:
                over.append((news.job_id, news.revision))
            elif news.next_fire_at is not None:
                mark = milliseconds(news.next_fire_at)
                marks.append((mark, news.job_id, news.revision, mark))
            if news.last_run is not None:
                finished_at = milliseconds(news.last_run.finished_at)
                ends.append((last_run_to_text(news.last_run), news.job_id, finished_at))
        with self._database.write() as connection:
            connection.executemany(_ADVANCE, marks)
            connection.executemany(_EXHAUST, over)
            connection.executemany(_FINISH, ends)

    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs not updated since *before*, with their runs."""
        with self._database.read() as connection:
            job_ids = connection.execute(
                "SELECT id FROM jobs WHERE deleted AND updated_at < ? "
                f"AND id NOT IN (SELECT job_id FROM runs INDEXED BY runs_open WHERE {OPEN}) "
                "ORDER BY updated_at LIMIT ?",
                (milliseconds(before), limit),
            ).fetchall()
        return sum(self._purge(job_id) for (job_id,) in job_ids)

    def _purge(self, job_id: str) -> bool:
        """Remove the ended runs of a deleted job and then the job; False if it has others."""
        removed = _PURGED_RUNS
        while removed == _PURGED_RUNS:
            with self._database.write() as connection:
                removed = connection.execute(
                    "DELETE FROM runs WHERE row IN "
                    f"(SELECT row FROM runs WHERE job_id = ? AND NOT {OPEN} LIMIT ?)",
                    (job_id, _PURGED_RUNS),
                ).rowcount
                gone = connection.execute(
                    "DELETE FROM jobs WHERE id = ? AND deleted "
                    "AND NOT EXISTS (SELECT 1 FROM runs WHERE job_id = jobs.id)",
                    (job_id,),
                ).rowcount
                if gone:
                    for table in ("job_revisions", "tallies"):
                        connection.execute(f"DELETE FROM {table} WHERE job_id = ?", (job_id,))
        return bool(gone)


def _loaded(rows: Iterable[tuple[Any, ...]]) -> LoadedJobs:
    jobs: list[Job] = []
    broken: list[BrokenJob] = []
    for row in rows:
        job = job_from_row(row)
        if isinstance(job, Job):
            jobs.append(job)
        else:
            broken.append(job)
    return LoadedJobs(tuple(jobs), tuple(broken))


def _find(connection: sqlite3.Connection, job_id: str) -> Job | BrokenJob | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else job_from_row(row)


def _write(
    connection: sqlite3.Connection, write: JobWrite, row: tuple[Any, ...]
) -> JobClash | None:
    if write.expect is None:
        written = connection.execute(_INSERT, row)
    else:
        update = _UPDATE_FORWARD if write.forward else _UPDATE
        written = connection.execute(update, (*row[:-1], write.job.id, write.expect))
    if written.rowcount:
        return None
    # A deleted job has no name to defend, so nobody's can be in its way.
    name_taken = not write.job.deleted and bool(
        connection.execute(
            "SELECT 1 FROM jobs WHERE name = ? AND NOT deleted AND id <> ?",
            (write.job.name, write.job.id),
        ).fetchone()
    )
    return judge_write(write, _find(connection, write.job.id), name_taken)
