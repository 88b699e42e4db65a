"""How values of the usual forms are read: numbers, durations, choices, names.

Each function returns a reader: it takes the text as it was written and returns the value; a
``ValueError`` says what to write instead and repeats the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from executor.domain.duration import parse_duration


def integer(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from *least* to *most*."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise ValueError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


def seconds(least: str, most: str) -> Callable[[str], float]:
    """Return what reads a duration from *least* to *most*, or a bare number of seconds."""

    def read(text: str) -> float:
        plain = re.fullmatch(r"[0-9]+(\.[0-9]{1,3})?", text)
        duration = parse_duration(f"{text}s" if plain else text)
        if not parse_duration(least) <= duration <= parse_duration(most):
            raise ValueError(f"{text!r} is not between {least} and {most}")
        return duration.total_seconds()

    return read


def choice(options: type[StrEnum]) -> Callable[[str], StrEnum]:
    """Return what reads one of *options*, in capitals or not."""

    def read(text: str) -> StrEnum:
        try:
            return options(text.lower())
        except ValueError:
            raise ValueError(f"{text!r} is not one of {', '.join(options)}") from None

    return read


def name(pattern: str, rule: str) -> Callable[[str], str]:
    """Return what reads a text that fits *pattern*; *rule* says that in words."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} does not fit; use {rule}")
        return text

    return read
