"""How a job has fared lately: its newest runs as a sparkline, a plot and a rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from executor.domain.instant import to_text
from executor.domain.run import Cause, Run, RunState
from web.ui.drawing import Bar, Column, columns
from web.ui.moments import span, words
from web.ui.overview import BAD, colour_of

#: Runs in the sparkline of a list.
SPARK: Final = 16

#: The box of a sparkline, in its own units.
SPARK_WIDTH: Final = 128.0
SPARK_HEIGHT: Final = 24.0

#: Height of a bar whose run took no time, as a part of the highest.
_FOOT: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of the runs that were carried out succeeded."""

    good: int
    all: int

    @property
    def percent(self) -> str:
        """In words; rounded down, so that 100 % means every one."""
        return f"{self.good * 1000 // self.all / 10:g} %" if self.all else "-"


def took_s(run: Run) -> float | None:
    """Return for how long *run* was carried out, seconds; None if it was not, or still is."""
    if run.started_at is None or run.finished_at is None:
        return None
    return max((run.finished_at - run.started_at).total_seconds(), 0.0)


def late_s(run: Run) -> float | None:
    """Return how long after its fire time *run* started, seconds; None if it had none, or did not.

    Only of runs on schedule: others are late on purpose.
    """
    if run.started_at is None or run.fire_at is None or run.cause is not Cause.SCHEDULE:
        return None
    return max((run.started_at - run.fire_at).total_seconds(), 0.0)


def rate(runs: Sequence[Run]) -> Rate:
    """Return the success rate of *runs*; skipped and cancelled ones say nothing about the job."""
    good = sum(run.state is RunState.SUCCEEDED for run in runs)
    return Rate(good=good, all=good + sum(run.state in BAD for run in runs))


def sparkline(runs: Sequence[Run]) -> list[Bar]:
    """Return a bar for each of *runs* (newest first), the oldest at the left.

    Its height is the duration, its class how the run stands.
    """
    shown = list(reversed(runs[:SPARK]))
    lengths = [took_s(run) or 0.0 for run in shown]
    longest = max(lengths, default=0.0) or 1.0
    step = SPARK_WIDTH / SPARK
    bars = []
    for number, (run, length) in enumerate(zip(shown, lengths, strict=True), SPARK - len(shown)):
        high = round(SPARK_HEIGHT * (_FOOT + (1 - _FOOT) * length / longest), 2)
        y = round(SPARK_HEIGHT - high, 2)
        bars.append(Bar(colour_of(run.state), round(number * step, 2), y, step * 0.75, high))
    return bars


def in_words(runs: Sequence[Run]) -> str:
    """Say what a sparkline shows."""
    shown = runs[:SPARK]
    bad = sum(run.state in BAD for run in shown)
    number = f"{len(shown)} latest run{'s' if len(shown) != 1 else ''}"
    return f"{number}, {bad} failed" if bad else f"{number}, none failed"


def due(run: Run) -> datetime:
    """Return the instant by which a run is called: its fire time, or when somebody asked for it."""
    return run.fire_at or run.created_at


def points(
    runs: Sequence[Run], took: Mapping[str, float | None], late: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """Return what the script that plots *runs* (newest first) needs of each, the oldest first.

    Args:
        took, late: seconds by run id; they are told as a number and in words.
    """
    return [
        {
            "id": run.id,
            "at": to_text(due(run)),
            "kind": colour_of(run.state),
            "state": words(run.state),
            "took": _told(took[run.id]),
            "late": _told(late[run.id]),
        }
        for run in reversed(runs)
    ]


def _told(length: float | None) -> tuple[float, str] | None:
    return None if length is None else (round(length, 3), span(length))


def plot(
    runs: Sequence[Run], values: Mapping[str, float | None], width: float, height: float
) -> list[Column]:
    """Return a bar for each of *runs* (newest first) that has a value (seconds, by run id)."""
    shown = list(reversed(runs))
    # In microseconds: bars are made of whole numbers.
    stacks = [
        {colour_of(run.state): round((value or 0) * 1e6)}
        for run in shown
        for value in [values[run.id]]
    ]
    titles = [f"{due(run):%Y-%m-%d %H:%M} UTC: {span(values[run.id])}" for run in shown]
    titles = [f"{title}, {words(run.state)}" for title, run in zip(titles, shown, strict=True)]
    return columns(stacks, titles, width / max(len(shown), 20), height)
