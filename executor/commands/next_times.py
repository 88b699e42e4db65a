"""``solocron next``: when a schedule would fire; no service is needed."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from executor.commands import screen
from executor.commands.screen import Cell, Column
from executor.commands.service import FAILED, ServiceCommand
from executor.domain.errors import InvalidSchedule
from executor.domain.instant import from_text, to_text
from executor.domain.preview import clock_name, describe, upcoming, warnings
from executor.domain.schedule import Schedule, schedule_from_document


@click.command("next", cls=ServiceCommand)
@click.argument("expression")
@click.option("--tz", metavar="ZONE", help="The clock it goes by, as Europe/Berlin; else UTC.")
@click.option("--dialect", metavar="NAME", help="cron5 (the default), cron6s or quartz.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--after", metavar="INSTANT", help="From when to look; else from now.")
@click.option("--json", "as_json", is_flag=True, help="Print what the API would answer.")
def next_times(
    expression: str,
    tz: str | None,
    dialect: str | None,
    count: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Say when a schedule fires next, and what may surprise about it.

    EXPRESSION is that of cron or a repeating interval.  No service is asked.

    \b
    Examples:
      solocron next "30 2 * * *" --tz Europe/Berlin
      solocron next "0 0 9 ? * MON-FRI" --dialect quartz -n 10
      solocron next R/2026-12-01T00:00:00Z/PT90M --json
    """
    try:
        start = screen.now() if after is None else from_text(after)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--after") from None
    try:
        schedule = schedule_from_document(_document(expression, tz, dialect))
    except InvalidSchedule as error:
        options = {"timezone": "--tz", "dialect": "--dialect", "expression": "EXPRESSION"}
        for fault in error.faults:
            screen.say(f"solocron: {options.get(fault.field, fault.field)}: {fault.message}")
        sys.exit(FAILED)
    times = upcoming(schedule, start, count)
    if as_json:
        screen.show_json(_preview(schedule, times, start))
        return
    click.echo(f"{describe(schedule)}  ({clock_name(schedule)})\n")
    columns = (Column("LOCAL", whole=True), Column("UTC", whole=True), Column("SEEN FROM NOW"))
    now = screen.now()
    screen.show_table(columns, [_row(utc, local, now) for utc, local in times])
    # Clock changes are told for two years; the next one of each kind says it all.
    notes = {one.code: one for one in reversed(warnings(schedule, start))}
    for note in reversed(notes.values()):
        screen.say(f"\nNote: {note.message}")


def _document(expression: str, tz: str | None, dialect: str | None) -> dict[str, Any]:
    """Return the schedule's document; what is no interval is cron's."""
    is_interval = expression.startswith("R") and "/" in expression
    document = {"kind": "interval" if is_interval else "cron", "expression": expression}
    options = {"timezone": tz, "dialect": dialect}
    return document | {name: value for name, value in options.items() if value is not None}


def _row(utc: datetime, local: datetime, now: datetime) -> list[Cell]:
    seen = screen.instant(to_text(utc), now)
    return [Cell(local.strftime("%a %Y-%m-%d %H:%M:%S %z")), Cell(to_text(utc)), Cell(seen.shown)]


def _preview(
    schedule: Schedule, times: list[tuple[datetime, datetime]], start: datetime
) -> dict[str, Any]:
    """Return the document of ``POST /v1/schedules/preview``."""
    return {
        "description": describe(schedule),
        "fire_times": [
            {"utc": to_text(utc), "local": local.isoformat(timespec="seconds")}
            for utc, local in times
        ],
        "warnings": [
            {"code": warning.code, "message": warning.message}
            for warning in warnings(schedule, start)
        ],
    }
