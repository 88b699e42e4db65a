"""The law of ``ports/target.py``: what every launcher keeps to, whatever it starts.

A subclass says how to make its launcher and five kinds of targets; what a target has
seen of the world is asked through the same subclass.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from executor.adapters.captured_output import OUTPUT_LIMIT
from executor.adapters.system_clock import SystemClock
from executor.domain.job import Definition
from executor.domain.run import Cause, Reason, Run, RunState
from executor.domain.targets import Target
from executor.ports.target import Launcher, Work, WorkListener
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def make_work(
    target: Target,
    run_id: str = "run",
    *,
    timeout_s: float = 60,
    job: str = "nightly",
    fire_at: datetime | None = NOON,
    attempt: int = 1,
) -> Work:
    """Return a run of a job with *target*, ready to be started."""
    run = Run(
        id=run_id,
        job_id="0" * 32,
        job=job,
        cause=Cause.SCHEDULE if fire_at else Cause.MANUAL,
        state=RunState.PENDING,
        term=17,
        clear_at=NOON,
        created_at=NOON,
        fire_at=fire_at,
        trigger_id=f"{run_id}-trigger",
        attempt=attempt,
    )
    definition = Definition(name=job, target=target, timeout=timedelta(seconds=timeout_s))
    return Work(run, definition)


class LauncherLaw(ABC):
    """What every launcher keeps to."""

    #: Works handed over together, where that is to be many.
    crowd = 1000

    @abstractmethod
    def make_launcher(self, listener: WorkListener, parallel: int) -> Launcher:
        """Return a launcher with room for *parallel* works."""

    @abstractmethod
    def quick(self) -> Target:
        """Return a target that succeeds at once and says something."""

    @abstractmethod
    def failing(self) -> Target:
        """Return a target that starts and fails."""

    @abstractmethod
    def impossible(self) -> Target:
        """Return a target that cannot even be started."""

    @abstractmethod
    def hanging(self) -> Target:
        """Return a target that never ends by itself."""

    @abstractmethod
    def endless(self) -> Target:
        """Return a target that talks without end."""

    @abstractmethod
    def touched(self) -> list[str]:
        """Return the ids of the runs that reached a target, in order."""

    @pytest.fixture
    def launch(self, log: WorkLog) -> Iterator[Callable[..., Launcher]]:
        launchers: list[Launcher] = []

        def make(parallel: int = 20) -> Launcher:
            launcher = self.make_launcher(log, parallel)
            launchers.append(launcher)
            return launcher

        yield make
        for launcher in launchers:
            launcher.stop()

    @pytest.fixture
    def launcher(self, launch: Callable[..., Launcher]) -> Launcher:
        return launch()

    def test_a_run_is_reported_as_started_and_then_as_succeeded(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Both reports come once, in this order, with the instants at which they happened."""
        before = SystemClock().now()
        launcher.start([make_work(self.quick())])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.SUCCEEDED, outcome
        assert (outcome.error, outcome.reason) == (None, None)
        assert outcome.output is not None
        assert before <= log.started_at["run"] <= log.ended_at["run"] <= SystemClock().now()

    def test_a_failure_says_why(self, launcher: Launcher, log: WorkLog) -> None:
        """A target that fails ends as failed, with words and with what it said."""
        launcher.start([make_work(self.failing())])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error
        assert outcome.output is not None

    def test_what_cannot_be_started_fails_and_hurts_nobody(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """An impossible target ends as failed with words; the next one runs as ever."""
        launcher.start([make_work(self.impossible(), "broken"), make_work(self.quick(), "sound")])
        assert log.wait_for_end("sound").state is RunState.SUCCEEDED
        outcome = log.wait_for_end("broken")
        assert outcome.state is RunState.FAILED
        assert outcome.error

    def test_what_is_prepared_starts_when_it_is_to_and_not_before(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Being told beforehand does nothing that anybody sees."""
        work, never = make_work(self.quick()), make_work(self.quick(), "never")
        launcher.prepare([work, never])
        self._run_another(launcher, log)
        assert (self.touched(), list(log.started_at)) == (["another"], ["another"])
        launcher.start([work])
        assert log.wait_for_end("run").state is RunState.SUCCEEDED
        assert (self.touched(), log.ended) == (["another", "run"], ["another", "run"])

    def test_what_is_prepared_starts_as_it_is_by_then(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """A job that was changed in the last moment does what it is to do now."""
        launcher.prepare([make_work(self.quick(), "changed"), make_work(self.hanging(), "mended")])
        self._run_another(launcher, log)
        launcher.start([make_work(self.failing(), "changed"), make_work(self.quick(), "mended")])
        assert log.wait_for_end("changed").state is RunState.FAILED
        assert log.wait_for_end("mended").state is RunState.SUCCEEDED

    def test_nothing_starts_against_the_listeners_will(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """When may_start says no, the works come back untouched, and nothing else is said."""
        log.willing = False
        launcher.start([make_work(self.quick(), f"run-{number}") for number in range(40)])
        log.wait_for_ends(40)
        assert sorted(log.refused) == sorted(f"run-{number}" for number in range(40))
        assert (log.started_at, log.ended, self.touched()) == ({}, [], [])

    def test_the_listener_is_asked_right_before_each_start(
        self, launch: Callable[..., Launcher], log: WorkLog
    ) -> None:
        """A change of mind while a work waits for capacity still keeps it from starting."""
        launcher = launch(parallel=1)
        launcher.start([make_work(self.hanging(), "first"), make_work(self.quick(), "second")])
        log.wait_for_start("first")
        log.willing = False
        launcher.cancel("first", Reason.REQUESTED)
        log.wait_for_ends(2)
        assert (log.refused, log.ended) == (["second"], ["first"])
        assert log.asked == 2

    def test_a_recall_of_what_is_not_here_harms_nobody(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Another process may have handed it over; nothing is reported, and others go on."""
        launcher.recall(make_work(self.quick(), "elsewhere"), Reason.REQUESTED)
        launcher.start([make_work(self.quick(), "here")])
        assert log.wait_for_end("here").state is RunState.SUCCEEDED
        assert log.ended == ["here"]

    def test_works_beyond_the_capacity_wait_their_turn(
        self, launch: Callable[..., Launcher], log: WorkLog
    ) -> None:
        """Start returns at once; waiting works start as capacity frees, in order, all of them."""
        launcher = launch(parallel=1)
        launcher.start([make_work(self.hanging(), "first")])
        log.wait_for_start("first")
        names = [f"later-{number}" for number in range(10)]
        before = time.monotonic()
        launcher.start([make_work(self.quick(), name) for name in names])
        assert time.monotonic() - before < 1
        eventually(lambda: self.touched() == ["first"], 10, "the first target is reached")
        assert list(log.started_at) == ["first"]
        launcher.cancel("first", Reason.REQUESTED)
        log.wait_for_ends(11)
        assert list(log.started_at) == ["first", *names]
        assert self.touched() == ["first", *names]

    def test_a_cancelled_run_ends_as_cancelled(self, launcher: Launcher, log: WorkLog) -> None:
        """The end comes soon, once, with the first reason given; a second one changes nothing."""
        launcher.start([make_work(self.hanging())])
        log.wait_for_start("run")
        launcher.cancel("run", Reason.REQUESTED)
        launcher.cancel("run", Reason.SHUTDOWN)
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.reason) == (RunState.CANCELLED, Reason.REQUESTED)
        launcher.cancel("run", Reason.SHUTDOWN)
        self._run_another(launcher, log)
        assert log.ended == ["run", "another"]

    def test_a_run_cancelled_before_its_start_never_starts(
        self, launch: Callable[..., Launcher], log: WorkLog
    ) -> None:
        """A waiting work ends as cancelled at once, and its target is never reached."""
        launcher = launch(parallel=1)
        launcher.start([make_work(self.hanging(), "first"), make_work(self.quick(), "second")])
        launcher.cancel("second", Reason.SHUTDOWN)
        outcome = log.wait_for_end("second")
        assert (outcome.state, outcome.reason) == (RunState.CANCELLED, Reason.SHUTDOWN)
        launcher.cancel("first", Reason.REQUESTED)
        log.wait_for_end("first")
        self._run_another(launcher, log)
        assert "second" not in log.started_at
        assert "second" not in self.touched()

    def test_a_cancellation_right_after_the_start_is_not_lost(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """However far the start has got, the run ends as cancelled."""
        for number in range(30):
            launcher.start([make_work(self.hanging(), f"run-{number}")])
            launcher.cancel(f"run-{number}", Reason.REQUESTED)
        log.wait_for_ends(30)
        assert {outcome.state for outcome in log.outcomes.values()} == {RunState.CANCELLED}

    def test_cancelling_what_nobody_knows_does_nothing(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """An unknown id is ignored; work goes on."""
        launcher.cancel("nobody", Reason.REQUESTED)
        self._run_another(launcher, log)
        assert log.ended == ["another"]

    def test_a_run_that_takes_too_long_ends_as_timed_out(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The job's timeout ends a hanging target, and says so."""
        launcher.start([make_work(self.hanging(), timeout_s=0.3)])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.error is not None
        assert "within 0.3 s" in outcome.error
        elapsed = log.ended_at["run"] - log.started_at["run"]
        assert elapsed >= timedelta(seconds=0.29)

    def test_hanging_targets_delay_nobody(self, launcher: Launcher, log: WorkLog) -> None:
        """With capacity left, a quick run beside hanging ones ends as fast as alone."""
        launcher.start([make_work(self.hanging(), f"hanging-{number}") for number in range(19)])
        log.wait_for_start(*(f"hanging-{number}" for number in range(19)))
        before = time.monotonic()
        launcher.start([make_work(self.quick(), "quick")])
        assert log.wait_for_end("quick").state is RunState.SUCCEEDED
        assert time.monotonic() - before < 2
        assert log.ended == ["quick"]

    def test_endless_talk_is_bounded_and_delays_nobody(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Head and tail of what was said are kept, the rest is counted; others run meanwhile."""
        launcher.start([make_work(self.endless(), "endless", timeout_s=1)])
        log.wait_for_start("endless")
        launcher.start([make_work(self.quick(), "quick")])
        assert log.wait_for_end("quick").state is RunState.SUCCEEDED
        outcome = log.wait_for_end("endless")
        assert log.ended == ["quick", "endless"]
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.output is not None
        assert outcome.output.size > 1_000_000
        assert len(outcome.output.head) == len(outcome.output.tail) == OUTPUT_LIMIT // 2

    def test_very_many_runs_at_one_instant_all_end(
        self, launch: Callable[..., Launcher], log: WorkLog
    ) -> None:
        """Each of the works handed over together reaches its target once and succeeds."""
        names = [f"run-{number}" for number in range(self.crowd)]
        launch(parallel=100).start([make_work(self.quick(), name) for name in names])
        log.wait_for_ends(self.crowd, timeout_s=60)
        assert {outcome.state for outcome in log.outcomes.values()} == {RunState.SUCCEEDED}
        assert sorted(self.touched()) == sorted(names)

    def test_stopping_ends_everything_without_a_word(
        self, launch: Callable[..., Launcher], log: WorkLog
    ) -> None:
        """Works that run and works that wait are dropped, no report follows, no thread is left."""
        threads = set(threading.enumerate())
        launcher = launch(parallel=3)
        launcher.start([make_work(self.hanging(), f"run-{number}") for number in range(10)])
        eventually(lambda: len(self.touched()) == 3, 10, "three targets are reached")
        launcher.stop()
        assert (log.ended, log.refused) == ([], [])
        assert self._new_threads(threads) == []
        launcher.start([make_work(self.quick(), "late")])
        launcher.cancel("run-1", Reason.REQUESTED)
        launcher.stop()
        assert len(self.touched()) == 3

    def _new_threads(self, known: set[threading.Thread]) -> list[str]:
        """Return the launcher's threads that are alive and not in *known*."""
        return [
            thread.name
            for thread in threading.enumerate()
            if thread not in known
            and thread.name.startswith(("http-", "command-", "python-", "spawner-"))
        ]

    def _run_another(self, launcher: Launcher, log: WorkLog) -> None:
        """Prove that the launcher has dealt with everything sent to it so far."""
        launcher.start([make_work(self.quick(), "another")])
        assert log.wait_for_end("another").state is RunState.SUCCEEDED
