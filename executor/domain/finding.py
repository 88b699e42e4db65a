"""What an examination of an installation finds, and what follows from plain figures.

Words
-----
finding
    One thing that was looked at, how it is, and, unless it is well, what to do.
verdict
    ``ok``; ``warning``: it works, and something about it is doubtful; ``fault``: it does not work,
    or will not for long; ``unknown``: it could not be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

#: Difference between two clocks from which on it shows, and from which on it does harm, seconds.
#: Slots are instants: with a clock that is wrong by so much they start early or late by as much.
DOUBTFUL_S: Final = 1.0
HARMFUL_S: Final = 30.0


class Verdict(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` was looked at and is as ``verdict`` and ``message`` say; ``fix`` is what to do."""

    check: str
    verdict: Verdict
    message: str
    fix: str = ""


def ok(check: str, message: str) -> Finding:
    """Return that something is well."""
    return Finding(check, Verdict.OK, message)


def warning(check: str, message: str, fix: str) -> Finding:
    """Return that something is doubtful."""
    return Finding(check, Verdict.WARNING, message, fix)


def fault(check: str, message: str, fix: str) -> Finding:
    """Return that something does not work."""
    return Finding(check, Verdict.FAULT, message, fix)


def unknown(check: str, message: str, fix: str) -> Finding:
    """Return that something could not be looked at."""
    return Finding(check, Verdict.UNKNOWN, message, fix)


def of_clocks(whose: str, theirs: datetime, ours: datetime, margin_s: float) -> Finding:
    """Judge the clock of *whose* server against this machine's, both read within *margin_s*.

    >>> noon = datetime.fromisoformat("2026-12-01T12:00:00+00:00")
    >>> of_clocks("MongoDB", noon, noon.replace(minute=1), 0.1).message
    "this machine's clock is 60.0 s ahead of MongoDB's"
    """
    check = f"clock and {whose}"
    apart = (ours - theirs).total_seconds()
    beyond = max(abs(apart) - margin_s, 0.0)
    if beyond < DOUBTFUL_S:
        return ok(check, f"not more than {max(beyond, margin_s):.1f} s apart")
    words = f"this machine's clock is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'}"
    judge = fault if beyond >= HARMFUL_S else warning
    return judge(check, f"{words} {whose}'s", "run NTP (chrony, systemd-timesyncd) on both")


def of_versions(check: str, versions: Iterable[str], fix: str) -> Finding:
    """Judge the *versions* of something that should be the same everywhere."""
    found = sorted({one for one in versions if one})
    if len(found) > 1:
        return warning(check, f"{' and '.join(found)} side by side", fix)
    return ok(check, found[0] if found else "none is seen")


def version_of(text: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version.

    >>> version_of("3.10.8"), version_of("4.1.0-rc.1")
    ((3, 10, 8), (4, 1, 0))
    """
    numbers: list[int] = []
    for part in text.split("-")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
