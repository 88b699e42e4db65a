"""The fields that every kind of schedule has, and reading any field of a schedule.

Words
-----
jitter
    The longest delay of a start after its fire time, spread over the jobs; it never
    changes the fire time, which identifies the slot.
bounds
    ``not_before`` and ``not_after``, both included: slots outside do not exist.

Rules
-----
1. Fields are kept as the text of the document, in canonical form, so that equal
   schedules have equal documents and nothing in a schedule needs encoding.
2. A reader adds what is wrong to a list and goes on, so that all faults come together.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

from executor.domain.duration import format_duration, parse_duration
from executor.domain.errors import Fault
from executor.domain.instant import from_text, to_text

#: The sets of rules this version knows.  A schedule is stored with the one it was made
#: by, so that a later set never changes when an existing job runs.
ENGINES = (1,)

#: Longest jitter: with more, the starts of a daily job would overtake each other.
LONGEST_JITTER = timedelta(days=1)

NO_JITTER = "PT0S"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Slots(Protocol):
    """The fire times of one schedule, compiled.  Safe to share between threads."""

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none.

        Both are whole seconds since the epoch.
        """
        ...


class BoundedSlots:
    """Those of some slots that lie within bounds."""

    __slots__ = ("_first", "_inner", "_last")

    def __init__(self, inner: Slots, first: int | None, last: int | None) -> None:
        """Keep slots from *first* to *last*, seconds since the epoch; None is open."""
        self._inner, self._first, self._last = inner, first, last

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none."""
        if self._first is not None and after_s < self._first:
            after_s = self._first - 1
        found = self._inner.next_epoch(after_s)
        if found is None or (self._last is not None and found > self._last):
            return None
        return found


def bounded(inner: Slots, not_before: str | None, not_after: str | None) -> Slots:
    """Return *inner* within the bounds, which are canonical or None."""
    if not_before is None and not_after is None:
        return inner
    first = None if not_before is None else -(-(from_text(not_before) - _EPOCH) // _SECOND)
    last = None if not_after is None else (from_text(not_after) - _EPOCH) // _SECOND
    return BoundedSlots(inner, first, last)


_E = TypeVar("_E", bound=StrEnum)


def choice(field: str, choices: type[_E], value: object, faults: list[Fault]) -> _E | None:
    """Read one of *choices*."""
    try:
        return choices(str(value))
    except ValueError:
        names = " or ".join(f"`{choice}`" for choice in choices)
        faults.append(Fault(field, f"`{value}` is not known; write {names}"))
        return None


def check_engine(value: object, faults: list[Fault]) -> None:
    """Check that *value* names a set of rules this version knows."""
    if type(value) is not int or value not in ENGINES:
        faults.append(Fault("engine", f"`{value}` is not known to this version; write 1"))


def is_text(field: str, value: object, example: str, faults: list[Fault]) -> bool:
    """Whether *value* is a string, such as *example*."""
    if isinstance(value, str):
        return True
    wrong = "is missing" if value is None else "has to be a string"
    faults.append(Fault(field, f"{wrong}; write one such as `{example}`"))
    return False


def jitter(value: object, faults: list[Fault]) -> str:
    """Read a jitter; canonical is ISO 8601."""
    if value == NO_JITTER:
        return NO_JITTER
    try:
        if not isinstance(value, str):
            raise ValueError("write a duration as text: PT30S, PT5M, 30s, 5m")
        found = parse_duration(value)
        if found > LONGEST_JITTER:
            raise ValueError(f"{value!r} is longer than a day; write at most P1D")
    except ValueError as error:
        faults.append(Fault("jitter", str(error)))
        return NO_JITTER
    return format_duration(found)


@lru_cache(maxsize=1024)
def jitter_ms(text: str) -> int:
    """Return the canonical jitter *text* in milliseconds."""
    return parse_duration(text) // timedelta(milliseconds=1)


def bounds(
    not_before: object, not_after: object, faults: list[Fault]
) -> tuple[str | None, str | None]:
    """Read both bounds; canonical is UTC."""
    if not_before is None and not_after is None:
        return None, None
    first, last = _bound("not_before", not_before, faults), _bound("not_after", not_after, faults)
    if first is not None and last is not None and first > last:
        text = f"`{to_text(last)}` is earlier than not_before `{to_text(first)}`; swap them"
        faults.append(Fault("not_after", text))
    return (
        None if first is None else to_text(first),
        None if last is None else to_text(last),
    )


def _bound(field: str, value: object, faults: list[Fault]) -> datetime | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError("write an instant as text, as 2026-12-01T02:30:00Z, or null")
        return from_text(value)
    except ValueError as error:
        faults.append(Fault(field, str(error)))
        return None
