"""Kala's jobs as ours, and our jobs as Kala's clients see them.

What we have no place for is kept in the job's labels, below ``kala.``.  So is what a client wrote
where we keep it in other words; it is shown again for as long as it still means what the job
is, and not after somebody has changed the job through another door.

Rules
-----
1. Ids are those of our jobs, with the dashes of a UUID.
2. Names may be the same there.  The first of a name is called so here, the others get a piece
   of their id behind it.
3. A scheduled run never starts while one is going on, and one is made up for it afterwards:
   that is a queue of one.  Of missed runs one is made up for, however late, unless the job is
   to resume at the next scheduled time.
4. A job that was made without a slash at the end of the path is of lovego's fork; to whoever
   leaves it out later as well, it behaves as it does there.
5. Jobs that were made elsewhere are shown as the nearest that Kala could say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from executor.domain.duration import format_duration, parse_duration
from executor.domain.errors import Fault, InvalidJob
from executor.domain.fields import is_job_id
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.kala_texts import delimiters_of, our_interval
from executor.domain.schedule import schedule_from_document
from executor.domain.targets import CommandTarget, HttpTarget
from web.compat import kala_schedules, kala_targets
from web.compat.kala_requests import KalaJob, RemoteProperties
from web.compat.kala_targets import Filling, fixed_values

#: Before the names of our labels.
LABEL: Final = "kala."

#: The only fork that differs.
_LOVEGO: Final = "lovego"

#: What the fork writes where no owner is named.
_NOBODY: Final = "default"

#: Longest text that is kept in a label, characters.
_LONGEST_LABEL: Final = 10_000

#: Go's instant that was never set.
NEVER: Final = "0001-01-01T00:00:00Z"

#: Kala never ends a command; long enough for anything that still does something.
_NO_LIMIT: Final = "P7D"

#: What no name of ours may hold.
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f/?#%\\]+")

#: Characters of a name that are kept when something has to be added to it.
_LONGEST_NAME: Final = 150


def id_of(job_id: str) -> str:
    """Return the id by which Kala's clients know a job.

    >>> id_of("93b65499b17a4a1c8b0a1e1f6a5a7d5e")
    '93b65499-b17a-4a1c-8b0a-1e1f6a5a7d5e'
    """
    return str(UUID(job_id)) if is_job_id(job_id) else job_id


def own_id(text: str) -> str:
    """Return the id of ours that a client means by *text*."""
    plain = text.replace("-", "").lower()
    return plain if is_job_id(plain) else text


def unique_name(wish: str, job_id: str) -> str:
    """Return a name for a job that cannot be called as its maker wishes."""
    kept = _NOT_IN_NAMES.sub("-", wish)[:_LONGEST_NAME].strip()
    return f"{kept}-{job_id[:8]}".strip("-. ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is known of a job that is being made or changed, besides what its client sent.

    Attributes:
        job_id: ours.
        name: what the job is called here.
        tags: those that it must have for its maker to reach it.
        forks: whether it is made by a client of lovego's fork.
    """

    job_id: str
    name: str
    tags: tuple[str, ...] = ()
    forks: bool = False


def document_of(job: KalaJob, making: Making) -> dict[str, Any]:
    """Return *job* as a document of ours.

    Raises:
        InvalidJob: a part of it cannot be said here; names Kala's field.
    """
    filling = _filling(job, making)
    document: dict[str, Any] = {
        "name": making.name,
        "owner": job.owner or (_NOBODY if making.forks else ""),
        "tags": list(making.tags),
        "enabled": not job.disabled,
        "target": kala_targets.from_kala(job, filling),
        "misfire": (
            {"policy": "skip"} if job.resume_at_next_scheduled_time else {"deadline": None}
        ),
        "overlap": {"policy": "queue", "queue": 1},
        "retry": _retry(job),
        "timeout": _NO_LIMIT,
        "labels": _labels(job, making),
    }
    if job.parent_jobs:
        parents = dict.fromkeys(map(own_id, job.parent_jobs))
        document["after"] = {"jobs": list(parents)}
    elif job.schedule:
        document["schedule"] = _schedule_document(job.schedule)
    if job.on_failure_job:
        document["on_failure"] = own_id(job.on_failure_job)
    return document


def _filling(job: KalaJob, making: Making) -> Filling:
    try:
        delimiters = delimiters_of(job.TemplateDelimiters)
    except ValueError as error:
        raise InvalidJob([Fault("TemplateDelimiters", str(error))]) from None
    own_id = id_of(making.job_id)
    fixed = fixed_values(own_id, job)
    return Filling(delimiters, fixed, own_id if making.forks else "")


def _retry(job: KalaJob) -> dict[str, Any]:
    retry: dict[str, Any] = {"attempts": job.retries, "delay": "PT0S", "backoff": "fixed"}
    window = _window(job)
    return retry if window is None else {**retry, "window": format_duration(window)}


def _window(job: KalaJob) -> timedelta | None:
    """Return within which time the runs of *job* are tried again; None: at any."""
    if not job.epsilon or not job.schedule or job.parent_jobs:
        return None
    try:
        return parse_duration(job.epsilon) or None
    except ValueError as error:
        raise InvalidJob([Fault("epsilon", str(error))]) from None


