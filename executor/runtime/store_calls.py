"""How each request of the engine becomes a call of the store, and its outcome an event.

Shared by the runtime's threads and the simulation, so that what is simulated is what runs.
"""

from __future__ import annotations

from collections.abc import Callable

from executor.domain.errors import StaleTerm, StoreUnavailable
from executor.engine.effects import (
    AdoptRuns,
    Beat,
    ClearTerm,
    InsertRuns,
    MintTerm,
    Prune,
    ReadAllJobs,
    ReadDueJobs,
    ReadOpenRuns,
    RecallCommands,
    Record,
    RenewLeases,
    Request,
    ResignTerm,
    SaveResults,
    SettleFollowUps,
    WatchOpenRuns,
    WriteJobs,
)
from executor.engine.events import Answered, Event, Failed, JobsLoaded
from executor.ports.store import ExecutorStore


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
            return dict(store.insert_runs(request.runs))
        case Record():
            if request.changes:
                store.change_runs(request.changes)
            if request.progress:
                store.advance_jobs(request.progress)
        case RenewLeases():
            return store.renew_leases(request.term, request.run_ids, request.lease_s)
        case AdoptRuns():
            return store.adopt_runs(request.adoptions, request.term)
        case MintTerm():
            return store.mint_term(request.holder)
        case ResignTerm():
            store.resign_term(request.term)
        case ReadOpenRuns():
            return store.open_runs_before(request.term)
        case ReadDueJobs():
            return store.due_jobs(request.until)
        case ReadAllJobs():
            for loaded in store.all_jobs():
                post(JobsLoaded(request, loaded))
        case _:
            return _chore(request, store)
    return None


def _chore(request: Request, store: ExecutorStore) -> object:
    match request:
        case RecallCommands():
            begun = store.existing_runs(request.run_ids) if request.run_ids else frozenset()
            return store.known_commands(request.command_ids), begun
        case WriteJobs():
            return store.write_jobs(request.writes)
        case SaveResults():
            store.save_results(request.results)
        case WatchOpenRuns():
            if request.stamp:
                store.stamp_leases(request.stamp, request.lease_s)
            lost = store.expire_runs(request.term)
            return store.open_runs_before(request.term), lost
        case SettleFollowUps():
            store.settle_follow_ups(request.run_ids)
        case Prune():
            removed = store.prune_runs(request.retentions, request.limit)
            return removed + store.purge_jobs(request.purge_before, request.purge_limit)
        case Beat():
            store.beat(request.instance)
        case _:
            raise TypeError(f"no store call is known for {request!r}")
    return None
