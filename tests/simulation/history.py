"""One seeded history from beginning to end, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from executor.domain.job import Job
from executor.domain.run import AWAITING, Reason, Run, RunState
from tests.fakes.memory_store import MemoryStore
from tests.simulation import change_checker, checker, opening_scene, policies, slot_checker
from tests.simulation.broker import ModelBroker
from tests.simulation.clients import Editor, Member, Owner, period_of
from tests.simulation.correspondence import Correspondence
from tests.simulation.facts import Facts
from tests.simulation.faults import Faults
from tests.simulation.instance import SimulatedInstance
from tests.simulation.ledger import Ledger, LedgerStore
from tests.simulation.opening_scene import CHANGEABLE, CHANGEABLE_PERIOD, PRUNED, STEADY
from tests.simulation.policy_clients import Historian, Napper
from tests.simulation.remote_checker import RemoteWatch, check_remote
from tests.simulation.store_link import StoreWeather
from tests.simulation.surroundings import Surroundings
from tests.simulation.workers import Workers
from tests.simulation.world import EPOCH, World

#: Faults happen until then, and everything must be at rest and in order at the end (s).
FAULTS_UNTIL = 25.0
ENDS = 40.0

#: Clients stop asking so long before the end (s).
QUIET = 12.0

#: Slots are sure to be of the schedule of now so long after a change.
LONGEST_STEP = timedelta(seconds=12)


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


class _History:
    """Everything that takes part in one history."""

    def __init__(self, seed: int, switches: Switches, trace: bool) -> None:
        self.world = world = World(seed)
        world.trace = [] if trace else None
        self.model = MemoryStore(world, unique_slots=switches.unique, fenced=switches.cleared)
        self.ledger = Ledger(world, self.model)
        store = LedgerStore(self.model, self.ledger)
        self.scenes = policies.scenes_of(seed)
        self.policed = {
            name: job for scene in self.scenes.values() for name, job in scene.jobs.items()
        }
        opening_scene.write(self.scenes, self.ledger, store)
        broker, weather = ModelBroker(world), StoreWeather()
        # Few launchers in some histories, so that work waits for its turn; in most, enough.
        capacity = world.random.choice([3, 5, 1_000, 1_000])
        capacity += sum(round(min(job.limit, 6)) for job in self.policed.values())
        works = {name: job.work for name, job in self.policed.items()}
        self.post = Correspondence(world, broker.commands, self.model)
        workers = Workers(world, broker.reports, self.post)
        self.remote = RemoteWatch(world, self.ledger, workers)
        around = Surroundings(
            world,
            broker,
            store,
            self.ledger,
            weather,
            workers,
            self.remote,
            capacity,
            switches.ordered,
            works,
        )
        self.instances = {name: SimulatedInstance(name, around) for name in ("a", "b", "c")}
        self.ledger.well_since = self._well_since
        self.owners = [Owner(name, world, self.post) for name in ("client-1", "client-2")]
        self._invite(world.random.randrange(4))
        self.ledger.paused = self._is_paused
        self.faults = Faults(world, broker, weather, list(self.instances.values()))
        around.on_point = self.faults.on_point
        self.faults.schedule(FAULTS_UNTIL)

    def _invite(self, guests: int) -> None:
        """Let a crowd and an editor take part in some histories; they cost time."""
        if guests in {0, 1}:
            for number in range(2 + guests):
                Member(f"member-{number}", self.world, self.post, FAULTS_UNTIL + 3.0)
        if guests in {1, 2}:
            Editor(self.world, self.post, FAULTS_UNTIL + 3.0, STEADY, CHANGEABLE)

        if "nap" in self.scenes:
            for job in ("napping", "nap-child"):
                Napper(self.world, self.post, FAULTS_UNTIL + 3.0, job)
        if "past" in self.scenes:
            Historian(self.world, self.post, FAULTS_UNTIL + 3.0, "past")

    def _is_paused(self, run: Run, wall: datetime) -> bool:
        """Whether the executor of now has said that the job of *run* rests."""
        job = self.model.load_job(run.job_id)
        if job is None or job.paused is None or run.term != max(self.ledger.minted):
            return False
        asked = self.post.asked.get(job.paused.reason)
        until = job.paused.until
        told = asked is not None and asked.answered is not None
        return told and (until is None or wall < until)

    def _well_since(self, holder: str) -> float:
        name, life = holder.split(".")
        return self.instances[name].well_since(int(life))

    def live(self) -> None:
        """Let it happen."""
        self.world.run_until(FAULTS_UNTIL)
        self.faults.mend()
        self.world.run_until(ENDS - QUIET)
        self.post.active = False
        self.world.run_until(ENDS)

    def _judge_changeable(self, rows: dict[str, Run], rest: datetime) -> list[str]:
        change = [change for change in self.ledger.changes if change.job.name == CHANGEABLE][-1]
        period = CHANGEABLE_PERIOD
        if change.job.revision > 1:
            arguments = self.post.asked[change.job.definition.description].command.arguments
            period = period_of(arguments["definition"])
        # By the clock of its executor, which may have been ahead.
        since = EPOCH + timedelta(seconds=change.time) + LONGEST_STEP
        return checker.check_changeable(rows.values(), CHANGEABLE, period, since, rest)

    def _ends(self, jobs: dict[str, Job], rest: datetime) -> dict[str, datetime]:
        """Return until when each steady job was not paused for good by an unanswered editor."""
        pauses = {name: jobs[name].paused for name in STEADY}
        return {name: rest if pause is None else pause.since for name, pause in pauses.items()}

    def judge(self) -> list[str]:
        """Say what is wrong."""
        ledger, asked = self.ledger, self.post.asked
        rows: dict[str, Run] = {run.id: run for run in self.model.every_run()}
        jobs = {job.name: job for batch in self.model.all_jobs() for job in batch.jobs}
        rest = self.world.now() - timedelta(seconds=8)
        for instance in self.instances.values():
            instance.watch.check_wholes()
        wrong = [*ledger.wrong, *self.post.wrong]
        wrong += checker.check_slots(rows.values(), STEADY, EPOCH, self._ends(jobs, rest))
        wrong += self._judge_changeable(rows, rest)
        wrong += checker.check_starts(ledger)
        wrong += checker.check_started_rows(ledger, rows)
        wrong += checker.check_repeats(ledger, rows)
        wrong += checker.check_resumption(ledger, STEADY, FAULTS_UNTIL, ENDS)
        histories = change_checker.histories_of(ledger)
        wrong += change_checker.check_owners(self.owners, jobs, rows)
        wrong += change_checker.check_histories(asked, histories, ledger.moved)
        wrong += change_checker.check_answers(asked, histories)
        wrong += change_checker.check_audit(asked, histories, self.model.every_change())
        wrong += change_checker.check_refusals(ledger, asked, rows)
        lasting = [job for job in jobs.values() if job.name != PRUNED]
        wrong += change_checker.check_follow_ups(rows, lasting, asked, rest)
        executing = [one.name for one in self.instances.values() if one.term is not None]
        if len(executing) != 1:
            wrong.append(f"at rest {len(executing)} instances execute: {executing}")
        forgotten = [
            run
            for run in rows.values()
            if run.follow_up
            and (run.finished_at or run.created_at) <= rest
            and not _still_waits(run, rows)
        ]
        wrong += [f"{run.job} {run.fire_at}: follow-up forgotten" for run in forgotten]
        return wrong + self._judge_policies(Facts(ledger, rows, jobs, asked, rest))

    def _judge_policies(self, facts: Facts) -> list[str]:
        wrong = slot_checker.check_early(facts)
        wrong += check_remote(facts, self.remote)
        for name, job in self.policed.items():
            if job.habits is not None:
                wrong += slot_checker.check_habits(facts, name, job.period, job.habits, job.slots)
        for scene in self.scenes.values():
            wrong += scene.judge(facts)
        return wrong


def run_history(seed: int, switches: Switches = Switches(), *, trace: bool = False) -> Verdict:
    """Live through the history of *seed* and judge it."""
    history = _History(seed, switches, trace)
    history.live()
    ledger = history.ledger
    wrong = history.judge()
    return Verdict(seed, wrong, len(ledger.starts), len(ledger.minted), history.world.trace or [])


def _still_waits(run: Run, rows: Mapping[str, Run]) -> bool:
    """Whether what *run* was joined with, or that in turn, is half met and waits for the rest."""
    while run.reason is Reason.JOINED and run.trigger_id != run.id:
        run = rows[run.trigger_id]
    return run.state is RunState.PENDING and run.clear_at == AWAITING
