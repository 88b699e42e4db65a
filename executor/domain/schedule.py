"""When does a job fire?  Every kind of schedule behind the same few functions.

Pure: no clock is read here.  Every function takes the instant it needs, so the caller
owns "now".

Words
-----
schedule
    A frozen value that says when a job is due; equal values have the same fire times.
fire time, slot
    The UTC instant, whole seconds, at which a run is due.  It identifies the run; it is
    not the time the run started.
document
    A schedule as JSON: an object with ``kind`` and the fields of that kind, or a string
    as a short form: a repeating interval if it starts with ``R`` and has a ``/``, else a
    cron expression of five columns.

Rules
-----
1. The next fire time is strictly later than the instant asked about: feeding a fire time
   back yields the following one, so a loop cannot fire twice for one instant.
2. "Never again" is None, not an error, and is found in bounded time.
3. Every fault of a document is reported at once, under the path of its field.
4. A kind of schedule is a module with a frozen dataclass and an entry in ``_KINDS``.  Its
   fields are the document's, but for those that do not show in its repr; creating it
   raises :class:`InvalidSchedule`; ``slots()`` returns an object with ``next_epoch``.
5. A schedule is read without its job.  Whoever asks for the fire times of a job asks
   ``next_after(for_job(schedule, job.id), t)``, since ``H`` depends on it; without that
   the answer is an example.
6. What is valid stays valid: whether a schedule lies in the past is asked once, by
   :func:`creation_faults`, when somebody sets it.
7. A continuous schedule has no fire times: it is the engine that knows when it is due.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

from executor.domain.continuous_schedule import ContinuousSchedule
from executor.domain.cron import DayRule, Dialect
from executor.domain.cron_schedule import CronSchedule, Fold, Gap
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.instant import to_text
from executor.domain.interval_schedule import IntervalSchedule
from executor.domain.once_schedule import OnceSchedule
from executor.domain.schedule_fields import NO_JITTER, Slots, jitter_ms
from executor.domain.spread import draw, share

__all__ = [
    "ContinuousSchedule",
    "CronSchedule",
    "DayRule",
    "Dialect",
    "Fold",
    "Gap",
    "IntervalSchedule",
    "OnceSchedule",
    "Schedule",
    "creation_faults",
    "fire_times",
    "for_job",
    "jitter_of",
    "next_after",
    "next_epoch",
    "schedule_from_document",
    "schedule_to_document",
]

Schedule: TypeAlias = CronSchedule | IntervalSchedule | OnceSchedule | ContinuousSchedule

_KINDS: dict[str, type[Schedule]] = {
    kind.kind: kind for kind in (CronSchedule, IntervalSchedule, OnceSchedule, ContinuousSchedule)
}

#: For each kind its fields, in order, and whether each has to be given.
_FIELDS = {
    name: {field.name: field.default is MISSING for field in fields(kind) if field.repr}
    for name, kind in _KINDS.items()
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NOTHING = timedelta(0)

#: Schedules kept in compiled form and shared, about 0.5 KB each.
_KEPT = 32768


@lru_cache(maxsize=_KEPT)
def _slots(schedule: Schedule) -> Slots:
    return schedule.slots()


def for_job(schedule: Schedule, job_id: str) -> Schedule:
    """Return *schedule* as it is for the job *job_id*: with the values of ``H`` chosen.

    The schedule itself where nothing depends on the job.  The result is written as the
    same document, but it is not equal to *schedule*: compare what the jobs define.
    """
    return _chosen(schedule, job_id) if schedule.hashed else schedule


@lru_cache(maxsize=_KEPT)
def _chosen(schedule: Schedule, job_id: str) -> Schedule:
    return replace(schedule, key=job_id) if isinstance(schedule, CronSchedule) else schedule


def jitter_of(schedule: Schedule, job_id: str, fire_at: datetime) -> timedelta:
    """Return how long after *fire_at* (a slot, aware) the run of the job is to be started.

    Whole milliseconds from 0 up to but not including the schedule's ``jitter``; always
    the same for a job and a slot, on every machine and after every restart.
    """
    if schedule.jitter == NO_JITTER:
        return _NOTHING
    drawn = draw("jitter", job_id, str((fire_at - _EPOCH) // _MILLISECOND))
    return _MILLISECOND * share(drawn, jitter_ms(schedule.jitter) or 1)


def creation_faults(schedule: Schedule, now: datetime) -> list[Fault]:
    """Return why nobody should set *schedule* at *now* (aware), nothing if they may.

    For a job that is made, or whose schedule is replaced by another one.  A job that
    keeps its schedule is never asked: it may have begun, or be over.  Fields are paths
    within the schedule's document.
    """
    if isinstance(schedule, ContinuousSchedule):
        return []
    if isinstance(schedule, OnceSchedule) and schedule.instant() <= now:
        text = f"`{schedule.at}` is not later than now, {to_text(now)}; write a later instant"
        return [Fault("at", text)]
    following = next_after(schedule, now)
    if isinstance(schedule, IntervalSchedule) and schedule.interval().start <= _epoch(now):
        return [Fault("expression", _past_start(schedule, now))]
    if following is not None:
        return []
    if schedule.not_before is not None or schedule.not_after is not None:
        field = "not_before" if schedule.not_after is None else "not_after"
        text = f"no fire time is left within the bounds after {to_text(now)}; write other bounds"
        return [Fault(field, text)]
    text = f"never fires after {to_text(now)}; write another expression"
    if isinstance(schedule, CronSchedule) and not schedule.cron().years:
        text = (
            f"never fires: the clocks of {schedule.timezone} skip every time it asks for; "
            "write another hour"
        )
    return [Fault("expression", text)]


def _past_start(schedule: IntervalSchedule, now: datetime) -> str:
    """Say what to write instead of a START that is not later than *now*."""
    repeats, start, distance = schedule.expression.split("/")
    text = f"START `{start}` is not later than now, {to_text(now)}; write a later one"
    following = next_after(replace(schedule, not_before=None, not_after=None), now)
    if following is None or repeats != "R":
        return text
    return f"{text}, such as `R/{to_text(following)}/{distance}`"


def next_epoch(schedule: Schedule, after_s: int) -> int | None:
    """Return the first fire time strictly later than *after_s*, None if there is none.

    Both in whole seconds since the epoch.  This is the hot path: a few microseconds once
    the schedule was asked before.
    """
    return _slots(schedule).next_epoch(after_s)


def next_after(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first fire time strictly later than *after*.

    Args:
        schedule: Of any kind.
        after: Any aware datetime; naive ones are a bug in the caller.

    Returns:
        An aware UTC datetime without microseconds, or None when nothing is due any more.

    Raises:
        ValueError: *after* is naive.

    Clocks go back: 02:30 occurs twice on 25 October, and only the first one counts.

    >>> nightly = CronSchedule("30 2 * * *", timezone="Europe/Berlin")
    >>> first = next_after(nightly, datetime(2026, 10, 24, 12, tzinfo=UTC))
    >>> first.isoformat(), next_after(nightly, first).isoformat()
    ('2026-10-25T00:30:00+00:00', '2026-10-26T01:30:00+00:00')
    """
    found = _slots(schedule).next_epoch(_epoch(after))
    return None if found is None else datetime.fromtimestamp(found, UTC)


