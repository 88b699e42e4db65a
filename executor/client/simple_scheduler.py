"""The jobs of simple-scheduler as ours, with a report of what is not as it was.  Pure.

Takes what its API answers at ``/api/jobs``.  Names stay what they are wherever they can: workers
listen to an exchange that is called by the name of the job.  What becomes of each field is the
domain's to say (``executor.domain.simple_scheduler``); here is the report of a whole list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from executor.client.imported import Imported, Kind, Names, Note
from executor.domain.errors import InvalidJob
from executor.domain.fields import is_name
from executor.domain.simple_scheduler import fields_of

#: What is different for all jobs.
_FOR_ALL: Final = {
    "workers": (
        "workers get their messages from here, by the protocol of targets of kind `message`: "
        "tell them the queue and its messages, or use the compatible face"
    ),
    "promises": (
        "`enabled`, `allowConcurrentRuns`, `maxQueueCount` and `heartbeatTimeout` are obeyed "
        "here, as documented there; its scheduler ignores them"
    ),
}

Job = Mapping[str, Any]


def jobs_of(document: object) -> Imported:
    """Return the jobs of the answer *document* (None: there are none) and the report.

    Raises:
        ValueError: it is no such answer.
    """
    jobs = [] if document is None else document
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise ValueError("is no answer of simple-scheduler: a list of jobs, as /api/jobs gives it")
    kept = {str(job.get("name")) for job in jobs if is_name(str(job.get("name")))}
    found, names = Imported(), Names(kept)
    found.notes += [Note(Kind.DIFFERS, code, message) for code, message in _FOR_ALL.items()]
    for job in sorted(jobs, key=lambda one: str(one.get("name"))):
        name = str(job.get("name") or "")
        if name in kept:
            kept.remove(name)  # One that comes twice gets another name.
        else:
            name = names.unique(name)
            message = (
                f"was {job.get('name')!r} there: its workers have to listen to the exchange "
                f"scheduler.job.{name} from now on"
            )
            found.notes.append(Note(Kind.DIFFERS, "name", message, subject=name))
        try:
            made = {"name": name, **_fields(job)}
        except InvalidJob as error:
            found.notes.append(Note(Kind.REFUSED, "job", str(error), subject=name))
        else:
            found.add(made)
    return found


def _fields(job: Job) -> dict[str, Any]:
    """Return what is to be written of *job*: not what is off, or enabled as any job."""
    return {
        name: value
        for name, value in fields_of(job).items()
        if value is not None and (name, value) != ("enabled", True)
    }
