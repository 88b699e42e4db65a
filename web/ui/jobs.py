"""*Jobs*: the list, searched, filtered and sorted on the server, and changes of many at once.

Rules
-----
1. Never more than one part of the list is read, whatever the number of jobs.
2. What the query gets wrong is ignored; the API is the strict one.
3. Each chosen job is one command; all of them are sent together, and the page says how many were
   carried out and what the first refusal was.  Deleting asks once more, on a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from flask import Response

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.errors import JobNotFound, SolocronError
from executor.domain.job import Job
from executor.domain.preview import schedule_text
from executor.domain.run import LIVE, RunState
from executor.domain.schedule import for_job
from executor.domain.writes import BrokenJob
from executor.ports.store import InvalidCursor, JobFilter, JobOrder, Page, Readers, RunFilter
from web.commands import REFUSALS, command
from web.documents import is_done, job_state
from web.problems import problem_of
from web.sign_in import sentence
from web.ui.definition import schedule_words
from web.ui.drawing import Bar
from web.ui.frame import Shelf, Visit, led_to, show, show_live
from web.ui.history import SPARK, SPARK_HEIGHT, SPARK_WIDTH, in_words, sparkline
from web.ui.overview import OVERDUE

SHELF: Final = Shelf()

HERE: Final = "/ui/jobs"

#: Rows of one page: a screen, and few enough for a sparkline each.
ROWS: Final = 25

#: Most jobs that are changed at once: as many as a page shows.
MOST: Final = ROWS

#: Results one can look for: the states in which a run is over and that a job keeps.
RESULTS: Final = tuple(
    state for state in RunState if state not in LIVE and state is not RunState.SKIPPED
)

#: What can be done with many jobs: the command, and how the page says that it is done.
BULK: Final = {
    "pause": (CommandKind.PAUSE_JOB, "paused"),
    "resume": (CommandKind.RESUME_JOB, "resumed"),
    "delete": (CommandKind.DELETE_JOB, "deleted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list; ``job`` may be a record that cannot be read."""

    job: Job | BrokenJob
    state: str
    words: str = ""
    schedule: str = ""
    overdue: bool = False
    done: bool = False
    spark: Sequence[Bar] = ()
    spark_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the list is narrowed to, and how it is sorted."""

    q: str = ""
    tag: str = ""
    owner: str = ""
    state: RunState | None = None
    enabled: bool | None = None
    order: JobOrder = JobOrder.NAME
    cursor: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether some jobs may be left out."""
        return bool(self.q or self.tag or self.owner or self.state) or self.enabled is not None

    def address(self, *, order: str | None = None, cursor: str | None = None) -> str:
        """Return the address of the same search, in another *order* or from *cursor* on."""
        wanted = {
            "q": self.q,
            "tag": self.tag,
            "owner": self.owner,
            "state": self.state,
            "enabled": {True: "yes", False: "no", None: ""}[self.enabled],
            "order": order or self.order,
            "cursor": cursor,
        }
        if wanted["order"] == JobOrder.NAME:
            del wanted["order"]
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"{HERE}?{query}" if query else HERE


@SHELF.add("GET", HERE)
def list_of_jobs(visit: Visit) -> Response:
    """Show a part of the list."""
    readers, search = visit.services.readers, _search(visit)
    now = visit.services.clock.now()
    page = _jobs(readers, search)
    return show_live(
        visit,
        "ui/jobs.html",
        "ui/_jobs.html",
        title="Jobs",
        rows=[_row(readers, job, now) for job in page.items],
        search=search,
        orders=JobOrder,
        first=search.address() if search.cursor else None,
        following=search.address(cursor=page.next) if page.next else None,
        results=RESULTS,
        spark_width=SPARK_WIDTH,
        spark_height=SPARK_HEIGHT,
    )


def _search(visit: Visit) -> Search:
    states: dict[str, RunState] = {state.value: state for state in RESULTS}
    orders: dict[str, JobOrder] = {order.value: order for order in JobOrder}
    return Search(
        q=visit.text("q"),
        tag=visit.text("tag"),
        owner=visit.text("owner"),
        state=states.get(visit.text("state")),
        enabled={"yes": True, "no": False}.get(visit.text("enabled")),
        order=orders.get(visit.text("order"), JobOrder.NAME),
        cursor=visit.text("cursor") or None,
    )


