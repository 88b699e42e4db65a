"""How runs are shown: a row of a list, and all that is known of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from executor.commands import screen
from executor.commands.screen import Cell, Column
from executor.domain.wording import duration

RUN_COLUMNS: Final = (
    Column("RUN", whole=True),
    Column("JOB"),
    Column("STATE"),
    Column("DUE"),
    Column("TOOK"),
    Column("CAUSE", spare=True),
)

#: What is shown of one run, in this order, where there is anything.
_FACTS: Final = (
    *("executor", "term", "attempt", "exit_code", "http_status", "error", "details"),
    *("retry_after", "covers", "parent_run_id", "trigger_id", "job_id"),
)

_ONE: Final = ("covers", 1)


def run_row(run: dict[str, Any], now: datetime) -> list[Cell]:
    """Return a run as a row of a list."""
    return [
        Cell(run["id"]),
        Cell(run["job"]),
        screen.state(run["state"], run["reason"] or run["waiting"]),
        screen.instant(run["fire_at"] or run["created_at"], now),
        _took(run, now),
        Cell(run["cause"]),
    ]


def _took(run: dict[str, Any], now: datetime) -> Cell:
    if not run["started_at"]:
        return Cell(screen.NOTHING, style="dim")
    began = datetime.fromisoformat(run["started_at"])
    ended = datetime.fromisoformat(run["finished_at"]) if run["finished_at"] else now
    seconds = max((ended - began).total_seconds(), 0.0)
    return Cell(f"{seconds:.3f}", duration(seconds))


def run_facts(run: dict[str, Any], now: datetime) -> list[tuple[str, Cell]]:
    """Return all that is known of a run."""
    facts = [
        ("run", Cell(run["id"])),
        ("job", Cell(run["job"])),
        ("state", screen.state(run["state"], run["reason"] or run["waiting"])),
        ("cause", Cell(run["cause"])),
    ]
    for name in ("fire_at", "created_at", "started_at", "finished_at"):
        if run[name]:
            facts.append((name, screen.instant(run[name], now, both=True)))
    if run["started_at"]:
        facts.append(("took", _took(run, now)))
    # Of one slot only itself: that goes without saying.
    known = [name for name in _FACTS if run[name] not in (None, {}) and (name, run[name]) != _ONE]
    return facts + [(name, screen.text(run[name])) for name in known]
