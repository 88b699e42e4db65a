"""*Overview*: who executes, how everything stands, and what wants to be looked at.

The first page one opens at night: what is wrong stands at the top, in words; below it the last
hour and the next day at a glance.

Rules
-----
1. The page answers whatever is away, and says what that means.
2. What it costs does not grow with the number of jobs and runs: each list is cut, and of a full
   hour the newest :data:`HOUR_RUNS` runs are drawn, which the page then says.
3. The day ahead is computed once a minute and process, however many people look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.errors import StoreUnavailable
from executor.domain.job import Job
from executor.domain.load import MINUTES, Load, load
from executor.domain.login import HOME
from executor.domain.run import LIVE, Run, RunState
from executor.domain.wording import milliseconds
from executor.ports.store import JobFilter, JobOrder, Readers, RunFilter
from web.status import Status, read_status
from web.ui.drawing import Column, columns, skyline
from web.ui.frame import Shelf, Visit, led_to, show_live
from web.ui.starters import Starter, offered

#: Where the page was before it was the first one; links may still lead there.
FORMER: Final = "/ui/overview"

#: Newest runs of the last hour that are drawn.  Reading them is half of what the page costs, and a
#: viewer who looks on is to cost less than a hundredth of a core.
HOUR_RUNS: Final = 300

#: Lines of each list.
_LINES: Final = 8

#: Newest failures of each kind that the list is made of.
_FAILURES: Final = 30

#: How far back failures are listed.
_LATELY: Final = timedelta(hours=24)

#: A watermark trails its slot by moments; one this far behind means that nobody executes,
#: or that the executor cannot keep up.
OVERDUE: Final = timedelta(seconds=10)

#: Ends that somebody has to look at.
BAD: Final = (RunState.FAILED, RunState.TIMED_OUT, RunState.LOST)

#: The box of a chart, in its own units.
WIDTH: Final = 600.0
HEIGHT: Final = 72.0

#: Minutes that one step of the day ahead stands for: single ones would be thinner than a pixel.
_PART: Final = 10

_MINUTES: Final = 60
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The last hour, minute by minute.

    Attributes:
        counts: runs by how they stand: ``good``, ``bad``, ``busy`` and ``rest``.
        cut: there were more runs; only the newest are here.
    """

    since: datetime
    columns: Sequence[Column]
    counts: Counter[str]
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A job that failed lately: the newest of its failures, and how many there were.

    Attributes:
        cut: or even more, as not all of them were read.
    """

    run: Run
    times: int
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What happens now and lately; each list is cut."""

    running: Sequence[Run]
    overdue: Sequence[Job]
    coming: Sequence[Job]
    failed: Sequence[Failing]
    hour: Hour


def colour_of(state: RunState) -> str:
    """Return the class of a run in a chart."""
    if state is RunState.SUCCEEDED:
        return "good"
    if state in BAD:
        return "bad"
    return "busy" if state in LIVE else "rest"


class _Ahead:
    """The load of the day ahead, kept for the minute it was computed in."""

    def __init__(self) -> None:
        self._kept: Load | None = None

    def get(self, readers: Readers, now: datetime) -> Load:
        """Return the load from the minute of *now* on."""
        kept = self._kept
        if kept is None or kept.since != now.replace(second=0, microsecond=0):
            self._kept = kept = load(readers.schedule_counts(), now)
        return kept


def pages() -> Shelf:
    """Return the page, with a memory of its own."""
    shelf, ahead = Shelf(), _Ahead()

    @shelf.add("GET", FORMER)
    def lead_on(visit: Visit) -> Response:
        return led_to(HOME, "")

    @shelf.add("GET", HOME)
    def overview(visit: Visit) -> Response:
        status = read_status(visit.services)
        now = status.store.now if status.store else visit.services.clock.now()
        lists, day = None, None
        if status.store:
            try:
                lists = _lists(visit.services.readers, now)
                # What all jobs add up to is not for those who see some of them.
                day = ahead.get(visit.services.readers, now) if visit.within is None else None
            except StoreUnavailable:
                # Gone since the status was read; the next look will say so.
                status, lists = read_status(visit.services), None
        return show_live(
            visit,
            "ui/overview.html",
            "ui/_overview.html",
            title="Overview",
            status=HTTPStatus.OK if lists else HTTPStatus.SERVICE_UNAVAILABLE,
            how=status,
            lists=lists,
            lateness=_lateness(status),
            standbys=_standbys(status),
            day=day,
            starters=_starters(visit, status),
            skyline=_skyline(day) if day else "",
            ticks=[day.since + timedelta(minutes=n) for n in range(0, MINUTES, 360)] if day else [],
            width=WIDTH,
            height=HEIGHT,
        )

    return shelf


