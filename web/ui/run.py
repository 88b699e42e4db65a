"""*Run*: one run from its fire time to its end, with what it said, its family, and its buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Response

from executor.domain.errors import JobNotFound, RevisionNotFound, RunNotFound
from executor.domain.job import Definition, Job
from executor.domain.run import Cause, Output, Run, RunState
from executor.domain.writes import BrokenJob
from executor.ports.store import Readers, RunFilter
from web.changes import trigger_job
from web.documents import waits_for
from web.outputs import output_so_far
from web.runs import cancel_run
from web.ui.frame import Shelf, Visit, carried_out, show_live
from web.ui.history import late_s, took_s
from web.ui.moments import span, words
from web.ui.overview import colour_of
from web.ui.runs import WAITS, note
from web.ui.sent import sent

SHELF: Final = Shelf()

#: How soon after a run's end what comes of it is recorded, of its own job and of others, and the
#: newest runs of such a stretch among which that is looked for.
_FOLLOWS_WITHIN: Final = timedelta(hours=1)
_OTHERS_WITHIN: Final = timedelta(minutes=2)
_NEAR: Final = 100

#: Why the run of another job may follow one.
_FOLLOWING: Final = (Cause.DEPENDENCY, Cause.FAILURE_HANDLER)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a run; ``at`` None: it has no instant of its own."""

    kind: str
    name: str
    at: datetime | None
    text: str = ""


@SHELF.add("GET", "/ui/runs/{run}")
def one_run(visit: Visit) -> Response:
    """Show one run."""
    readers = visit.services.readers
    run = readers.get_run(visit.path["run"])
    job = _job(readers, run)
    sends = visit.may("jobs:read") and (run.started_at is not None or run.is_live)
    definition = _definition(readers, run, job) if sends else None
    return show_live(
        visit,
        "ui/run.html",
        "ui/_run.html",
        title=f"Run of {run.job}",
        run=run,
        here=f"/ui/runs/{run.id}",
        has_job=job is not None,
        sent=sent(run, definition) if definition else None,
        steps=list(_steps(run)),
        note=note(run),
        took=took_s(run),
        late=late_s(run),
        progress=_progress(run),
        details=json.dumps(dict(run.details), indent=2, ensure_ascii=False) if run.details else "",
        output=_output(readers, run),
        family=_family(readers, run),
    )


def _job(readers: Readers, run: Run) -> Job | BrokenJob | None:
    with suppress(JobNotFound):
        return readers.find_job(run.job_id)
    return None


def _definition(readers: Readers, run: Run, job: Job | BrokenJob | None) -> Definition | None:
    """Return what *job* was for *run*; None if that is not known any more."""
    if isinstance(job, Job) and job.revision == run.revision:
        return job.definition
    if job is not None:
        with suppress(RevisionNotFound):
            return readers.get_revision(run.job_id, run.revision).definition
    return None


def _steps(run: Run) -> Iterator[Step]:
    """Yield what happened, in the order of time."""
    if run.fire_at is not None:
        yield Step("rest", "due", run.fire_at, "its fire time")
    by = f"by term {run.term}"
    yield Step("rest", "recorded", run.created_at, f"{words(run.cause)}, {by}")
    if run.due_at is not None and run.due_at != run.fire_at:
        yield Step("rest", "not before", run.due_at, f"attempt {run.attempt}")
    if waiting := waits_for(run):
        yield Step("busy", "waiting", None, WAITS[waiting])
    if run.started_at is not None:
        delay = late_s(run)
        late = f", {span(delay)} after its fire time" if delay is not None else ""
        yield Step("busy", "started", run.started_at, f"on {run.executor or 'an executor'}{late}")
    if run.state is RunState.CANCELLING:
        yield Step("busy", "cancelling", None, run.reason or "")
    if not run.is_live:
        length = took_s(run)
        after = f"after {span(length)}" if length is not None else ""
        text = " · ".join(one for one in (after, note(run)) if one)
        yield Step(colour_of(run.state), words(run.state), run.finished_at, text)


def _progress(run: Run) -> float | None:
    """Return how far the run says it is, percent; None if it does not say."""
    told = (run.details or {}).get("progress")
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 100:
        return None
    return float(told)


def _output(readers: Readers, run: Run) -> Output | None:
    """Return what the run has said; of one that goes on nothing: that is followed."""
    if run.started_at is None:
        return None
    return run.output or output_so_far(readers, run)


def _family(readers: Readers, run: Run) -> list[tuple[str, Run]]:
    """Return the runs that this one comes from or that came from it, each with what it is to it."""
    found: list[tuple[str, Run]] = []
    if run.parent_run_id:
        # Retention may have removed it.
        with suppress(RunNotFound):
            found.append(("follows", readers.get_run(run.parent_run_id)))
    for which in _coming_after(run):
        near = readers.list_runs(which, _NEAR, None).items
        found += [("led to", one) for one in reversed(near) if one.parent_run_id == run.id]
    return found


def _coming_after(run: Run) -> Iterator[RunFilter]:
    """Yield among which runs those are that come from *run*."""
    if run.finished_at is None:
        return
    since, end = run.created_at, run.finished_at
    yield RunFilter(job_id=run.job_id, since=since, until=end + _FOLLOWS_WITHIN)
    for cause in _FOLLOWING:
        yield RunFilter(cause=cause, since=since, until=end + _OTHERS_WITHIN)


@SHELF.add("POST", "/ui/runs/{run}/cancel")
def cancel(visit: Visit) -> Response:
    """End the run early."""
    back = f"/ui/runs/{visit.services.readers.get_run(visit.path['run']).id}"
    return carried_out(cancel_run, visit.call(), "It is being cancelled.", back)


@SHELF.add("POST", "/ui/runs/{run}/again")
def run_again(visit: Visit) -> Response:
    """Run the job of the run now, and show the run that comes of it."""
    run = visit.services.readers.get_run(visit.path["run"])
    call = visit.call(job=run.job_id)
    return carried_out(trigger_job, call, "It was started.", f"/ui/runs/{run.id}", page_of)


def page_of(run: dict[str, Any]) -> str:
    """Return the address of the page of *run*, as the API answers it."""
    return f"/ui/runs/{run['id']}"
