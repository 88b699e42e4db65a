"""What web may ask, answered from the SQLite file: see :class:`~executor.ports.store.Readers`.

Pages follow an index and begin at the cursor's key, so that the hundredth page costs as
much as the first.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from executor.adapters.cursors import after_job, after_run, read_job_cursor, read_run_cursor
from executor.adapters.documents import (
    Undecodable,
    instance_from_document,
    instant,
    milliseconds,
)
from executor.adapters.job_documents import fold
from executor.adapters.sqlite.commands import find_result
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.job_rows import COLUMNS, job_from_row
from executor.adapters.sqlite.run_rows import WITHOUT_OUTPUT, find_run, readable_runs
from executor.adapters.sqlite.schema import RUNNING_STATES
from executor.adapters.sqlite.terms import read_record
from executor.domain.command import CommandResult
from executor.domain.errors import (
    CommandNotFound,
    JobNotFound,
    RunNotFound,
    StoreUnavailable,
)
from executor.domain.job import Job
from executor.domain.run import Run
from executor.domain.term import TermRecord
from executor.domain.writes import BrokenJob, Instance
from executor.ports.store import Counts, JobFilter, Page, RunFilter

#: How long a silent process is still listed, milliseconds, as the port promises.
_LISTED_MS: Final = 30_000


class SqliteReaders:
    """Implements :class:`~executor.ports.store.Readers`, once the store is prepared."""

    def __init__(self, path: Path) -> None:
        """Read the file *path*; nothing is opened yet."""
        self._database = Database(path, StoreUnavailable)

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

    def list_jobs(self, which: JobFilter, limit: int, cursor: str | None) -> Page[Job | BrokenJob]:
        """Return at most *limit* jobs in the order of their names."""
        conditions, parameters = _job_conditions(which)
        if cursor is not None:
            conditions.append("name > ?")
            parameters.append(read_job_cursor(cursor))
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM jobs INDEXED BY jobs_by_name "
                f"WHERE {' AND '.join(conditions)} ORDER BY name LIMIT ?",
                (*parameters, limit + 1),
            ).fetchall()
        items = tuple(job_from_row(row) for row in rows[:limit])
        # The second column is the name, whatever became of the rest.
        return Page(items, after_job(rows[limit - 1][1]) if len(rows) > limit else None)

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

    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return at most *limit* runs without their output, newest ``created_at`` first."""
        index, conditions, parameters = _run_conditions(which)
        if cursor is not None:
            created_at, run_id = read_run_cursor(cursor)
            conditions.append("(created_at, id) < (?, ?)")
            parameters += [milliseconds(created_at), run_id]
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {WITHOUT_OUTPUT}, created_at, id FROM runs INDEXED BY {index} "
                f"WHERE {' AND '.join(conditions)} ORDER BY created_at DESC, id DESC LIMIT ?",
                (*parameters, limit + 1),
            ).fetchall()
        following = None
        if len(rows) > limit:
            *_, created, last_id = rows[limit - 1]
            following = after_run(instant(created), last_id)
        return Page(tuple(readable_runs(row[:-2] for row in rows[:limit])), following)

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


def _job_conditions(which: JobFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = ["NOT deleted"]
    parameters: list[Any] = []
    for condition, value in (
        ("instr(folded, ?)", None if which.q is None else fold(which.q)),
        ("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", which.tag),
        ("enabled = ?", which.enabled),
        ("owner = ?", which.owner),
        ("json_extract(last_run, '$.state') = ?", which.state),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    return conditions, parameters


def _run_conditions(which: RunFilter) -> tuple[str, list[str], list[Any]]:
    """Return the index to follow, the conditions and their parameters.

    The index is named, not left to SQLite, which knows nothing of how many rows have a value:
    a job has few runs among all, a state or a cause may have nearly all of them.
    """
    index = "runs_by_time"
    conditions: list[str] = ["TRUE"]
    parameters: list[Any] = []
    for condition, following, value in (
        ("cause = ?", "runs_by_cause", which.cause),
        ("state = ?", "runs_by_state", which.state),
        ("job_id = ?", "runs_by_job", which.job_id),
    ):
        if value is not None:
            index = following
            conditions.append(condition)
            parameters.append(value)
    for condition, bound in (("created_at >= ?", which.since), ("created_at < ?", which.until)):
        if bound is not None:
            conditions.append(condition)
            parameters.append(milliseconds(bound))
    return index, conditions, parameters
