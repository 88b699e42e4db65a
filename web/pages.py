"""``GET /``: the page for people, written on the server and readable without JavaScript.

Shows who executes, the jobs with their next fire time and last result, the newest
runs, the channels with a button to test each, and a form to add a job.  It never shows
more than one part of the list of jobs, so its cost does not grow with their number.
What the query gets wrong is ignored here; the API is the strict one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from flask import Flask, Response, make_response, render_template, request

from executor.domain.access import Caller, Scope
from executor.domain.channel import CHANNELS, EmailChannel
from executor.domain.errors import SolocronError, StoreUnavailable
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.named import Broken
from executor.domain.preview import schedule_text
from executor.domain.run import Run, RunState
from executor.domain.schedule import for_job
from executor.domain.writes import BrokenJob
from executor.ports.store import InvalidCursor, JobFilter, Page, Readers
from web.access import PAGE, narrowed
from web.documents import is_done, job_state
from web.gate import Gate
from web.problems import RETRY_AFTER_S, Problem, problem_of
from web.services import Services
from web.status import Status, read_status
from web.ui.definition import schedule_words, target_words
from web.ui.frame import turned_away
from web.ui.jobs import RESULTS
from web.ui.overview import OVERDUE
from web.ui.runs import note
from web.wording import absolute, brief, duration, milliseconds, relative

#: Rows of the two tables: what fits a screen or two.
JOBS: Final = 50
RUNS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant as the page shows it: in relation to now, briefly, and in full."""

    machine: str
    full: str
    brief: str
    text: str

    @classmethod
    def of(cls, instant: datetime | None, now: datetime) -> Moment | None:
        """Return *instant* as seen at *now*; None stays None."""
        if instant is None:
            return None
        return cls(
            machine=to_text(instant),
            full=absolute(instant),
            brief=brief(instant, now),
            text=relative(instant, now),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One line of the table of jobs."""

    id: str
    name: str
    state: str
    target: str = ""
    schedule: str = ""
    words: str = ""
    pause: str = ""
    next_fire: Moment | None = None
    overdue: bool = False
    done: bool = False
    last_state: str = ""
    last_at: Moment | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One line of the table of runs."""

    id: str
    job: str
    cause: str
    state: str
    note: str
    due: Moment | None
    took: str
    live: bool
    has_output: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One line of the table of channels; no kind if its record cannot be read."""

    name: str
    kind: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the list of jobs is narrowed to."""

    q: str
    state: RunState | None
    cursor: str | None

    @property
    def narrows(self) -> bool:
        """Whether some jobs may be left out."""
        return bool(self.q or self.state)

    def address(self, cursor: str | None) -> str:
        """Return the page's address for the same search from *cursor* on."""
        wanted = {"q": self.q, "state": self.state, "cursor": cursor}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"/?{query}" if query else "/"


def install(app: Flask, services: Services, gate: Gate) -> None:
    """Make *app* serve the page to whom *gate* lets in."""

    def index() -> Response:
        try:
            caller = gate.caller(request, PAGE)
            seen, _ = narrowed(services, caller, PAGE)
        except SolocronError as error:
            return turned_away(services, gate, problem_of(error))
        except Problem as problem:
            return turned_away(services, gate, problem)
        holder = caller if services.entrance.guarded and gate.cookie.read(request) else None
        writes = caller.has(Scope.JOBS_WRITE) and caller.tags([Scope.JOBS_WRITE]) is None
        return _index(seen, _search(request.args), holder, writes=writes)

    app.add_url_rule("/", view_func=index, methods=["GET"])


def _search(query: Mapping[str, str]) -> Search:
    try:
        state = RunState(query.get("state", ""))
    except ValueError:
        state = None
    q = query.get("q", "").replace("\x00", "").strip()
    return Search(q=q, state=state, cursor=query.get("cursor") or None)


def _index(services: Services, search: Search, caller: Caller | None, *, writes: bool) -> Response:
    status = read_status(services)
    now = status.store.now if status.store else services.clock.now()
    jobs = _jobs(services.readers, search) if status.store else None
    page = render_template(
        "index.html",
        services=services,
        caller=caller,
        status=status,
        since=Moment.of(status.term.acquired_at if status.term else None, now),
        heartbeat=_heartbeat(status, now),
        lateness=_lateness(status),
        jobs=[job_row(job, now) for job in jobs.items] if jobs else [],
        first=search.address(None) if search.cursor else None,
        following=search.address(jobs.next) if jobs and jobs.next else None,
        runs=[run_row(run, now) for run in _newest(status)[:RUNS]],
        channels=_channels(services.readers) if writes and jobs else [],
        search=search,
        results=RESULTS,
        now=absolute(now),
    )
    response = make_response(page)
    if jobs is None:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _jobs(readers: Readers, search: Search) -> Page[Job | BrokenJob] | None:
    which = JobFilter(q=search.q or None, state=search.state)
    try:
        return readers.list_jobs(which, JOBS, search.cursor)
    except InvalidCursor:
        return readers.list_jobs(which, JOBS, None)
    except StoreUnavailable:
        # Gone since the status was read; the next refresh will say so.
        return None


def _channels(readers: Readers) -> list[ChannelRow]:
    """Return the channels; none while the store does not answer."""
    try:
        found = list(readers.list_named(CHANNELS))
    except StoreUnavailable:
        return []
    return [
        ChannelRow(name=one.name)
        if isinstance(one, Broken)
        else ChannelRow(
            name=one.name,
            kind=one.value.kind,
            place=", ".join(one.value.to) if isinstance(one.value, EmailChannel) else one.value.url,
        )
        for one in found
    ]


def _newest(status: Status) -> Sequence[Run]:
    return status.store.newest_runs if status.store else ()


def _heartbeat(status: Status, now: datetime) -> Moment | None:
    """Return when somebody last executed, also if nobody does now."""
    term = status.store.term if status.store else None
    return Moment.of(term.heartbeat_at if term else None, now)


def _lateness(status: Status) -> tuple[str, str] | None:
    late = status.store.lateness if status.store else None
    return None if late is None else (milliseconds(late.median_s), milliseconds(late.p99_s))


def job_row(job: Job | BrokenJob, now: datetime) -> JobRow:
    """Return the line for *job*."""
    if isinstance(job, BrokenJob):
        return JobRow(id=job.id, name=job.name, state="broken", error=job.error)
    schedule, last, state = job.definition.schedule, job.last_run, job_state(job, now)
    return JobRow(
        id=job.id,
        name=job.name,
        state=state,
        target=target_words(job.definition.target),
        schedule=schedule_text(schedule) if schedule else "",
        words=schedule_words(for_job(schedule, job.id)) if schedule else "Only on request",
        pause=_pause(job, now) if state == "paused" else "",
        next_fire=_next_fire(job, now) if state == "active" else None,
        overdue=job.next_fire_at is not None and now - job.next_fire_at > OVERDUE,
        done=is_done(job),
        last_state=last.state if last else "",
        last_at=Moment.of(last.finished_at if last else None, now),
    )


def _next_fire(job: Job, now: datetime) -> Moment | None:
    moment = Moment.of(job.next_fire_at, now)
    if moment is None or job.next_fire_at is None or job.next_fire_at > now:
        return moment
    return replace(moment, text="now")


def _pause(job: Job, now: datetime) -> str:
    if job.paused is None:
        return ""
    until = job.paused.until
    notes = ("" if until is None else f"ends {relative(until, now)}", job.paused.reason)
    return " · ".join(note for note in notes if note)


def run_row(run: Run, now: datetime) -> RunRow:
    """Return the line for *run*."""
    ended = run.finished_at or now
    return RunRow(
        id=run.id,
        job=run.job,
        cause=run.cause.replace("_", " "),
        state=run.state,
        note=note(run),
        due=Moment.of(run.fire_at or run.created_at, now),
        took=duration((ended - run.started_at).total_seconds()) if run.started_at else "",
        live=run.is_live,
        has_output=run.started_at is not None,
    )
