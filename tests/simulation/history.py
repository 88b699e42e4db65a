"""One seeded history from beginning to end, and what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from executor.domain.errors import RunNotFound
from executor.domain.job import Job, definition_from_document
from executor.domain.run import Run
from executor.domain.writes import JobWrite
from tests.fakes.memory_store import MemoryStore
from tests.simulation import checker
from tests.simulation.broker import ModelBroker
from tests.simulation.clients import Client, definition
from tests.simulation.faults import Faults
from tests.simulation.instance import SimulatedInstance, StoreWeather
from tests.simulation.ledger import Ledger, LedgerStore
from tests.simulation.world import EPOCH, World

#: Faults happen until then, and everything must be at rest and in order at the end (s).
FAULTS_UNTIL = 25.0
ENDS = 65.0

#: The steady jobs and their periods (s).
STEADY = {"every-1": 1, "every-2": 2, "every-5": 5}

#: A job whose history is pruned at once: what is gone must not be run again.
PRUNED = "every-1-kept-briefly"


@dataclass(frozen=True, slots=True)
class Switches:
    """Parts of the protocol that can be removed, to see that the checker notices."""

    unique: bool = True
    cleared: bool = True
    ordered: bool = True


@dataclass(slots=True)
class Verdict:
    """What came of a history."""

    seed: int
    wrong: list[str]
    starts: int = 0
    terms: int = 0
    trace: list[str] = field(default_factory=list)


def run_history(seed: int, switches: Switches = Switches(), *, trace: bool = False) -> Verdict:
    """Live through the history of *seed* and judge it."""
    world = World(seed)
    world.trace = [] if trace else None
    model = MemoryStore(world, unique_slots=switches.unique, fenced=switches.cleared)
    ledger = Ledger(world, lambda run_id: _row(model, run_id))
    store = LedgerStore(model, ledger)
    _write_steady_jobs(model)
    broker, weather = ModelBroker(world), StoreWeather()
    instances = [
        SimulatedInstance(name, world, broker, store, ledger, weather, ordered=switches.ordered)
        for name in ("a", "b", "c")
    ]
    clients = [Client(name, world, broker) for name in ("client-1", "client-2")]
    faults = Faults(world, broker, weather, instances)
    faults.schedule(FAULTS_UNTIL)
    world.run_until(FAULTS_UNTIL)
    faults.mend()
    world.run_until(ENDS - 15.0)
    for client in clients:
        client.active = False
    world.run_until(ENDS)
    wrong = _judge(ledger, model, clients, instances)
    return Verdict(seed, wrong, len(ledger.starts), len(ledger.minted), world.trace or [])


def _row(model: MemoryStore, run_id: str) -> Run | None:
    try:
        return model.get_run(run_id)
    except RunNotFound:
        return None


def _write_steady_jobs(model: MemoryStore) -> None:
    for name, period in [*STEADY.items(), (PRUNED, 1)]:
        document = definition(name, period)
        if name == PRUNED:
            document["keep_runs"] = 1
        job = Job(
            id=f"id-of-{name}",
            definition=definition_from_document(document),
            revision=1,
            created_at=EPOCH,
            updated_at=EPOCH,
            next_fire_at=checker.slots_of(period, EPOCH, EPOCH + timedelta(minutes=1))[0],
        )
        model.write_jobs([JobWrite(job, None)])


def _judge(
    ledger: Ledger, model: MemoryStore, clients: list[Client], instances: list[SimulatedInstance]
) -> list[str]:
    rows: dict[str, Run] = {run.id: run for run in model.every_run()}
    rest = ledger.world.now() - timedelta(seconds=8)
    wrong = checker.check_slots(rows.values(), STEADY, EPOCH, rest)
    wrong += checker.check_starts(ledger)
    wrong += checker.check_started_rows(ledger, rows)
    wrong += checker.check_repeats(ledger, rows)
    jobs: dict[str, object] = {
        job.name: {
            "exists": True,
            "paused": job.paused is not None,
            "note": job.definition.description,
        }
        for batch in model.all_jobs()
        for job in batch.jobs
    }
    wrong += checker.check_clients(clients, jobs, rows)
    executing = [one.name for one in instances if one.term is not None]
    if len(executing) != 1:
        wrong.append(f"at rest {len(executing)} instances execute: {executing}")
    forgotten = [run for run in rows.values() if run.follow_up and run.created_at <= rest]
    wrong += [f"{run.job} {run.fire_at}: follow-up forgotten" for run in forgotten]
    return wrong
