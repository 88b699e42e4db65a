"""ISO 8601 repeating intervals: ``R5/2026-12-01T00:00:00Z/P1M``, read and refused.

Three parts: how often, from when, at which distance.  Whole seconds throughout, since
fire times are.

Rules
-----
1. ``R`` repeats for ever, ``Rn`` *n* times after the first run: n + 1 runs.  ``R0`` is
   one run; only there the duration may be missing.
2. START has seconds, and ``Z`` or an offset; without one it is UTC.  A fraction of a
   second is refused unless it is zero.
3. DURATION takes whole numbers of ``Y M W D`` and, after ``T``, ``H M S``, in this order.
   Weeks go together with the others.  Years are twelve months, weeks seven days.
4. Letters are capital: ``p1m`` is as likely a slip as a month.

Source: ISO 8601-1, and the grammar of Kala's job schedules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.zone import EARLIEST, LATEST

_START = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?",
    re.ASCII,
)
_FRACTION = re.compile(r"\d+[.,]\d+[YMWDHS]", re.ASCII)

#: What an interval looks like, for messages.
EXAMPLE = "R/2026-12-01T00:00:00Z/P1D"

#: Longest distance between two runs, in each of months, days and seconds: 100 years.
_LONGEST = (1200, 36_525, 36_525 * 86400)

#: Longest expression read, characters; the longest that makes sense has about 90.
MAX_LENGTH = 200

#: Digits of the greatest number of repeats; a run each second for longer than there is time.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Interval:
    """A readable interval.

    Attributes:
        repeats: Runs after the first one, None for ever.
        start: Seconds since the epoch.
        offset: START's own, in seconds east of UTC.
        zoned: Whether START says its offset; else it is UTC.
        months, days, seconds: The distance of two runs, applied in this order; all 0
            only if there are no repeats.
    """

    repeats: int | None
    start: int
    offset: int
    zoned: bool
    months: int
    days: int
    seconds: int

    @property
    def elapsed(self) -> bool:
        """Whether the distance is real time only, without calendar parts."""
        return not (self.months or self.days)


def parse_interval(text: str) -> Interval:
    """Read the interval *text*.

    Raises:
        InvalidSchedule: every fault found, each for the field ``expression``.
    """
    if len(text) > MAX_LENGTH:
        fault = f"longer than {MAX_LENGTH} characters; write one such as `{EXAMPLE}`"
        raise InvalidSchedule([Fault("expression", fault)])
    parts = text.split("/")
    if len(parts) != 3:
        raise InvalidSchedule([Fault("expression", _parts_fault(text, parts))])
    faults: list[str] = []
    repeats = _repeats(parts[0], faults)
    start = _start(parts[1], faults)
    months, days, seconds = 0, 0, 0
    if parts[2] or repeats != 0:
        months, days, seconds = _duration(parts[2], faults)
    if faults or start is None:
        raise InvalidSchedule([Fault("expression", fault) for fault in faults])
    moment, zoned = start
    offset = moment.utcoffset()
    assert offset is not None
    epoch = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return Interval(repeats, int(epoch), int(offset.total_seconds()), zoned, months, days, seconds)


def _parts_fault(text: str, parts: list[str]) -> str:
    if len(parts) == 2 and re.fullmatch(r"R0*", parts[0]) and _START.fullmatch(parts[1]):
        fix = f"write `{text}/`" if parts[0] != "R" else f"write `{text}/P1D`, or `R0/{parts[1]}/`"
        return f"the duration is missing: {fix}"
    if len(parts) == 2 and _START.fullmatch(parts[0]):
        return f"the `R` is missing: write `R/{text}`"
    if len(parts) == 2 and _DURATION.fullmatch(parts[1]):
        return f"START is missing: write it in between, as in `{EXAMPLE}`"
    return (
        f"an interval has three parts with `/` in between, not {len(parts)}; "
        f"write R[n]/START/DURATION, as in `{EXAMPLE}`"
    )


def _repeats(text: str, faults: list[str]) -> int | None:
    if text == "R":
        return None
    if re.fullmatch(r"R[0-9]+", text) and len(text.lstrip("R0")) <= _DIGITS:
        return int(text[1:])
    fix = "write `R` for ever, or `R5` for a run and 5 repeats"
    if re.fullmatch(r"[0-9]{0,12}", text):
        fix = f"the `R` is missing: write `R{text}`"
    elif re.fullmatch(r"r[0-9]{0,12}", text):
        fix = f"write `{text.upper()}`"
    elif re.fullmatch(r"R-[0-9]+|R[0-9]+", text):
        fix = "write `R` for ever"
    faults.append(f"repeats `{text}`: {fix}")
    return None


def _start(text: str, faults: list[str]) -> tuple[datetime, bool] | None:
    """Return START, and whether it says its zone."""
    match = _START.fullmatch(text)
    if match is None:
        faults.append(f"START `{text}`: {_start_fix(text)}")
        return None
    wall, fraction, offset = match.groups()
    if fraction and fraction.strip("0"):
        fix = f"{wall}{offset or 'Z'}"
        faults.append(f"START `{text}`: fire times are whole seconds; write `{fix}`")
        return None
    try:
        moment = datetime.fromisoformat(f"{wall}{offset or 'Z'}")
    except ValueError as error:
        faults.append(f"START `{text}`: there is no such date and time ({error}); correct it")
        return None
    if not EARLIEST <= (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() <= LATEST:
        faults.append(f"START `{text}`: lies outside the years 1 to 9999; correct the year")
        return None
    return moment, offset is not None


def _start_fix(text: str) -> str:
    """Say what to write instead of a START of another form."""
    if not text:
        return "is missing; write an instant such as `2026-12-01T00:00:00Z`"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return f"has no time of day; write `{text}T00:00:00Z`"
    fixed = re.sub(r"^(\d{4}-\d\d-\d\d)[ t]", r"\1T", text).replace("z", "Z")
    fixed = re.sub(r"^(.{11}\d\d:\d\d)(?=$|Z|[+-])", r"\1:00", fixed)
    fixed = re.sub(r"([+-]\d\d):?(\d\d)?$", lambda m: f"{m[1]}:{m[2] or '00'}", fixed)
    if _START.fullmatch(fixed):
        return f"write `{fixed}`"
    return "not understood; write an instant such as `2026-12-01T00:00:00Z`"


def _duration(text: str, faults: list[str]) -> tuple[int, int, int]:
    """Return months, days and seconds."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        faults.append(f"duration `{text}`: {_duration_fix(text)}")
        return 0, 0, 0
    if max(map(len, re.findall(r"\d+", text))) > _DIGITS:
        found = tuple(most + 1 for most in _LONGEST)
    else:
        years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in match.groups())
        found = (
            12 * years + months,
            7 * weeks + days,
            3600 * hours + 60 * minutes + seconds,
        )
    if found == (0, 0, 0):
        faults.append(f"duration `{text}`: zero repeats without end; write at least `PT1S`")
    if any(value > most for value, most in zip(found, _LONGEST, strict=True)):
        faults.append(f"duration `{text}`: is longer than 100 years; write `R0` for one run")
    return found[0], found[1], found[2]


def _duration_fix(text: str) -> str:
    if not text:
        return "is missing; write one such as `P1D` or `PT10S` (only `R0/START/` has none)"
    if _DURATION.fullmatch(text):
        if text in ("P", "PT"):
            return "has no parts; write one such as `P1D` or `PT10S`"
        return f"`T` has no hours, minutes or seconds after it; write `{text[:-1]}`"
    fraction = _FRACTION.search(text)
    if fraction is not None:
        if fraction[0].endswith("S"):
            return "seconds are whole ones here, at least `PT1S`"
        return "fractions are not taken; write the next smaller unit, `PT30M` for half an hour"
    if _DURATION.fullmatch(text.upper()):
        return f"write `{text.upper()}`"
    if _DURATION.fullmatch(text.lstrip("+-")):
        return f"time does not run backwards; write `{text.lstrip('+-')}`"
    return "not understood; write `PnYnMnWnDTnHnMnS`, such as `P1M`, `P1D`, `PT1H30M` or `PT10S`"
