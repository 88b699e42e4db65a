"""A job's definition in words: what it does, when, and what happens if something goes wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from executor.domain.duration import format_duration
from executor.domain.job import Definition
from executor.domain.policies import After, Misfire, Overlap, Retry
from executor.domain.preview import clock_name, describe
from executor.domain.schedule import Schedule, for_job
from executor.domain.targets import HttpTarget, MessageTarget, PythonTarget, Target
from executor.domain.watch import WatchedTarget
from web.ui.moments import span

#: What happens to a run that comes due while others of its job are unfinished.
_OVERLAP: Final = {
    "forbid": "the new one is skipped",
    "allow": "the new one starts all the same",
    "replace": "the oldest is cancelled, then the new one starts",
    "queue": "the new one waits for its turn",
}

#: What happens to fire times that nobody was there for.
_MISFIRE: Final = {
    "once": "one run catches up for all of them",
    "latest": "one run catches up for all of them",
    "all": "each of them is caught up, the oldest first",
    "skip": "they are skipped",
}


#: Which end of another job is followed.
_ENDS: Final = {"success": "has succeeded", "failure": "has failed", "finished": "is over"}

#: Other jobs that are named on one line.
_NAMED: Final = 3

#: What tells that a schedule is about the hands of a clock.
_TIME_OF_DAY: Final = re.compile(r"\d\d:\d\d")


#: Describing takes about a millisecond; a page has dozens, and is asked for every few seconds.
@lru_cache(maxsize=4096)
def schedule_words(schedule: Schedule) -> str:
    """Return what *schedule* says, with whose clock it is read on.

    Of UTC that is said only where a time of day is named: beside it stand instants on the viewer's
    clock, which would seem to contradict it.
    """
    words, clock = describe(schedule), clock_name(schedule)
    return words if clock == "UTC" and not _TIME_OF_DAY.search(words) else f"{words}, {clock}"


def when_words(definition: Definition, job_id: str) -> str:
    """Return when the job runs: by its schedule, after other jobs, or only on request."""
    said = []
    if definition.schedule is not None:
        said.append(schedule_words(for_job(definition.schedule, job_id)))
    if definition.after is not None:
        said.append(f"After {_some(definition.after)}")
    return "; ".join(said) or "Only on request"


def _some(after: After) -> str:
    """Return the jobs that are followed, on one line."""
    glue = " and " if after.mode == "all" else " or "
    more = len(after.jobs) - _NAMED
    return glue.join(after.jobs[:_NAMED]) + (f"{glue}{more} more" if more > 0 else "")


def target_words(target: Target) -> str:
    """Return what a run does, on one line."""
    if isinstance(target, HttpTarget):
        return f"{target.method} {target.url}"
    if isinstance(target, PythonTarget):
        return target.callable
    if isinstance(target, MessageTarget):
        return "to a worker"
    if isinstance(target, WatchedTarget):
        return f"pings, within {format_duration(target.grace)}"
    return target.command or " ".join(target.argv or ())


def policies(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield what holds for the job's runs: a question, and the answer."""
    yield "A run may take", span(definition.timeout)
    yield "While an earlier run is unfinished", _overlap(definition.overlap)
    if definition.schedule is not None:
        yield "After an outage or a pause", _misfire(definition.misfire)
    yield "When a run fails", _retry(definition.retry)
    yield "When its outcome is lost", _times(definition.retrigger, "it is not run again")
    if definition.lock:
        yield "Never together with", f"other jobs that have the lock {definition.lock!r}"
    if definition.after is not None:
        yield "Runs after", _after(definition.after)
    if definition.on_failure:
        yield "When its last attempt has failed", f"{definition.on_failure} is run"
    if definition.calendars:
        uses = [f"{use.name} ({use.policy.replace('_', ' ')})" for use in definition.calendars]
        yield "Calendars", ", ".join(uses)
    if definition.notify:
        yield "Tells", f"{len(definition.notify)} channels of what happens"
    yield "Runs are kept", f"the newest {definition.keep_runs:,}, for {span(definition.keep_for)}"


def _after(after: After) -> str:
    """Return which ends of which jobs are followed."""
    if len(after.jobs) == 1:
        return f"{after.jobs[0]}, once it {_ENDS[after.when]}"
    whose = "once each of them" if after.mode == "all" else "whenever one of them"
    return f"{', '.join(after.jobs)}: {whose} {_ENDS[after.when]}"


def _overlap(overlap: Overlap) -> str:
    words = _OVERLAP[overlap.policy]
    return words if overlap.limit == 1 else f"{words}; up to {overlap.limit} run at a time"


def _misfire(misfire: Misfire) -> str:
    words = _MISFIRE[misfire.policy]
    if misfire.deadline is None or misfire.policy == "skip":
        return words
    return f"{words}; what is more than {span(misfire.deadline)} late is skipped"


def _retry(retry: Retry) -> str:
    if not retry.attempts:
        return "it is not tried again"
    longer = ", each time twice as long" if retry.backoff == "exponential" else ""
    return f"it is tried {_often(retry.attempts)} more, after {span(retry.delay)}{longer}"


def _times(number: int, none: str) -> str:
    return f"it is run again, {_often(number)} at most" if number else none


def _often(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
