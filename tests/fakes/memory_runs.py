"""The part of the memory store that keeps runs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from executor.adapters.cursors import after_run, read_run_cursor
from executor.adapters.slot_documents import accounting_for
from executor.domain.errors import RunNotFound
from executor.domain.replacement import replace
from executor.domain.run import Run, RunChange, RunState, sources
from executor.domain.writes import Adoption, Retention
from executor.ports.clock import Clock
from executor.ports.store import Page, RunFilter
from tests.fakes.memory_part import MemoryPart

#: Fields that a change copies to the row when it has them.
_COPIED = tuple(
    field.name for field in fields(RunChange) if field.name not in {"run_id", "term", "lease_s"}
)
_values = attrgetter(*_COPIED)


class MemoryRuns(MemoryPart):
    """A :class:`~executor.ports.store.RunStore`, and the readers' face of it.

    Without *unique_slots* it records every scheduled row it is given, under another id
    if need be: a fault for tests that must notice it.
    """

    unique_slots = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._runs: dict[str, Run] = {}
        self._slots: dict[tuple[str, datetime | None], str] = {}
        self._open: dict[str, None] = {}
        self._of_job: dict[str, dict[str, None]] = {}

    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert rows, unless their id or slot is taken."""
        with self.lock:
            standing: dict[str, Run] = {}
            for run in runs:
                taken = self._standing(run)
                if taken is None:
                    self._put(run)
                elif self.unique_slots or not run.scheduled:
                    standing[run.id] = taken
                else:
                    self._put(replace(run, id=self._free_id(run.id)))
            return standing

    def _standing(self, run: Run) -> Run | None:
        if run.id in self._runs:
            return self._runs[run.id]
        slot = self._slots.get((run.job_id, run.fire_at)) if run.scheduled else None
        return None if slot is None else self._runs[slot]

    def _free_id(self, run_id: str) -> str:
        number = 2
        while f"{run_id}#{number}" in self._runs:
            number += 1
        return f"{run_id}#{number}"

    def _put(self, run: Run) -> Run:
        self._runs[run.id] = run
        self._of_job.setdefault(run.job_id, {})[run.id] = None
        if run.scheduled:
            self._slots.setdefault((run.job_id, run.fire_at), run.id)
        if run.is_open:
            self._open[run.id] = None
        else:
            self._open.pop(run.id, None)
        return run

    def _remove(self, run: Run) -> None:
        del self._runs[run.id]
        del self._of_job[run.job_id][run.id]
        self._open.pop(run.id, None)
        if self._slots.get((run.job_id, run.fire_at)) == run.id:
            del self._slots[run.job_id, run.fire_at]

    def existing_runs(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return the ids that have a row."""
        with self.lock:
            return frozenset(run_id for run_id in run_ids if run_id in self._runs)

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Move pending rows to *term*."""
        with self.lock:
            owned = set()
            for adoption in adoptions:
                run = self._runs.get(adoption.run_id)
                if run is None:
                    continue
                if (
                    run.term == adoption.from_term
                    and run.state is adoption.from_state
                    and adoption.from_clear_at in (None, run.clear_at)
                ):
                    due_at = adoption.due_at or run.due_at
                    remote = run.remote or adoption.remote_in is not None
                    moved = replace(run, term=term, clear_at=adoption.clear_at, due_at=due_at)
                    run = self._put(replace(moved, remote=remote))
                if run.term == term:
                    owned.add(run.id)
            return frozenset(owned)

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Apply changes along the table of states."""
        with self.lock:
            for change in changes:
                run = self._runs.get(change.run_id)
                if (
                    run is not None
                    and run.term == change.term
                    and run.state in sources(change.state)
                ):
                    self._put(replace(run, **self._news(change)))

    def _news(self, change: RunChange) -> dict[str, Any]:
        values = zip(_COPIED, _values(change), strict=True)
        news = {name: value for name, value in values if value is not None}
        if change.lease_s is not None:
            news["lease_until"] = self._lease(change.lease_s)
        return news

    def _lease(self, lease_s: float) -> datetime:
        return self.clock.now() + timedelta(milliseconds=round(lease_s * 1000))

    def renew_leases(self, term: int, run_ids: Collection[str], lease_s: float) -> frozenset[str]:
        """Renew leases; return the ids of those that could not be."""
        with self.lock:
            until = self._lease(lease_s)
            refused = set()
            for run_id in run_ids:
                run = self._runs.get(run_id)
                if run is not None and run.term == term and run.is_live:
                    self._put(replace(run, lease_until=until))
                else:
                    refused.add(run_id)
            return frozenset(refused)

    def open_runs_before(self, term: int) -> list[Run]:
        """Return open rows of former terms, oldest first."""
        with self.lock:
            found = [run for run in self._open_rows() if run.term < term]
        return sorted(found, key=lambda run: (run.created_at, run.id))

    def _rows_of(self, job_id: str) -> list[Run]:
        return [self._runs[run_id] for run_id in self._of_job.get(job_id, ())]

    def _open_rows(self) -> list[Run]:
        return [self._runs[run_id] for run_id in self._open]

    def stamp_leases(self, run_ids: Collection[str], lease_s: float) -> None:
        """Give live rows without a lease one."""
        with self.lock:
            for run_id in run_ids:
                run = self._runs.get(run_id)
                if run is not None and run.is_live and run.lease_until is None:
                    self._put(replace(run, lease_until=self._lease(lease_s)))

    def expire_runs(self, term: int) -> list[Run]:
        """Mark live rows of former terms as lost whose lease is over."""
        with self.lock:
            now = self.clock.now()
            lost: dict[str, Any] = {"state": RunState.LOST, "finished_at": now, "follow_up": True}
            return [
                self._put(replace(run, **lost))
                for run in self._open_rows()
                if run.is_live
                and not run.remote
                and run.term < term
                and run.lease_until is not None
                and run.lease_until <= now
            ]

    def settle_follow_ups(self, run_ids: Collection[str]) -> None:
        """Clear ``follow_up``."""
        with self.lock:
            for run_id in run_ids:
                if run_id in self._runs:
                    self._put(replace(self._runs[run_id], follow_up=False))

    def prune_runs(self, retentions: Sequence[Retention], limit: int) -> int:
        """Remove old rows."""
        with self.lock:
            doomed = [run for retention in retentions for run in self._doomed(retention)]
            for run in doomed[:limit]:
                self._remove(run)
            return len(doomed[:limit])

    def _doomed(self, retention: Retention) -> Iterator[Run]:
        watermark = self.watermark_of(retention.job_id)
        rows = self._rows_of(retention.job_id)
        rows.sort(key=lambda run: (run.created_at, run.id), reverse=True)
        for rank, run in enumerate(rows):
            unwanted = rank >= retention.keep_runs or run.created_at < retention.older_than
            if retention.spare_since is not None:
                ended = run.finished_at or run.created_at
                unwanted = unwanted and ended < retention.spare_since
            guarded = (
                run.scheduled
                and watermark is not None
                and run.fire_at is not None
                and run.fire_at >= watermark
            )
            if unwanted and not run.is_open and not guarded:
                yield run

    def watermark_of(self, job_id: str) -> datetime | None:
        """Return the watermark of the job's record, which is kept elsewhere; None if none."""
        raise NotImplementedError

    def remove_run(self, run_id: str) -> None:
        """Remove a row, whatever its state."""
        with self.lock:
            self._remove(self._runs[run_id])

    def remove_ended_runs(self, job_id: str) -> bool:
        """Remove the job's rows that are not open; return whether none is left."""
        with self.lock:
            rows = self._rows_of(job_id)
            for run in rows:
                if not run.is_open:
                    self._remove(run)
            return not any(run.is_open for run in rows)

    def get_run(self, run_id: str) -> Run:
        """Return the run."""
        with self.lock:
            run = self._runs.get(run_id)
        if run is None:
            raise RunNotFound(run_id)
        return run

    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return a page of runs, newest first."""
        before = None if cursor is None else read_run_cursor(cursor)
        with self.lock:
            found = [
                run
                for run in self._runs.values()
                if _matches(run, which)
                and (which.tags is None or not self.tags_of(run.job_id).isdisjoint(which.tags))
                and (before is None or (run.created_at, run.id) < before)
            ]
        found.sort(key=lambda run: (run.created_at, run.id), reverse=True)
        page = tuple(replace(run, output=None) for run in found[:limit])
        more = len(found) > limit
        return Page(page, after_run(page[-1].created_at, page[-1].id) if more else None)

    def latest_runs(self, job_ids: Sequence[str], each: int) -> dict[str, list[Run]]:
        """Return the newest runs of each job."""
        return {
            job_id: list(self.list_runs(RunFilter(job_id=job_id), each, None).items)
            for job_id in job_ids
        }

    def tags_of(self, job_id: str) -> frozenset[str]:
        """Return the tags of a job; the part that keeps jobs knows better."""
        return frozenset()

    def slots_between(self, job_id: str, since: datetime, until: datetime, limit: int) -> list[Run]:
        """Return rows of slots by fire time."""
        with self.lock:
            return [run for at, run in self._slots_of(job_id) if since <= at < until][:limit]

    def slot_at(self, job_id: str, instant: datetime) -> Run | None:
        """Return the row that accounts for the slot."""
        with self.lock:
            rows = [run for at, run in self._slots_of(job_id) if at >= instant]
        return accounting_for(instant, rows)

    def _slots_of(self, job_id: str) -> list[tuple[datetime, Run]]:
        rows = [
            (run.fire_at, replace(run, output=None))
            for run in self._rows_of(job_id)
            if run.scheduled and run.fire_at is not None
        ]
        return sorted(rows, key=lambda row: row[0])

    def every_run(self) -> list[Run]:
        """Return all rows in the order of their insertion, for whoever checks them."""
        with self.lock:
            return list(self._runs.values())


def _matches(run: Run, which: RunFilter) -> bool:
    fits = (
        which.job_id in (None, run.job_id)
        and which.state in (None, run.state)
        and which.cause in (None, run.cause)
    )
    if not fits or (which.since is None and which.until is None):
        return fits
    at = max(run.created_at, run.fire_at or run.created_at)
    return (which.since is None or at >= which.since) and (which.until is None or at < which.until)
