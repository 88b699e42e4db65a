"""Kala's reads: one job, all of them, the stats of one, the counts of all.

Each is computed from jobs and runs as they are.  Whoever leaves out the slash at the end of the
path, as lovego's clients do, is told what that fork tells besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.errors import JobNotFound
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Output
from executor.domain.writes import BrokenJob
from executor.ports.store import Readers, RunFilter
from web.compat import lists
from web.compat.kala_history import History, Stat, histories, history_of, text_of
from web.compat.kala_jobs import Family, additions, id_of, job_document, own_id
from web.documents import json_response
from web.problems import Problem
from web.routes import Call

#: As Kala and the fork say it.
JSON: Final = "application/json;charset=UTF-8"
_NO_SUCH_JOB: Final = "The job you requested does not exist"


def kala_response(document: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Write *document* as Kala does."""
    response = json_response(document, status)
    response.headers["Content-Type"] = JSON
    return response


def without_slash(call: Call) -> bool:
    """Whether *call* is made as the fork's clients make it: without a slash at the end."""
    return not call.url.endswith("/")


def no_such_job() -> Problem:
    """Return what answers a request about a job that there is not."""
    return Problem(HTTPStatus.NOT_FOUND, _NO_SUCH_JOB)


def found_job(call: Call) -> Job:
    """Return the job that the path names by its id.

    Raises:
        Problem: 404, there is none; 409, its record cannot be read.
    """
    key = own_id(call.path["job"])
    try:
        job = call.services.readers.find_job(key)
    except JobNotFound:
        raise no_such_job() from None
    if job.id != key:
        raise no_such_job()  # Kala finds no job by its name
    if isinstance(job, BrokenJob):
        detail = f"the record of the job cannot be read: {job.error}; replace or delete it"
        raise Problem(HTTPStatus.CONFLICT, detail)
    return job


def all_jobs(readers: Readers) -> Iterator[Job]:
    """Return every job whose record can be read, by name."""
    return (job for job in lists.all_jobs(readers) if isinstance(job, Job))


def families(jobs: list[Job]) -> Callable[[Job], Family]:
    """Return what tells the family of each of *jobs*, which are all that there are."""
    ids = {job.name: job.id for job in jobs} | {job.id: job.id for job in jobs}
    children: dict[str, list[str]] = {}
    for job in sorted(jobs, key=lambda one: (one.created_at, one.id)):
        for parent in job.definition.after.jobs if job.definition.after else ():
            children.setdefault(ids.get(parent, parent), []).append(id_of(job.id))

    def family(job: Job) -> Family:
        after, handler = job.definition.after, job.definition.on_failure
        parents = [ids[one] for one in after.jobs if one in ids] if after else []
        return Family(
            parents=tuple(map(id_of, parents)),
            children=tuple(children.get(job.id, ())),
            handler=id_of(ids.get(handler, handler)) if handler else "",
        )

    return family


def list_jobs(call: Call) -> Response:
    """Answer with every job, by id."""
    readers = call.services.readers
    jobs = list(all_jobs(readers))
    family, known = families(jobs), histories(readers, RunFilter())
    shown = {
        id_of(job.id): _document(call, job, family(job), known.get(job.id, History()), {})
        for job in jobs
    }
    return kala_response({"jobs": shown})


def read_job(call: Call) -> Response:
    """Answer with one job."""
    job, readers = found_job(call), call.services.readers
    family = families(list(all_jobs(readers)))
    history = history_of(readers, job.id)
    return kala_response(
        {"job": _document(call, job, family(job), history, _responses(call, history))}
    )


def read_stats(call: Call) -> Response:
    """Answer with the finished runs of a job, the oldest first; null if there are none."""
    history = history_of(call.services.readers, found_job(call).id)
    return kala_response({"job_stats": _stats(call, history, _responses(call, history))})


def read_counts(call: Call) -> Response:
    """Answer with figures of all jobs."""
    readers, now = call.services.readers, call.services.clock.now()
    jobs = list(all_jobs(readers))
    known = histories(readers, RunFilter())
    active = [job for job in jobs if job.is_active(now)]
    fires = [known.get(job.id, History()).next_fire(job) for job in active]
    attempts = [one.last_attempt for one in known.values() if one.last_attempt is not None]
    counts = {
        "active_jobs": len(active),
        "disabled_jobs": len(jobs) - len(active),
        "jobs": len(jobs),
        "error_count": sum(one.errors for one in known.values()),
        "success_count": sum(one.successes for one in known.values()),
        "next_run_at": text_of(min(filter(None, fires), default=None)),
        "last_attempted_run": text_of(max(attempts, default=None)),
        "created": to_text(now),
    }
    return kala_response({"Stats": counts})


def _document(
    call: Call, job: Job, family: Family, history: History, responses: dict[str, str]
) -> dict[str, Any]:
    facts = {
        "next_run_at": history.next_run_at(job),
        "metadata": history.metadata(),
        "stats": _stats(call, history, responses),
        "is_done": history.is_done(job),
    }
    document = job_document(job, family, facts, call.services.clock.now())
    return {**document, **(additions(job, history.is_running) if without_slash(call) else {})}


def _stats(call: Call, history: History, responses: dict[str, str]) -> list[dict[str, Any]] | None:
    found = [_stat(call, one, responses) for one in reversed(history.stats)]
    return found or None


def _stat(call: Call, stat: Stat, responses: dict[str, str]) -> dict[str, Any]:
    document = stat.document()
    if without_slash(call):
        document |= stat.additions(responses.get(stat.final.id, ""))
    return document


def _responses(call: Call, history: History) -> dict[str, str]:
    """Return what the runs of one job said, by run, for those who are told."""
    if not without_slash(call):
        return {}
    readers = call.services.readers
    outputs = {one.final.id: readers.get_run(one.final.id).output for one in history.stats}
    return {run_id: _text(output) for run_id, output in outputs.items() if output}


def _text(output: Output) -> str:
    return output.head + output.tail
