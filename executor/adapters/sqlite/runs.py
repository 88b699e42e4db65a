"""Runs in SQLite: claimed, changed, leased and pruned.  Each call is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from executor.adapters.documents import Document, Undecodable, milliseconds
from executor.adapters.run_documents import change_to_document
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.sqlite.run_rows import (
    INSERT,
    WITH_OUTPUT,
    readable_runs,
    run_from_row,
    run_to_row,
)
from executor.adapters.sqlite.schema import LIVE_STATES, OPEN
from executor.adapters.verdicts import unreadable_run
from executor.domain.run import Run, RunChange, RunState, sources
from executor.domain.writes import Adoption, Retention

#: The table, followed by the ids; to be used with _LISTED.  The index is named because SQLite
#: cannot know how short a list is, and would rather walk over all rows of a state or term.
_BY_ID: Final = "runs INDEXED BY runs_by_id"

#: Rows whose ids are in a JSON list.
_LISTED: Final = "id IN (SELECT value FROM json_each(?))"

#: The statement of a change to each state.
_CHANGE: Final = {
    state: f"""
        UPDATE runs SET state = '{state}', follow_up = coalesce(?, follow_up),
            lease_until = coalesce(?, lease_until), output = coalesce(?, output),
            document = json_patch(document, ?)
        WHERE id = ? AND term = ?
            AND state IN ({", ".join(f"'{source}'" for source in sorted(sources(state)))})
    """
    for state in RunState
}

#: A row's change of hands; its document gets the fields of a patch.
_ADOPT: Final = """
    UPDATE runs SET term = ?, clear_at = ?, document = json_patch(document, ?)
    WHERE id = ? AND term = ? AND state = ? AND clear_at = coalesce(?, clear_at)
"""

#: The newest row too many: it is to go, with everything older.
_CUT: Final = """
    SELECT created_at, row FROM runs INDEXED BY runs_by_job WHERE job_id = ?
    ORDER BY created_at DESC, row DESC LIMIT 1 OFFSET ?
"""

#: Spares open rows, and slots at or after the watermark of the job's record, if it has one: they
#: would be claimed again.  The bound says no more than the line after it, in a form that ends
#: the walk along the index.
_PRUNE: Final = f"""
    DELETE FROM runs WHERE row IN (
        SELECT row FROM runs INDEXED BY runs_by_job WHERE job_id = :job_id
            AND created_at <= :bound
            AND (created_at < :older_than OR (created_at, row) <= (:cut_at, :cut_row))
            AND (:spare_since IS NULL
                OR coalesce(json_extract(document, '$.finished_at'), created_at) < :spare_since)
            AND NOT {OPEN}
            AND (scheduled AND fire_at >= (SELECT next_fire_at FROM jobs WHERE id = :job_id))
                IS NOT TRUE
        ORDER BY created_at, row LIMIT :room
    )
