"""Those who have the remote runs of a history: they work, beat, report, and die.

A worker reports over the broker, a service by call-backs.  Whoever is given a run that somebody
has already works on it as well, as it happens when a run is sent again in vain.  Reports are sent
until they are taken by the broker or answered; heartbeats once, and some of them are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.report import Report, ReportStatus
from executor.domain.run import Run
from tests.simulation.correspondence import Correspondence
from tests.simulation.report_queue import ReportQueue
from tests.simulation.world import EPOCH, World

#: Names of jobs begin so: of those whose runs workers take, and of those whose services call back.
BY_WORKERS: Final = "worker"
BY_SERVICES: Final = "service"

#: A sign of life at least so often (s).
BEAT_S: Final = 0.7

#: How long (s) work takes, and until somebody begins with it.
_WORK_S: Final = (0.01, 4.0)
_BEGINS_S: Final = 0.03

#: Of so many workers one dies with its work, and one does not obey.
_DIES: Final = 0.12
_DEAF: Final = 0.2

#: Of so many reports one is sent twice, one takes long, and of so many heartbeats one is lost.
_TWICE: Final = 0.1
_SLOW: Final = 0.05
_BEAT_LOST: Final = 0.1


def is_remote(job: str) -> bool:
    """Whether the runs of this job go on elsewhere."""
    return job.startswith((BY_WORKERS, BY_SERVICES))


@dataclass(eq=False, slots=True)
class Stint:
    """Somebody's work on a run: from when to when, and when it was last heard of.

    ``silent_since``: it died then.
    """

    run: Run
    since: float
    ended: float | None = None
    silent_since: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether somebody is at it."""
        return self.ended is None and self.silent_since is None


@dataclass(slots=True)
class Workers:
    """All workers and services of one history.

    Attributes:
        stints: by run, everybody's work on it.
        told: run -> the ends that were reported of it.
    """

    world: World
    queue: ReportQueue
    post: Correspondence
    stints: dict[str, list[Stint]] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)
    on_answer: Callable[[Command, CommandResult], None] = lambda command, result: None
    on_given: Callable[[Run], None] = lambda run: None
    _numbers: Any = field(default_factory=lambda: iter(range(10**9)))

    def give(self, run: Run) -> None:
        """Let somebody have a run."""
        self.on_given(run)
        self.world.after(self.world.delay(_BEGINS_S), partial(self._begin, run))

    def _begin(self, run: Run) -> None:
        stint = Stint(run, self.world.time)
        self.stints.setdefault(run.id, []).append(stint)
        random = self.world.random
        lasts = random.uniform(*_WORK_S)
        if self.world.chance(_DIES):
            self.world.after(random.uniform(0.0, lasts), partial(self._die, stint))
        self._tell(stint, ReportStatus.RUNNING)
        failed = self.world.chance(0.1)
        end = ReportStatus.FAILED if failed else ReportStatus.COMPLETED
        self.world.after(lasts, partial(self._end, stint, end))
        self.world.after(BEAT_S, partial(self._beat, stint))

    def _die(self, stint: Stint) -> None:
        if stint.goes_on:
            self.world.say("worker", f"DIES {stint.run.id[:8]}")
            stint.silent_since = self.world.time

    def _beat(self, stint: Stint) -> None:
        if stint.goes_on:
            if not self.world.chance(_BEAT_LOST):
                self._tell(stint, None)
            self.world.after(BEAT_S, partial(self._beat, stint))

    def _end(self, stint: Stint, status: ReportStatus) -> None:
        if stint.goes_on:
            stint.ended = self.world.time
            self.told.setdefault(stint.run.id, set()).add(status.value)
            self._tell(stint, status)

    def recall(self, run_id: str) -> None:
        """Ask everybody who has a run to end it."""
        for stint in self.stints.get(run_id, ()):
            if not self.world.chance(_DEAF):
                end = partial(self._end, stint, ReportStatus.CANCELLED)
                self.world.after(self.world.delay(0.05), end)

    # Telling --------------------------------------------------------------------------------

    def _tell(self, stint: Stint, status: ReportStatus | None) -> None:
        self.world.say("worker", f"tells {status} of {stint.run.id[:8]}")
        for _ in range(2 if self.world.chance(_TWICE) else 1):
            delay = self.world.delay(0.005)
            if self.world.chance(_SLOW):
                delay += self.world.random.uniform(0.1, 1.5)
            by_post = stint.run.job.startswith(BY_SERVICES)
            how: Callable[[Run, ReportStatus | None], None] = self._call_back
            self.world.after(delay, partial(how if by_post else self._publish, stint.run, status))

    def _publish(self, run: Run, status: ReportStatus | None) -> None:
        report = Report(run_id=run.id, job=run.job, status=status, at=EPOCH)
        if not self.queue.publish(report) and status is not None:
            self.world.after(0.5, partial(self._publish, run, status))

    def _call_back(self, run: Run, status: ReportStatus | None) -> None:
        command = Command(
            id=f"report-{next(self._numbers)}",
            kind=CommandKind.REPORT_RUN,
            subject=run.id,
            arguments={"status": status},
            sent_at=self.world.now(),
        )
        if status is None:
            self.post.queue.send(replace(command, repeatable=False), lambda _: None)
        else:
            self.post.ask(command, partial(self.on_answer, command))

    # Judging --------------------------------------------------------------------------------

    def beating_since(self, run_id: str) -> float | None:
        """Return since when somebody is at the run and gives signs of life; None if nobody is."""
        since = [stint.since for stint in self.stints.get(run_id, ()) if stint.goes_on]
        return min(since, default=None)
