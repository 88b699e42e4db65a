"""*Job*: what one job is, how it fares, when it fires, what it was, and why it did not run.

What changes something is carried out by the API's own handlers, so a form and a program are held
to the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from flask import Response

from executor.domain.difference import differences
from executor.domain.errors import Fault
from executor.domain.instant import to_text
from executor.domain.job import Definition, Job, definition_to_document
from executor.domain.preview import ScheduleWarning, schedule_text, upcoming, warnings
from executor.domain.run import Run
from executor.domain.schedule import for_job
from executor.domain.writes import BrokenJob
from executor.ports.store import Readers, RunFilter
from web.changes import PauseRequest, pause_job, resume_job, trigger_job
from web.closures import closures
from web.documents import is_done, job_state
from web.explanations import explained
from web.problems import unprocessable
from web.revisions import restore_revision
from web.ui.definition import policies, target_words, when_words
from web.ui.frame import Shelf, Visit, carried_out, show_live
from web.ui.history import late_s, plot, points, rate, took_s
from web.ui.overview import HEIGHT, OVERDUE, WIDTH
from web.ui.run import page_of
from web.ui.runs import note
from web.ui.typed import typed_instant
from web.upcoming import upcoming_after

SHELF: Final = Shelf()

#: Newest runs that are plotted, and of those the ones that are listed.
PLOTTED: Final = 60
LISTED: Final = 12

#: Fire times and former revisions that are shown.
TIMES: Final = 8
REVISIONS: Final = 10


@dataclass(frozen=True, slots=True)
class FireTime:
    """A fire time, on the schedule's own clock too, and what is to be noted about it."""

    at: datetime
    local: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A former revision, and what the next one changed: lines of text.

    Attributes:
        at: when it was changed; None if that is not known.
    """

    number: int
    at: datetime | None
    actor: str
    lines: Sequence[str]


@SHELF.add("GET", "/ui/jobs/{job}")
def one_job(visit: Visit) -> Response:
    """Show one job."""
    readers, now = visit.services.readers, visit.services.clock.now()
    job = readers.find_job(visit.path["job"])
    runs = readers.list_runs(RunFilter(job_id=job.id), PLOTTED, None).items
    asked, explanation = visit.text("at"), None
    fault = ""
    if asked and isinstance(job, Job):
        try:
            explanation = explained(readers, job, typed_instant(asked), now)
        except ValueError as error:
            fault = f"{asked[:40]!r} {error}"
    return show_live(
        visit,
        "ui/job.html",
        "ui/_job.html",
        title=job.name,
        job=job,
        broken=isinstance(job, BrokenJob),
        here=f"/ui/jobs/{job.id}",
        asked=asked,
        explanation=explanation,
        fault=fault,
        revisions=_revisions(readers, job),
        **_history(runs),
        **(_about(readers, job, now) if isinstance(job, Job) else {}),
    )


def _history(runs: Sequence[Run]) -> dict[str, Any]:
    lengths = {run.id: took_s(run) for run in runs}
    late = {run.id: late_s(run) for run in runs}
    taken = [length for length in lengths.values() if length is not None]
    delays = [delay for delay in late.values() if delay is not None]
    return {
        "runs": runs[:LISTED],
        "number": len(runs),
        "rate": rate(runs),
        "usual_s": median(taken) if taken else None,
        "longest_s": max(taken, default=None),
        "latest_s": max(delays, default=None),
        "lengths": plot(runs, lengths, WIDTH, HEIGHT),
        "delays": plot(runs, late, WIDTH, HEIGHT),
        "points": points(runs, lengths, late),
        "took": lengths,
        "note": note,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _about(readers: Readers, job: Job, now: datetime) -> dict[str, Any]:
    definition, schedule = job.definition, job.definition.schedule
    return {
        "definition": definition,
        "state": job_state(job, now),
        "done": is_done(job),
        "overdue": job.next_fire_at is not None and now - job.next_fire_at > OVERDUE,
        "target": target_words(definition.target),
        "schedule": schedule_text(schedule) if schedule else "",
        "when": when_words(definition, job.id),
        "named": _named(definition),
        "policies": list(policies(definition)),
        "document": json.dumps(definition_to_document(definition), indent=2, ensure_ascii=False),
        "times": list(_times(readers, job, now)),
        "warnings": _warnings(job, now),
    }


def _named(definition: Definition) -> list[str]:
    """Return the other jobs that the definition names."""
    followed = definition.after.jobs if definition.after else ()
    return [*followed, *([definition.on_failure] if definition.on_failure else [])]


def _times(readers: Readers, job: Job, now: datetime) -> Iterator[FireTime]:
    """Yield the next fire times as things stand, with what the clocks and calendars do to them."""
    schedule, after = job.definition.schedule, upcoming_after(job, now, None)
    if schedule is None or after is None:
        return
    closed = closures(readers, job)
    offset = after.astimezone(schedule.clock()).utcoffset()
    for at, local in upcoming(for_job(schedule, job.id), after, TIMES):
        notes = []
        if local.utcoffset() != offset:
            notes.append(_clock_change(offset, local.utcoffset()))
            offset = local.utcoffset()
        if policy := closed(at):
            notes.append(f"in a blackout: {policy.replace('_', ' ')}")
        yield FireTime(at, local, "; ".join(notes))


def _clock_change(before: timedelta | None, after: timedelta | None) -> str:
    forward = (after or timedelta()) > (before or timedelta())
    return f"the clocks have gone {'forward' if forward else 'back'} since the one before"


def _warnings(job: Job, now: datetime) -> list[ScheduleWarning]:
    schedule = job.definition.schedule
    if schedule is None:
        return []
    # What is said to somebody who is about to make a job does not concern one that is there, and
    # of what happens again and again the next time is enough.
    found = {one.code: one for one in reversed(warnings(for_job(schedule, job.id), now))}
    return [one for code, one in reversed(found.items()) if code not in {"refused", "full_hour"}]


def _revisions(readers: Readers, job: Job | BrokenJob) -> list[Revision]:
    """Return the former revisions, newest first, each with what was changed then.

    What followed the newest one of a broken job is not known: there is no line of that.
    """
    newer, shown = job if isinstance(job, Job) else None, []
    for former in readers.list_revisions(job.id, REVISIONS, None).items:
        if newer is None:
            shown.append(Revision(former.revision, None, "", ("since then its record is broken",)))
        elif former.revision < newer.revision:
            by = newer.last_command.actor if newer.last_command else ""
            lines = list(_changes(former, newer))
            shown.append(Revision(former.revision, newer.updated_at, by, lines))
        else:
            continue
        newer = former
    return shown


def _changes(old: Job, new: Job) -> Iterator[str]:
    before, after = (definition_to_document(one.definition) for one in (old, new))
    for difference in differences(before, after):
        yield from difference.lines()
    if (old.paused is None) is not (new.paused is None):
        yield "resumed" if new.paused is None else f"paused: {new.paused.reason or 'no reason'}"


@SHELF.add("POST", "/ui/jobs/{job}/trigger")
def trigger(visit: Visit) -> Response:
    """Run the job now, and show the run that comes of it."""
    return carried_out(trigger_job, visit.call(), "It was started.", _here(visit), page_of)


@SHELF.add("POST", "/ui/jobs/{job}/pause")
def pause(visit: Visit) -> Response:
    """Let the job rest, with a reason, and until an instant if one is given."""
    until = visit.text("until")
    try:
        end = typed_instant(until) if until else None
    except ValueError as error:
        raise unprocessable([Fault("until", str(error))]) from None
    reason = visit.text("reason")[:1_000]
    request = PauseRequest(reason=reason, by=visit.caller.actor, until=end)
    said = f"It was paused until {to_text(end)}." if end else "It was paused."
    return carried_out(pause_job, visit.call(request), said, _here(visit))


@SHELF.add("POST", "/ui/jobs/{job}/resume")
def resume(visit: Visit) -> Response:
    """End the job's pause."""
    return carried_out(resume_job, visit.call(), "It was resumed.", _here(visit))


@SHELF.add("POST", "/ui/jobs/{job}/revisions/{revision}/restore")
def restore(visit: Visit) -> Response:
    """Make the job what it was."""
    said = f"It is what it was at revision {visit.path['revision']}, from now on."
    return carried_out(restore_revision, visit.call(), said, _here(visit))


def _here(visit: Visit) -> str:
    return f"/ui/jobs/{visit.services.readers.find_job(visit.path['job']).id}"
