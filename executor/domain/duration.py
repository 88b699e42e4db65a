"""Durations as people write them: ISO 8601 (``PT30S``, ``P14D``) or short (``30s``, ``1h30m``).

The canonical form is ISO 8601 without calendar parts: years and months have no
fixed length, so they are refused here; weeks and days are 7 times and once 24
hours.  Milliseconds are the finest step, as everywhere in Solocron.
"""

from __future__ import annotations

import re
from datetime import timedelta

_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,3})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_SHORT = re.compile(
    r"(?:(?P<weeks>\d+)w)?\s*(?:(?P<days>\d+)d)?\s*(?:(?P<hours>\d+)h)?\s*(?:(?P<minutes>\d+)m)?"
    r"\s*(?:(?P<seconds>\d+(?:\.\d{1,3})?)s)?",
    re.ASCII,
)

#: No duration of ours needs to be longer; it keeps instant + duration inside datetime's range.
LONGEST = timedelta(days=36_525)


def parse_duration(text: str) -> timedelta:
    """Read *text* as a duration.

    Raises:
        ValueError: neither form matches (the message shows both), or longer than 100 years.

    >>> parse_duration("PT1H30M") == parse_duration("1h30m") == timedelta(minutes=90)
    True
    """
    stripped = text.strip()
    for pattern in (_ISO, _SHORT):
        match = pattern.fullmatch(stripped)
        if match and any(match.groupdict().values()):
            return _bounded(match.groupdict(), text)
    if re.match(r"P\d+[YM]|P\d+Y", stripped, re.IGNORECASE):
        raise ValueError(f"{text!r} counts years or months, whose length varies; write days (P30D)")
    raise ValueError(
        f"{text!r} is not a duration; write ISO 8601 (PT30S, PT5M, P14D) or 30s, 5m, 14d"
    )


def _bounded(parts: dict[str, str | None], text: str) -> timedelta:
    try:
        duration = timedelta(**{unit: float(value) for unit, value in parts.items() if value})
    except OverflowError:
        duration = LONGEST + timedelta(1)
    if duration > LONGEST:
        raise ValueError(f"{text!r} is longer than 100 years")
    return duration


def format_duration(duration: timedelta) -> str:
    """Write *duration* (not negative) in ISO 8601, days and time parts only.

    >>> format_duration(timedelta(days=14)), format_duration(timedelta(seconds=0))
    ('P14D', 'PT0S')
    """
    seconds, milliseconds = duration.seconds, duration.microseconds // 1000
    time = "".join(
        f"{value}{unit}"
        for value, unit in ((seconds // 3600, "H"), (seconds // 60 % 60, "M"))
        if value
    )
    if seconds % 60 or milliseconds:
        time += f"{seconds % 60}{f'.{milliseconds:03}'.rstrip('0') if milliseconds else ''}S"
    if duration.days and not time:
        return f"P{duration.days}D"
    days = f"{duration.days}D" if duration.days else ""
    return f"P{days}T{time or '0S'}"
