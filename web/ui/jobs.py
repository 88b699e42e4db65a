"""*Jobs*: the list, searched, filtered and sorted on the server; ``bulk`` changes many of them.

Rules
-----
1. Never more than one part of the list is read, whatever the number of jobs.
2. What the query gets wrong is ignored; the API is the strict one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from flask import Response

from executor.domain.job import Job
from executor.domain.preview import schedule_text
from executor.domain.run import LIVE, Run, RunState
from executor.domain.writes import BrokenJob
from executor.ports.store import InvalidCursor, JobFilter, JobOrder, Page, Readers
from web.documents import is_done, job_state
from web.ui.definition import when_words
from web.ui.drawing import Bar
from web.ui.frame import Shelf, Visit, show_live
from web.ui.history import SPARK, SPARK_HEIGHT, SPARK_WIDTH, in_words, sparkline
from web.ui.overview import OVERDUE

SHELF: Final = Shelf()

HERE: Final = "/ui/jobs"

#: Rows of one page: a screen, and few enough for a sparkline each.
ROWS: Final = 25

#: Results one can look for: the states in which a run is over and that a job keeps.
RESULTS: Final = tuple(
    state for state in RunState if state not in LIVE and state is not RunState.SKIPPED
)


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
    ran = [job.id for job in page.items if isinstance(job, Job) and job.last_run]
    latest = readers.latest_runs(ran, SPARK)
    return show_live(
        visit,
        "ui/jobs.html",
        "ui/_jobs.html",
        title="Jobs",
        rows=[_row(job, latest.get(job.id, []), now) for job in page.items],
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


def _row(job: Job | BrokenJob, runs: Sequence[Run], now: datetime) -> Row:
    if isinstance(job, BrokenJob):
        return Row(job=job, state="broken")
    schedule = job.definition.schedule
    return Row(
        job=job,
        state=job_state(job, now),
        words=when_words(job.definition, job.id),
        schedule=schedule_text(schedule) if schedule else "",
        overdue=job.next_fire_at is not None and now - job.next_fire_at > OVERDUE,
        done=is_done(job),
        spark=sparkline(runs),
        spark_words=in_words(runs),
    )
