"""How each request of the engine becomes a call of the store, and its outcome an event.

Shared by the runtime's threads and the simulation, so that what is simulated is what runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from executor.domain.audit import Change, change_of_job
from executor.domain.errors import StaleTerm, StoreUnavailable
from executor.domain.kinds import KINDS
from executor.domain.message import bare
from executor.domain.notification import Notification
from executor.domain.run import Run
from executor.domain.writes import (
    Adoption,
    JobClash,
    JobWrite,
    KnownCommands,
)
from executor.engine.events import Answered, Event, Failed, JobsLoaded, Refused
from executor.engine.store_requests import (
    AdoptRuns,
    Beat,
    ClearTerm,
    InsertRuns,
    KeepFormer,
    KeepOutput,
    MintTerm,
    Prune,
    ReadAllJobs,
    ReadDueJobs,
    ReadNamed,
    ReadOpenRuns,
    ReadOutbox,
    ReadTallies,
    RecallCommands,
    Record,
    RecordDeliveries,
    RenewLeases,
    Request,
    ResignTerm,
    SaveResults,
    SettleFollowUps,
    Tell,
    WatchOpenRuns,
    WriteJobs,
    WriteNamed,
)
from executor.ports.store import ExecutorStore
from executor.runtime.sifting import sift, sift_writes

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def perform(request: Request, store: ExecutorStore, post: Callable[[Event], None]) -> None:
    """Make the call and *post* its outcome: exactly one Answered or Failed.

    :class:`ReadAllJobs` posts its batches before that.
    """
    try:
        result = _call(request, store, post)
    except (StaleTerm, StoreUnavailable) as error:
        post(Failed(request, error))
    else:
        post(Answered(request, result))


def _call(request: Request, store: ExecutorStore, post: Callable[[Event], None]) -> object:
    match request:
        case ClearTerm():
            store.clear_term(request.term, request.until)
        case InsertRuns():
            return _insert(request, store)
        case Record():
            return _record(request, store)
        case RenewLeases():
            return store.renew_leases(request.term, request.run_ids, request.lease_s)
        case AdoptRuns():
            return _adopt(request, store)
        case MintTerm():
            return store.mint_term(request.holder, request.tzdata)
        case ResignTerm():
            store.resign_term(request.term)
        case ReadOpenRuns():
            return store.open_runs_before(request.term)
        case ReadDueJobs():
            return store.due_jobs(request.until)
        case ReadNamed():
            return {kind: store.all_named(kind) for kind in KINDS}
        case ReadAllJobs():
            for loaded in store.all_jobs():
                post(JobsLoaded(request, loaded))
        case _:
            return _chore(request, store)
    return None


def _insert(request: InsertRuns, store: ExecutorStore) -> dict[str, Run | Refused]:
    def insert(runs: Sequence[Run]) -> Iterable[Run | None]:
        standing = store.insert_runs(runs)
        return [standing.get(run.id) for run in runs]

    found = _reported(request, sift(insert, request.runs))
    pairs = zip(request.runs, found, strict=True)
    return {run.id: present for run, present in pairs if present is not None}


def _adopt(request: AdoptRuns, store: ExecutorStore) -> frozenset[str]:
    def adopt(adoptions: Sequence[Adoption]) -> Iterable[bool]:
        ours = store.adopt_runs(adoptions, request.term)
        return [adoption.run_id in ours for adoption in adoptions]

    found = _reported(request, sift(adopt, request.adoptions))
    pairs = zip(request.adoptions, found, strict=True)
    return frozenset(adoption.run_id for adoption, ours in pairs if ours is True)


def _record(
    request: Record, store: ExecutorStore
) -> tuple[list[Refused | None], list[Refused | None]]:
    changed = sift_writes(store.change_runs, request.changes)
    advanced = sift_writes(store.advance_jobs, request.progress)
    _reported(request, [*changed, *advanced])
    return changed, advanced


def _write_jobs(request: WriteJobs, store: ExecutorStore) -> list[JobClash | Refused | None]:
    found = _reported(request, sift(store.write_jobs, request.writes))
    _append(request, _changes_made(request.writes, found), store)
    newest = store.read_term()
    if newest is None or newest.term != request.term:
        raise StaleTerm(request.term, 0 if newest is None else newest.term)
    return found


def _changes_made(
    writes: Sequence[JobWrite], found: Sequence[JobClash | Refused | None]
) -> list[Change]:
    """Return the audit's entries for the writes that are applied, now or by an earlier call."""
    applied = []
    for write, met in zip(writes, found, strict=True):
        if met is None:
            applied.append(write.job)
        elif isinstance(met, JobClash) and met.current is not None:
            # What stands there may be this command's own work, which nobody was told of.
            applied.append(met.current)
    return [change for change in map(change_of_job, applied) if change is not None]


