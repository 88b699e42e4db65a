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
    as a short form (a cron expression).

Rules
-----
1. The next fire time is strictly later than the instant asked about: feeding a fire time
   back yields the following one, so a loop cannot fire twice for one instant.
2. "Never again" is None, not an error, and is found in bounded time.
3. Every fault of a document is reported at once, under the path of its field.
4. A kind of schedule is a module with a frozen dataclass and an entry in ``_KINDS``.  Its
   fields are the document's; creating it raises :class:`InvalidSchedule`; ``slots()``
   returns an object with ``next_epoch``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

from executor.domain.cron import DayRule, Dialect
from executor.domain.cron_schedule import CronSchedule, CronSlots, Fold, Gap
from executor.domain.errors import Fault, InvalidSchedule

__all__ = [
    "CronSchedule",
    "DayRule",
    "Dialect",
    "Fold",
    "Gap",
    "Schedule",
    "fire_times",
    "next_after",
    "next_epoch",
    "schedule_from_document",
    "schedule_to_document",
]

Schedule: TypeAlias = CronSchedule
_Slots: TypeAlias = CronSlots

_KINDS: dict[str, type[Schedule]] = {kind.kind: kind for kind in (CronSchedule,)}

#: For each kind its fields, in order, and whether each has to be given.
_FIELDS = {
    name: {field.name: field.default is MISSING for field in fields(kind)}
    for name, kind in _KINDS.items()
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

#: Schedules kept in compiled form and shared, about 0.5 KB each.
_KEPT = 32768


@lru_cache(maxsize=_KEPT)
def _slots(schedule: Schedule) -> _Slots:
    return schedule.slots()


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
    found = next_epoch(schedule, _epoch(after))
    return None if found is None else _instant(found)


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
    return (moment - _EPOCH) // _SECOND


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
kind, expression, dialect, timezone, gap, fold, dom_dow, engine; expression: hour `25`: \
`25` is out of range; write 0-23
    """
    if isinstance(document, str):
        return _shared(CronSchedule(document))
    if not isinstance(document, Mapping):
        raise InvalidSchedule(
            [Fault("", "a schedule is an object with `kind`, or a cron expression as a string")]
        )
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
