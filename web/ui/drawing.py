"""Small charts as SVG shapes: where each rectangle and line goes.  Templates draw them.

Rules
-----
1. Pure numbers, no colours: a shape has a class, the style sheet has the rest.
2. Coordinates are in the units of the chart's own box; the browser scales it.
3. A value that is not nothing is at least :data:`LEAST` high, so that one failure among a
   thousand runs is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Height of the smallest bar, in units of the chart's box.
LEAST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle and the class that gives it its colour."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A stack of bars, and its numbers in words."""

    x: float
    title: str
    bars: tuple[Bar, ...]


def columns(
    stacks: Sequence[Mapping[str, int]], titles: Sequence[str], step: float, height: float
) -> list[Column]:
    """Return one column for each of *stacks* (kind -> number) that holds anything.

    Args:
        titles: of the columns.
        step: from one column to the next; a fifth of it is left free.
        height: of the highest column.
    """
    most = max((sum(stack.values()) for stack in stacks), default=0)
    drawn = []
    for number, (stack, title) in enumerate(zip(stacks, titles, strict=True)):
        if sum(stack.values()):
            x = round(number * step, 2)
            bars = _bars(stack, x, round(step * 0.8, 2), height, most)
            drawn.append(Column(x, title, bars))
    return drawn


def _bars(
    stack: Mapping[str, int], x: float, width: float, height: float, most: int
) -> tuple[Bar, ...]:
    bars, foot = [], height
    for kind, count in stack.items():
        if count:
            high = max(count / most * height, LEAST)
            foot -= high
            bars.append(Bar(kind, x, round(max(foot, 0), 2), width, round(high, 2)))
    return tuple(bars)


def skyline(values: Sequence[int], width: float, height: float) -> str:
    """Return the path of a filled step curve over *values*; empty if all of them are nothing."""
    most = max(values, default=0)
    if not most:
        return ""
    step = width / len(values)
    path = [f"M0 {height:g}"]
    for number, value in enumerate(values):
        y = height - (max(value / most * height, LEAST) if value else 0)
        path.append(f"V{y:.4g}H{(number + 1) * step:.5g}")
    return f"{''.join(path)}V{height:g}Z"