def _append(request: Request, changes: Sequence[Change], store: ExecutorStore) -> None:
    _reported(request, sift_writes(store.append_changes, changes))


def _save(request: SaveResults | KeepFormer, store: ExecutorStore) -> None:
    found = _reported(request, sift_writes(store.save_results, request.results))
    pairs = zip(request.results, found, strict=True)
    plain = [replace(result, message="", faults=()) for result, refused in pairs if refused]
    if plain:
        # Kept without its texts an answer still keeps its command from being applied again.
        store.save_results(plain)


def _reported(request: Request, found: list[Result]) -> list[Result]:
    """Log, once for a batch, what was refused of it; return *found*."""
    refused = [one for one in found if isinstance(one, Refused)]
    if refused:
        logger.error(
            "the store does not take some entries of a batch; the others are written",
            extra={
                "action": "store_refuses",
                "call": type(request).__name__,
                "refused": len(refused),
                "of": len(found),
            },
            exc_info=refused[0].error,
        )
    return found


def _recall(request: RecallCommands, store: ExecutorStore) -> tuple[KnownCommands, frozenset[str]]:
    begun = store.existing_runs(request.run_ids) if request.run_ids else frozenset()
    known = store.known_commands(request.command_ids)
    # These revisions may be all that was written before their executor died.
    changes = [change for change in map(change_of_job, known.jobs) if change is not None]
    _append(request, changes, store)
    return known, begun


def _tell(request: Tell, store: ExecutorStore) -> list[bool]:
    tallies = [one.tally for one in request.tellings if one.tally is not None]
    written = _reported(request, sift(store.write_tallies, tallies)) if tallies else []
    # One that the store never takes must not keep people from being told.
    answers = zip(tallies, written, strict=True)
    stands = {tally.job_id: found is not False for tally, found in answers}
    told = [one.tally is None or stands[one.tally.job_id] for one in request.tellings]
    pairs = zip(request.tellings, told, strict=True)
    notifications = [note for one, stood in pairs if stood for note in one.notifications]
    _add_notifications(request, notifications, store)
    return told


def _add_notifications(
    request: Tell, notifications: Sequence[Notification], store: ExecutorStore
) -> None:
    found = _reported(request, sift_writes(store.add_notifications, notifications))
    pairs = zip(notifications, found, strict=True)
    plain = [replace(one, payload=bare(one.payload)) for one, refused in pairs if refused]
    if plain:
        # Without the texts of its run: that something happened is worth more than what it said.
        store.add_notifications(plain)


def _save_along(request: SaveResults, store: ExecutorStore) -> None:
    if request.uses:
        store.note_token_uses(request.uses)
    if request.opened:
        store.open_sessions(request.opened)
    if request.closed:
        store.close_sessions(request.closed)


def _chore(request: Request, store: ExecutorStore) -> object:
    match request:
        case RecallCommands():
            return _recall(request, store)
        case WriteJobs():
            return _write_jobs(request, store)
        case WriteNamed():
            return [store.write_named(one) for one in request.writes]
        case KeepFormer():
            _append(request, request.changes, store)
            _save(request, store)
            store.archive_jobs(request.jobs)
        case SaveResults():
            _append(request, request.changes, store)
            _save_along(request, store)
            _save(request, store)
        case WatchOpenRuns():
            if request.stamp:
                store.stamp_leases(request.stamp, request.lease_s)
            lost = store.expire_runs(request.term)
            return store.open_runs_before(request.term), lost
        case SettleFollowUps():
            store.settle_follow_ups(request.run_ids)
        case KeepOutput():
            store.keep_output(request.chunks)
        case Prune():
            removed = store.prune_runs(request.retentions, request.limit)
            removed += store.prune_changes(request.audit_before, request.limit)
            store.purge_output(request.output_rest_s)
            removed += sum(store.purge_named(kind, request.purge_before) for kind in KINDS)
            store.purge_token_uses()
            store.purge_sessions(request.now)
            removed += store.prune_notifications(request.told_before, request.limit)
            return removed + store.purge_jobs(request.purge_before, request.purge_limit)
        case ReadTallies():
            return store.read_tallies(request.job_ids)
        case Tell():
            return _tell(request, store)
        case ReadOutbox():
            return store.due_notifications(request.until, request.limit, request.besides)
        case RecordDeliveries():
            store.change_notifications(request.changes)
        case Beat():
            store.beat(request.instance)
        case _:
            raise TypeError(f"no store call is known for {request!r}")
    return None