def fire_times(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Return the fire times later than *after* and not later than *until*, in order.

    Raises:
        ValueError: *after* or *until* is naive.
    """
    return map(_instant, _epochs(schedule, _epoch(after), _epoch(until)))


def _epochs(schedule: Schedule, after_s: int, until_s: int) -> Iterator[int]:
    found = next_epoch(schedule, after_s)
    while found is not None and found <= until_s:
        yield found
        found = next_epoch(schedule, found)


def _epoch(moment: datetime) -> int:
    """Return the last whole second not after *moment*."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no instant; attach a zone")
    since = moment - _EPOCH  # a third of the time of dividing by a second
    return since.days * 86400 + since.seconds


def _instant(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def schedule_from_document(document: object) -> Schedule:
    """Read a schedule from its JSON *document*, an object or a short form.

    Equal documents yield the same object, as far as memory allows.

    Raises:
        InvalidSchedule: every fault, each under its path within the document.

    >>> schedule_from_document("*/5 * * * *").timezone
    'UTC'
    >>> schedule_from_document({"kind": "cron", "expression": "0 25 * * *", "tz": "UTC"})
    Traceback (most recent call last):
    executor.domain.errors.InvalidSchedule: tz: unknown field; the fields of `cron` are \
kind, expression, dialect, timezone, gap, fold, dom_dow, jitter, not_before, not_after, \
engine; expression: hour `25`: `25` is out of range; write 0-23
    """
    if isinstance(document, str):
        text = document.strip()
        is_interval = text.startswith("R") and "/" in text
        return _shared(IntervalSchedule(text) if is_interval else CronSchedule(text))
    if not isinstance(document, Mapping):
        text = "a schedule is an object with `kind`, or a cron expression or interval as a string"
        raise InvalidSchedule([Fault("", text)])
    if "kind" not in document:
        raise InvalidSchedule([Fault("kind", f"is missing; write {_known_kinds()}")])
    kind = document["kind"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidSchedule([Fault("kind", f"`{kind}` is not known; write {_known_kinds()}")])
    return _shared(_from_fields(_KINDS[kind], document))


def _known_kinds() -> str:
    return " or ".join(f"`{kind}`" for kind in _KINDS)


def _from_fields(kind: type[Schedule], document: Mapping[Any, object]) -> Schedule:
    known = _FIELDS[kind.kind]
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in document.items():
        if name in known:
            given[name] = value
        elif name != "kind" and len(faults) < 100:  # each is compared with the known fields
            faults.append(Fault(str(name), _unknown_field(str(name), kind.kind, list(known))))
    for name, required in known.items():
        if required:
            given.setdefault(name, None)  # the kind itself says that it is missing
    try:
        schedule = kind(**given)
    except InvalidSchedule as error:
        raise InvalidSchedule([*faults, *error.faults]) from None
    if faults:
        raise InvalidSchedule(faults)
    return schedule


def _unknown_field(name: str, kind: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    fix = f"write `{close[0]}`" if close else f"the fields of `{kind}` are kind, {', '.join(known)}"
    return f"unknown field; {fix}"


@lru_cache(maxsize=_KEPT)
def _shared(schedule: Schedule) -> Schedule:
    return schedule


def schedule_to_document(schedule: Schedule) -> dict[str, object]:
    """Return the canonical JSON document: every field, defaults included."""
    document: dict[str, object] = {"kind": schedule.kind}
    for name in _FIELDS[schedule.kind]:
        value = getattr(schedule, name)
        document[name] = str(value) if isinstance(value, StrEnum) else value
    return document
