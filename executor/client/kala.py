"""Kala's jobs as ours, with a report of what is not as it was.  Pure.

Takes what Kala answers at ``/api/v1/job/``; the fork of lovego, which calls the type of a job
``job_type``, too.

Rules
-----
1. A schedule keeps its START: Kala re-phases it with each run, here every run is computed from
   START.  Repeats count from START as well, so a job that is done there is switched off here.
2. Kala identifies jobs by id and lets names repeat.  Here names are unique, and what depends on
   a job names it.
3. Kala never starts a run on schedule while one is going on, and makes up for it afterwards:
   that is a queue of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from executor.client.imported import NO_LIMIT, Imported, Kind, Names, Note
from executor.client.present import references
from executor.domain.errors import InvalidInput
from executor.domain.job import definition_from_document
from executor.domain.kala_texts import delimiters_of, our_interval, our_template
from executor.domain.template import literally

#: Kala's limit of a request that names none, seconds.
_TIMEOUT_S: Final = 30

#: What Kala's templates call what ours call otherwise.
_VALUES: Final = {"Name": "job.name", "Id": "job.id", "Owner": "job.owner"}

_FRACTION: Final = re.compile(r"T\d\d:\d\d:\d\d\.\d+", re.ASCII)
_CALENDAR: Final = re.compile(r"/P(?:\d+Y)?(?:\d+M)|/P\d+Y", re.ASCII)

#: What is different for all jobs.
_FOR_ALL: Final = {
    "drift": (
        "Kala computes a run from the one before, so schedules drift and manual runs move them; "
        "here every run is computed from START"
    ),
    "zone": (
        "Kala counts days and months on its server's clock; here at START's offset, unless "
        "--timezone names a zone"
    ),
    "output": "Kala keeps nothing of what a job says; here it is kept with the run",
    "limit": f"Kala never ends a command; here it is ended after {NO_LIMIT} (`timeout`)",
}

Job = Mapping[str, Any]


def jobs_of(document: object, *, timezone: str = "") -> Imported:
    """Return the jobs of Kala's answer *document* and the report.

    Args:
        timezone: whose days and months count; empty: START's offset.

    Raises:
        ValueError: it is no such answer.
    """
    jobs = _jobs_in(document)
    found = Imported()
    found.notes += [Note(Kind.DIFFERS, code, message) for code, message in _FOR_ALL.items()]
    given = Names()
    names = {key: given.unique(str(job.get("name") or key)) for key, job in jobs.items()}
    for key, job in jobs.items():
        reader = _Reader(job, names[key], names, timezone)
        made = reader.document()
        try:
            definition_from_document(made)
        except InvalidInput as error:
            reasons = "; ".join(f"{fault.field}: {fault.message}" for fault in error.faults)
            reader.note(Kind.REFUSED, "job", f"makes no job: {reasons}")
        else:
            found.add(made)
        found.notes += reader.notes
    _drop_loose(found, names.values())
    return found


def _jobs_in(document: object) -> dict[str, Job]:
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict) or not all(isinstance(job, dict) for job in jobs.values()):
        raise ValueError('is no answer of Kala: `{"jobs": {...}}`, as /api/v1/job/ gives it')
    # In an order that does not depend on Kala's, which differs with each answer.
    order = sorted(jobs, key=lambda key: (str(jobs[key].get("name")), key))
    return {key: jobs[key] for key in order}


def _drop_loose(found: Imported, names: Iterable[str]) -> None:
    """Take jobs out of references that could not be taken themselves."""
    taken = {document["name"] for document in found.documents}
    for document in found.documents:
        lost = {one for _, one in references(document) if one not in taken} & set(names)
        if not lost:
            continue
        message = f"names {', '.join(sorted(lost))}, which could not be taken; left out"
        found.notes.append(Note(Kind.DIFFERS, "reference", message, subject=document["name"]))
        if document.get("on_failure") in lost:
            del document["on_failure"]
        if "after" in document:
            rest = [one for one in document["after"]["jobs"] if one not in lost]
            document["after"] = {**document["after"], "jobs": rest}
            if not rest:
                del document["after"]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class _Reader:
    """Makes one document; what there is to say of it is in ``notes``."""

    def __init__(self, job: Job, name: str, names: Mapping[str, str], timezone: str) -> None:
        self.notes: list[Note] = []
        self._job, self._name, self._names, self._timezone = job, name, names, timezone
        self._delimiters = str(job.get("TemplateDelimiters") or "")

    def note(self, kind: Kind, code: str, message: str) -> None:
        """Say something of this job."""
        self.notes.append(Note(kind, code, message, subject=self._name))

    def document(self) -> dict[str, Any]:
        """Return the job as ours."""
        job = self._job
        found: dict[str, Any] = {"name": self._name}
        if self._name != job.get("name"):
            self.note(Kind.TOLD, "name", f"was {job.get('name')!r} there")
        if job.get("owner"):
            found["owner"] = str(job["owner"])
        if job.get("disabled"):
            found["enabled"] = False
        found |= self._when()
        found["target"] = self._target()
        found |= self._policies()
        return found

    # When ---------------------------------------------------------------------------------

    def _when(self) -> dict[str, Any]:
        parents = [str(one) for one in _list(self._job.get("parent_jobs"))]
        text = str(self._job.get("schedule") or "")
        if parents:
            if text:
                message = f"Kala ignores the schedule `{text}` of a job with parents; left out"
                self.note(Kind.TOLD, "schedule", message)
            return self._after(parents)
        if not text:
            message = "ran once, when it was created; here it runs on request"
            self.note(Kind.DIFFERS, "once", message)
            return {}
        found: dict[str, Any] = {"schedule": self._schedule(text)}
        if self._job.get("is_done"):
            self.note(Kind.TOLD, "done", "is done there; switched off here")
            found["enabled"] = False
        return found

    def _after(self, parents: list[str]) -> dict[str, Any]:
        known = [self._names[one] for one in parents if one in self._names]
        for one in parents:
            if one not in self._names:
                self.note(Kind.DIFFERS, "parent", f"its parent {one} does not exist; left out")
        message = "Kala runs the children of a job one after another, here they start together"
        self.note(Kind.DIFFERS, "children", message)
        return {"after": {"jobs": list(dict.fromkeys(known))}} if known else {}

    def _schedule(self, text: str) -> Any:
        written = our_interval(text)
        if _FRACTION.search(text):
            message = "fire times are whole seconds; START is the next one"
            self.note(Kind.DIFFERS, "fraction", message)
        if re.match(r"R[1-9]", written):
            message = f"`{text.partition('/')[0]}` counts from START here, not the runs that were"
            self.note(Kind.DIFFERS, "repeats", message)
        day = re.search(r"-\d\d-(\d\d)T", written)
        if day and int(day[1]) > 28 and _CALENDAR.search(written):
            message = (
                f"day {day[1]} of a month that is shorter: Kala goes on into the next month and "
                "stays there; here it is the last day, and the right one again in the next"
            )
            self.note(Kind.DIFFERS, "month_end", message)
        if self._timezone:
            return {"kind": "interval", "expression": written, "timezone": self._timezone}
        return written

    # What ---------------------------------------------------------------------------------

    @property
    def _is_remote(self) -> bool:
        # Lovego's name of it is the second; both leave the other one out, or at 0.
        return (self._job.get("type") or self._job.get("job_type")) == 1

    def _target(self) -> dict[str, Any]:
        return self._remote() if self._is_remote else self._local()

    def _local(self) -> dict[str, Any]:
        command = str(self._job.get("command") or "")
        if re.search(r"[$`]", command) and not self._delimiters:
            message = (
                "`$` and backquotes are expanded by Kala itself, here they stay as they are; "
                "write `bash -c '...'` around it"
            )
            self.note(Kind.DIFFERS, "expansion", message)
        return {"kind": "command", "command": self._text(command)}

    def _remote(self) -> dict[str, Any]:
        remote = self._job.get("remote_properties")
        remote = remote if isinstance(remote, dict) else {}
        codes = _list(remote.get("expected_response_codes")) or [200]
        target: dict[str, Any] = {
            "kind": "http",
            "url": self._text(str(remote.get("url") or "")),
            "method": str(remote.get("method") or "GET").upper(),
        }
        headers = self._headers(remote.get("headers"))
        if headers:
            target["headers"] = headers
        if remote.get("body"):
            target["body"] = self._text(str(remote["body"]))
        seconds = remote.get("timeout") or _TIMEOUT_S
        if seconds != _TIMEOUT_S:
            target["timeout"] = f"{seconds}s"
        target["expect"] = [str(code) for code in codes]
        return target

    def _headers(self, given: object) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, values in given.items() if isinstance(given, dict) else ():
            texts = [str(one) for one in _list(values)] or [str(values)]
            if len(texts) > 1:
                message = f"the values of {name} are sent in one header, with commas"
                self.note(Kind.TOLD, "header", message)
            found[str(name)] = literally(", ".join(texts))
        return found

    def _text(self, text: str) -> str:
        """Return *text* with Kala's templates as ours, and everything else as it is."""
        try:
            return our_template(text, delimiters_of(self._delimiters), _VALUES, {})
        except ValueError as error:
            self.note(Kind.DIFFERS, "template", f"{error}; left as it is")
            return literally(text)

    # Policies -----------------------------------------------------------------------------

    def _policies(self) -> dict[str, Any]:
        job = self._job
        skips = bool(job.get("resume_at_next_scheduled_time"))
        found: dict[str, Any] = {
            "misfire": {"policy": "skip"} if skips else {"deadline": None},
            "overlap": {"policy": "queue", "queue": 1},
        }
        retries = job.get("retries")
        if retries:
            # What is no number is refused with the rest, in the words of the definition.
            attempts = min(retries, 1_000) if isinstance(retries, int) else retries
            found["retry"] = {
                "attempts": attempts,
                "delay": "PT0S",
                "backoff": "fixed",
            }
            if attempts != retries:
                self.note(Kind.DIFFERS, "retries", "1,000 retries are the most; taken")
            if job.get("epsilon") and job.get("schedule"):
                found["retry"]["window"] = str(job["epsilon"])
        if not self._is_remote:
            found["timeout"] = NO_LIMIT
        handler = str(job.get("on_failure_job") or "")
        if handler in self._names:
            found["on_failure"] = self._names[handler]
        elif handler:
            self.note(
                Kind.DIFFERS, "handler", f"its failure job {handler} does not exist; left out"
            )
        return found