def _jobs(readers: Readers, search: Search) -> Page[Job | BrokenJob]:
    which = JobFilter(
        q=search.q or None,
        tag=search.tag or None,
        owner=search.owner or None,
        state=search.state,
        enabled=search.enabled,
    )
    try:
        return readers.list_jobs(which, ROWS, search.cursor, search.order)
    except InvalidCursor:
        return readers.list_jobs(which, ROWS, None, search.order)


def _row(readers: Readers, job: Job | BrokenJob, now: datetime) -> Row:
    if isinstance(job, BrokenJob):
        return Row(job=job, state="broken")
    schedule = job.definition.schedule
    runs = readers.list_runs(RunFilter(job_id=job.id), SPARK, None).items if job.last_run else ()
    return Row(
        job=job,
        state=job_state(job, now),
        words=schedule_words(for_job(schedule, job.id)) if schedule else "Only on request",
        schedule=schedule_text(schedule) if schedule else "",
        overdue=job.next_fire_at is not None and now - job.next_fire_at > OVERDUE,
        done=is_done(job),
        spark=sparkline(runs),
        spark_words=in_words(runs),
    )


@SHELF.add("POST", HERE)
def change_many(visit: Visit) -> Response:
    """Pause, resume or delete the chosen jobs."""
    back = _back(visit)
    what, chosen = visit.text("do"), list(dict.fromkeys(visit.form.getlist("job")))[:MOST]
    if what not in BULK or not chosen:
        return led_to(back, "Nothing was chosen.", bad=True)
    found, gone = _found(visit.services.readers, chosen)
    if what == "delete" and visit.text("sure") != "yes":
        return show(visit, "ui/sure.html", title="Delete jobs", jobs=found, back=back)
    return led_to(back, *_carried_out(visit, what, found, gone))


def _back(visit: Visit) -> str:
    """Return where the list was that jobs were chosen from."""
    back = visit.text("back")
    return back if back.startswith(f"{HERE}?") else HERE


def _found(readers: Readers, chosen: Sequence[str]) -> tuple[list[Job | BrokenJob], int]:
    """Return those of the jobs that are there, and how many are not."""
    found = []
    for job_id in chosen:
        try:
            found.append(readers.find_job(job_id))
        except JobNotFound:
            continue
    return found, len(chosen) - len(found)


def _carried_out(
    visit: Visit, what: str, jobs: Sequence[Job | BrokenJob], gone: int
) -> tuple[str, bool]:
    """Send a command for each of *jobs*; return what came of them, and whether it is bad."""
    kind, done = BULK[what]
    commands = [_command(visit, kind, job) for job in jobs]
    try:
        results = visit.services.sender.send_all(commands, visit.services.command_timeout_s)
    except SolocronError as error:
        return sentence(problem_of(error).detail), True
    return _told(done, [job.name for job in jobs], results, gone)


def _command(visit: Visit, kind: CommandKind, job: Job | BrokenJob) -> Command:
    arguments = None
    if kind is CommandKind.PAUSE_JOB:
        reason = visit.text("reason")[:1_000]
        arguments = {"reason": reason, "by": visit.caller.actor, "until": None}
    return command(visit.call(), kind, job.id, arguments)


def _told(
    done: str, names: Sequence[str], results: Sequence[CommandResult | None], gone: int
) -> tuple[str, bool]:
    refused = [
        f"{name}: {result.message}"
        for name, result in zip(names, results, strict=True)
        if result is not None and result.status in REFUSALS
    ]
    late = sum(result is None for result in results)
    well = len(results) - len(refused) - late
    parts = [f"{well} job{'s were' if well != 1 else ' was'} {done}."]
    if late:
        parts.append(f"{late} accepted, but not answered yet.")
    if gone:
        parts.append(f"{gone} did not exist any more.")
    if refused:
        parts.append(f"{len(refused)} refused; {refused[0]}.")
    return " ".join(parts), bool(refused)