"""


class RunTable:
    """Implements :class:`~executor.ports.store.RunStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert each row unless its id, or its slot if scheduled, is taken."""
        if not runs:
            return {}
        rows = [run_to_row(run) for run in runs]
        with self._database.write() as connection:
            connection.execute("SAVEPOINT batch")
            if connection.executemany(INSERT, rows).rowcount == len(rows):
                return {}
            # Something stands in the way, which is rare: once more, to learn of which rows.
            connection.execute("ROLLBACK TO batch")
            return {
                run.id: _standing(connection, run)
                for run, row in zip(runs, rows, strict=True)
                if not connection.execute(INSERT, row).rowcount
            }

    def existing_runs(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return those of *run_ids* of which there is a row."""
        if not run_ids:
            return frozenset()
        with self._database.read() as connection:
            return _ids(connection, "TRUE", (), run_ids)

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Move rows to *term*; return the ids that belong to *term* now."""
        if not adoptions:
            return frozenset()
        with self._database.write() as connection:
            connection.executemany(_ADOPT, [_adoption(one, term) for one in adoptions])
            return _ids(connection, "term = ?", (term,), [a.run_id for a in adoptions])

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Apply each change whose row has its term and an allowed state."""
        if not changes:
            return
        now = now_ms()
        with self._database.write() as connection:
            for state, alike in groupby(changes, attrgetter("state")):
                connection.executemany(_CHANGE[state], [_change_row(one, now) for one in alike])

    def renew_leases(self, term: int, run_ids: Collection[str], lease_s: float) -> frozenset[str]:
        """Set the lease of live rows of *term*; return the ids that could not be renewed."""
        if not run_ids:
            return frozenset()
        wanted = list(run_ids)
        mine = f"term = ? AND state IN ({LIVE_STATES})"
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE {_BY_ID} SET lease_until = ? WHERE {_LISTED} AND {mine}",
                (_lease(now_ms(), lease_s), to_json(wanted), term),
            )
            return frozenset(wanted) - _ids(connection, mine, (term,), wanted)

    def open_runs_before(self, term: int) -> list[Run]:
        """Return every row with something left to do whose term is lower, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {WITH_OUTPUT} FROM runs INDEXED BY runs_open "
                f"WHERE {OPEN} AND term < ? ORDER BY created_at, id",
                (term,),
            ).fetchall()
        return readable_runs(rows)

    def stamp_leases(self, run_ids: Collection[str], lease_s: float) -> None:
        """Give live rows that have no lease one from the store's now."""
        if not run_ids:
            return
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE {_BY_ID} SET lease_until = ? WHERE {_LISTED} "
                f"AND state IN ({LIVE_STATES}) AND lease_until IS NULL",
                (_lease(now_ms(), lease_s), to_json(list(run_ids))),
            )

    def expire_runs(self, term: int) -> list[Run]:
        """Mark as lost every live row of a lower term whose lease is over; return them."""
        now = now_ms()
        over = (
            f"{OPEN} AND term < ? AND state IN ({LIVE_STATES}) AND lease_until <= ? "
            "AND json_extract(document, '$.remote') IS NOT TRUE"
        )
        with self._database.read() as connection:
            query = f"SELECT 1 FROM runs INDEXED BY runs_open WHERE {over} LIMIT 1"
            if connection.execute(query, (term, now)).fetchone() is None:
                # Nearly always; then there is nothing to wait for the write lock for.
                return []
        with self._database.write() as connection:
            ids = [
                run_id
                for (run_id,) in connection.execute(
                    f"SELECT id FROM runs INDEXED BY runs_open WHERE {over}", (term, now)
                )
            ]
            connection.execute(
                f"UPDATE {_BY_ID} SET state = 'lost', follow_up = 1, "
                f"document = json_patch(document, ?) WHERE {_LISTED}",
                (to_json({"finished_at": now}), to_json(ids)),
            )
            rows = connection.execute(
                f"SELECT {WITH_OUTPUT} FROM {_BY_ID} WHERE {_LISTED} ORDER BY created_at, id",
                (to_json(ids),),
            ).fetchall()
        return readable_runs(rows)

    def settle_follow_ups(self, run_ids: Collection[str]) -> None:
        """Clear ``follow_up``."""
        if not run_ids:
            return
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE {_BY_ID} SET follow_up = 0 WHERE {_LISTED} AND follow_up",
                (to_json(list(run_ids)),),
            )

    def prune_runs(self, retentions: Sequence[Retention], limit: int) -> int:
        """Remove at most *limit* rows; return how many were removed."""
        if not retentions:
            return 0
        removed = 0
        with self._database.write() as connection:
            for retention in retentions:
                if removed >= limit:
                    break
                removed += _prune(connection, retention, limit - removed)
        return removed


def _change_row(change: RunChange, now: int) -> tuple[Any, ...]:
    document = change_to_document(change)
    output = document.pop("output", None)
    follow_up = document.pop("follow_up", None)
    del document["state"]
    return (
        follow_up,
        None if change.lease_s is None else _lease(now, change.lease_s),
        None if output is None else to_json(output),
        to_json(document),
        change.run_id,
        change.term,
    )


def _lease(now: int, lease_s: float) -> int:
    return now + round(lease_s * 1000)


def _ids(
    connection: sqlite3.Connection,
    condition: str,
    parameters: tuple[int, ...],
    among: Iterable[str],
) -> frozenset[str]:
    rows = connection.execute(
        f"SELECT id FROM {_BY_ID} WHERE {_LISTED} AND {condition}",
        (to_json(list(among)), *parameters),
    )
    return frozenset(run_id for (run_id,) in rows)


def _standing(connection: sqlite3.Connection, run: Run) -> Run:
    """Return the row that kept *run* from being inserted."""
    row = connection.execute(f"SELECT {WITH_OUTPUT} FROM runs WHERE id = ?", (run.id,)).fetchone()
    if row is None and run.fire_at is not None:
        row = connection.execute(
            f"SELECT {WITH_OUTPUT} FROM runs WHERE scheduled AND job_id = ? AND fire_at = ?",
            (run.job_id, milliseconds(run.fire_at)),
        ).fetchone()
    assert row is not None, f"nothing stands in the way of {run.id}"
    try:
        return run_from_row(row)
    except Undecodable as error:
        return unreadable_run(run, str(error))


def _prune(connection: sqlite3.Connection, retention: Retention, room: int) -> int:
    cut = connection.execute(_CUT, (retention.job_id, retention.keep_runs)).fetchone()
    cut_at, cut_row = cut or (None, None)
    older_than = milliseconds(retention.older_than)
    spared = retention.spare_since
    spare_since = None if spared is None else milliseconds(spared)
    return connection.execute(
        _PRUNE,
        {
            "job_id": retention.job_id,
            "bound": older_than if cut_at is None else max(older_than, cut_at),
            "older_than": older_than,
            "spare_since": spare_since,
            "cut_at": cut_at,
            "cut_row": cut_row,
            "room": room,
        },
    ).rowcount


def _adoption(adoption: Adoption, term: int) -> tuple[Any, ...]:
    """Return the parameters of :data:`_ADOPT`."""
    expected = adoption.from_clear_at
    news: Document = {} if adoption.due_at is None else {"due_at": adoption.due_at}
    if adoption.remote_in is not None:
        news["remote"] = True
    return (
        term,
        milliseconds(adoption.clear_at),
        to_json(news),
        adoption.run_id,
        adoption.from_term,
        adoption.from_state.value,
        None if expected is None else milliseconds(expected),
    )