def _starters(visit: Visit, status: Status) -> list[Starter]:
    """Return the jobs that somebody may begin with who has none yet."""
    if status.store is None or status.store.counts.jobs or not visit.may("jobs:write"):
        return []
    return offered(visit.services.permitted)


def _lists(readers: Readers, now: datetime) -> Lists:
    nearest = readers.list_jobs(JobFilter(enabled=True), 2 * _LINES, None, JobOrder.NEXT_FIRE)
    timed = [one for one in nearest.items if isinstance(one, Job) and one.next_fire_at is not None]
    active = [job for job in timed if job.is_active(now)]
    overdue = [job for job in active if job.next_fire_at and now - job.next_fire_at > OVERDUE]
    return Lists(
        running=readers.list_runs(RunFilter(state=RunState.RUNNING), _LINES, None).items,
        overdue=overdue[:_LINES],
        coming=[job for job in active if job not in overdue][:_LINES],
        failed=_failed(readers, now),
        hour=_hour(readers, now),
    )


def _failed(readers: Readers, now: datetime) -> list[Failing]:
    """Return the jobs that failed lately, each once: one that flaps must not hide the others."""
    # To the minute, as in _hour: the same text for as long as nothing has happened.
    since = now.replace(second=0, microsecond=0) - _LATELY
    parts = [
        readers.list_runs(RunFilter(state=state, since=since), _FAILURES, None) for state in BAD
    ]
    found = sorted((run for part in parts for run in part.items), key=_begun)
    times = Counter(run.job_id for run in found)
    cut = any(part.next is not None for part in parts)
    newest = sorted({run.job_id: run for run in found}.values(), key=_begun, reverse=True)
    return [Failing(run=run, times=times[run.job_id], cut=cut) for run in newest[:_LINES]]


def _begun(run: Run) -> datetime:
    return run.created_at


def _hour(readers: Readers, now: datetime) -> Hour:
    since = now.replace(second=0, microsecond=0) - (_MINUTES - 1) * _MINUTE
    page = readers.list_runs(RunFilter(since=since), HOUR_RUNS, None)
    stacks = [Counter[str]() for _ in range(_MINUTES)]
    for run in page.items:
        minute = (run.created_at - since) // _MINUTE
        stacks[min(minute, _MINUTES - 1)][colour_of(run.state)] += 1
    ordered = [{kind: stack[kind] for kind in ("good", "rest", "busy", "bad")} for stack in stacks]
    titles = [
        _minute_in_words(since + number * _MINUTE, stack) for number, stack in enumerate(ordered)
    ]
    return Hour(
        since=since,
        columns=columns(ordered, titles, WIDTH / _MINUTES, HEIGHT),
        counts=sum(stacks, Counter[str]()),
        cut=page.next is not None,
    )


#: How the classes of a chart are read.
IN_WORDS: Final = {
    "good": "succeeded",
    "bad": "failed",
    "busy": "not over",
    "rest": "skipped or cancelled",
}


def _minute_in_words(minute: datetime, stack: dict[str, int]) -> str:
    parts = [f"{number} {IN_WORDS[kind]}" for kind, number in stack.items() if number]
    return f"{minute:%H:%M} UTC: {', '.join(parts)}"


def _skyline(day: Load) -> str:
    parts = range(0, MINUTES, _PART)
    return skyline([sum(day.minutes[at : at + _PART]) for at in parts], WIDTH, HEIGHT)


def _lateness(status: Status) -> tuple[str, str] | None:
    late = status.store.lateness if status.store else None
    return None if late is None else (milliseconds(late.median_s), milliseconds(late.p99_s))


def _standbys(status: Status) -> list[str]:
    """Return the ids of the instances that stand by."""
    instances = status.store.instances if status.store else ()
    return [instance.id for instance in instances if instance.role == "standby"]
