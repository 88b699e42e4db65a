"""``solocron backfill``: fire times of the past, run now."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any, Final

import click

from executor.client.changing import change
from executor.client.connection import Connection, path_of
from executor.commands import screen
from executor.commands.completing import JOB
from executor.commands.screen import Cell, Column
from executor.commands.service import (
    DIFFERS,
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)

#: Seconds between two looks at how far it is.
_EVERY_S: Final = 1.0

#: States of runs that are not over.
_UNFINISHED: Final = ("pending", "running", "cancelling")

#: Most runs of one backfill, and of one list.
_MOST: Final = 1000


@click.command("backfill", cls=ServiceCommand)
@JOB
@click.option("--from", "since", required=True, metavar="INSTANT", help="The first fire time.")
@click.option("--to", "until", required=True, metavar="INSTANT", help="The last one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be run; status 2 if anything.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the runs are over.")
@as_json
@address
def backfill(
    job: str,
    since: str,
    until: str,
    dry_run: bool,
    no_wait: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Run fire times of the past of which there is no record.

    One after another, the oldest first, at most 1,000 at a time; by the schedule as it is now.
    Ctrl-C ends the waiting, and not the runs.  The status is 1 if one of them did not succeed.

    \b
    Examples:
      solocron backfill nightly-report --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z --dry-run
      solocron backfill nightly-report --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z
    """  # noqa: E501
    asked = {"from": since, "to": until, "dry_run": dry_run}
    with failures_shown(), connect(url) as connection:
        began = connection.get("/v1/status")["now"]
        answer = change(connection, "POST", path_of("jobs", job, "backfill"), asked)
        if as_json:
            screen.show_json(answer)
        if dry_run:
            if not as_json:
                _show(answer)
            sys.exit(DIFFERS if answer["would_run"] else 0)
        many = answer["backfilled"]
        if not as_json:
            click.echo(_begun(many, answer["recorded"]))
        if many and not no_wait:
            sys.exit(_wait(connection, job, many, began))


def _begun(many: int, recorded: int) -> str:
    waits = "1 run waits for its turn" if many == 1 else f"{many:,} runs wait for their turns"
    return f"{waits}; {recorded:,} had a record and were left out." if recorded else f"{waits}."


def _show(plan: dict[str, Any]) -> None:
    columns = (Column("FIRE TIME", whole=True), Column("LOCAL", whole=True), Column("WOULD BE RUN"))
    rows = [
        [
            Cell(slot["fire_at"]),
            Cell(slot["local"]),
            Cell("no, there is a record", style="dim") if slot["recorded"] else Cell("yes"),
        ]
        for slot in plan["slots"]
    ]
    screen.show_table(columns, rows)
    if plan["total"] > len(rows):
        screen.say(f"... and {plan['total'] - len(rows):,} more")
    click.echo(f"\n{plan['would_run']:,} of {plan['total']:,} would be run.")


def _wait(connection: Connection, job: str, many: int, began: str) -> int:
    """Show how far it is until all runs are over; return the exit status."""
    with screen.progress("Running", many) as tell:
        while left := _unfinished(connection, job, began):
            tell(max(many - left, 0))
            time.sleep(_EVERY_S)
        tell(many)
    page = _runs(connection, job, began)
    ended = Counter(run["state"] for run in page["items"])
    click.echo(", ".join(f"{count:,} {state}" for state, count in sorted(ended.items())))
    return 0 if set(ended) <= {"succeeded"} else FAILED


def _unfinished(connection: Connection, job: str, began: str) -> int:
    # Not those that are over are counted: they may be removed by the job's `keep_runs`.
    pages = (_runs(connection, job, began, state) for state in _UNFINISHED)
    return sum(len(page["items"]) for page in pages)


def _runs(connection: Connection, job: str, began: str, state: str | None = None) -> Any:
    path = path_of("jobs", job, "runs")
    filters: dict[str, Any] = {"from": began, "state": state}
    return connection.get(path, cause="backfill", limit=_MOST, **filters)