def _labels(job: KalaJob, making: Making) -> dict[str, str]:
    remote = job.remote_properties
    delimited = bool(job.TemplateDelimiters) or making.forks
    found = {
        "name": job.name if job.name != making.name else "",
        "schedule": job.schedule,
        "epsilon": job.epsilon,
        "TemplateDelimiters": job.TemplateDelimiters,
        "command": job.command if delimited and job.kind == 0 else "",
        "url": remote.url if delimited and job.kind == 1 else "",
        "body": remote.body if delimited and job.kind == 1 else "",
        "groupName": job.groupName,
        "content": job.content,
        "fork": _LOVEGO if making.forks else "",
    }
    return {
        f"{LABEL}{name}": text for name, text in found.items() if 0 < len(text) <= _LONGEST_LABEL
    }


# As Kala's clients see it -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Family:
    """The ids of those that a job names and is named by, as Kala's clients know them."""

    parents: tuple[str, ...]
    children: tuple[str, ...]
    handler: str


def kala_name(job: Job) -> str:
    """Return the name that the maker of *job* gave it."""
    return job.definition.labels.get(f"{LABEL}name", job.name)


def is_forks(job: Job) -> bool:
    """Whether *job* was made by a client of lovego's fork."""
    return job.definition.labels.get(f"{LABEL}fork") == _LOVEGO


def job_document(
    job: Job, family: Family, history: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return *job* in Kala's shape; *history* has its ``metadata``, ``stats`` and ``is_done``."""
    definition = job.definition
    shown = _Shown(job)
    return {
        "name": kala_name(job),
        "id": id_of(job.id),
        "command": shown.command(),
        "owner": definition.owner,
        "disabled": not job.is_active(now),
        "dependent_jobs": list(family.children) or None,
        "parent_jobs": list(family.parents) or None,
        "on_failure_job": family.handler,
        "schedule": shown.schedule(),
        "retries": definition.retry.attempts,
        "epsilon": shown.epsilon(),
        "next_run_at": history["next_run_at"],
        "TemplateDelimiters": shown.label("TemplateDelimiters"),
        "resume_at_next_scheduled_time": definition.misfire.policy == "skip",
        "metadata": history["metadata"],
        "type": int(isinstance(definition.target, HttpTarget)),
        "remote_properties": shown.remote(),
        "stats": history["stats"],
        "is_done": history["is_done"],
    }


def additions(job: Job, is_running: bool) -> dict[str, Any]:
    """Return what lovego's fork shows of *job* besides what Kala does."""
    label = _Shown(job).label
    return {
        "job_type": int(isinstance(job.definition.target, HttpTarget)),
        "groupName": label("groupName"),
        "content": label("content"),
        "deleted": bool(label("deleted")),
        "created_at": to_text(job.created_at.replace(microsecond=0)),
        "is_running": is_running,
    }


class _Shown:
    """A job in Kala's words: the client's own, while they still mean the same."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._definition = job.definition
        try:
            self._delimiters = delimiters_of(self.label("TemplateDelimiters"))
        except ValueError:
            self._delimiters = None

    def label(self, name: str) -> str:
        """Return what is kept under *name*; empty if nothing is."""
        return self._definition.labels.get(f"{LABEL}{name}", "")

    def schedule(self) -> str:
        """Return the schedule."""
        given, schedule = self.label("schedule"), self._definition.schedule
        if given and self._definition.after is not None and schedule is None:
            return given  # Kala keeps it, and ignores it
        if given and _means(lambda: _schedule(given) == schedule):
            return given
        return kala_schedules.to_kala(schedule)

    def epsilon(self) -> str:
        """Return within which time a run is tried again."""
        given, window = self.label("epsilon"), self._definition.retry.window
        if given and (window is None or _means(lambda: parse_duration(given) == window)):
            return given
        return "" if window is None else format_duration(window)

    def command(self) -> str:
        """Return what runs."""
        target = self._definition.target
        found = kala_targets.command_of(target, self._delimiters)
        if isinstance(target, CommandTarget) and target.command is not None:
            return self._as_given("command", target.command, found)
        return found

    def remote(self) -> dict[str, Any]:
        """Return what is requested."""
        target = self._definition.target
        found = kala_targets.remote_of(target, self._delimiters)
        if isinstance(target, HttpTarget):
            found["url"] = self._as_given("url", target.url, found["url"])
            found["body"] = self._as_given("body", target.body, found["body"])
        return found

    def _as_given(self, name: str, present: str, otherwise: str) -> str:
        """Return what was given as *name* if that is *present* in our words, else *otherwise*."""
        given = self.label(name)
        if not given:
            return otherwise
        filling = self._filling()
        translate = filling.url if name == "url" else partial(filling.text, name)
        return given if _means(lambda: translate(given) == present) else otherwise

    def _filling(self) -> Filling:
        own_id = id_of(self._job.id)
        remote = kala_targets.remote_of(self._definition.target, self._delimiters)
        known = KalaJob(
            name=kala_name(self._job),
            schedule=self.schedule(),
            epsilon=self.epsilon(),
            retries=self._definition.retry.attempts,
            type=int(isinstance(self._definition.target, HttpTarget)),
            on_failure_job=id_of(self._definition.on_failure or ""),
            remote_properties=RemoteProperties(
                url=self.label("url") or remote["url"],
                method=remote["method"],
                body=self.label("body") or remote["body"],
                timeout=remote["timeout"],
            ),
        )
        fixed = fixed_values(own_id, known)
        return Filling(self._delimiters, fixed, own_id if is_forks(self._job) else "")


def _schedule_document(text: str) -> dict[str, Any]:
    return {"kind": "interval", "expression": our_interval(text)}


def _schedule(text: str) -> object:
    return schedule_from_document(_schedule_document(text))


def _means(same: Callable[[], bool]) -> bool:
    """Return what *same* says; a text that cannot be read means nothing."""
    try:
        return same()
    except ValueError:
        return False
