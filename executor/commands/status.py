"""``solocron status``: who executes, who could, and how late runs start."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import click

from executor.client.connection import Connection, NoAnswer
from executor.commands import screen
from executor.commands.screen import Cell, Column
from executor.commands.service import (
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)
from executor.domain.wording import duration

#: Seconds between two looks of --watch.
_EVERY_S: Final = 2.0

_COLUMNS: Final = (
    Column("INSTANCE"),
    Column("ROLE"),
    Column("HOST"),
    Column("VERSION"),
    Column("SEEN"),
    Column("DETAIL", folds=True),
)


@click.command("status", cls=ServiceCommand)
@click.option("--watch", is_flag=True, help="Go on looking, until Ctrl-C.")
@as_json
@address
def status(watch: bool, as_json: bool, url: str | None) -> None:
    """Show who executes, who could, and how late runs start.

    The status is 0 if somebody executes, else 1.  With --watch it is shown anew every two seconds,
    also while nobody answers; where there is no terminal, only when something has changed.

    \b
    Examples:
      solocron status
      solocron status --watch
      solocron status --json | jq .lateness
    """
    with failures_shown(), connect(url) as connection:
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(connection, as_json)
            return
        document = connection.get("/v1/status")
    if as_json:
        screen.show_json(document)
    else:
        _show(document)
    sys.exit(0 if document["state"] == "executing" else FAILED)


def _show(document: dict[str, Any]) -> None:
    now = datetime.fromisoformat(document["now"])
    screen.show_facts(_facts(document, now))
    click.echo()
    screen.show_table(_COLUMNS, _rows(document, now))


def _facts(document: dict[str, Any], now: datetime) -> list[tuple[str, Cell]]:
    executor, late = document["executor"] or {}, document["lateness"]
    facts = [("state", screen.state(document["state"]))]
    if executor:
        facts += [
            ("executor", Cell(f"{executor['instance']}, term {executor['term']}")),
            ("since", screen.instant(executor["since"], now, both=True)),
            ("heartbeat", screen.instant(executor["heartbeat_at"], now)),
        ]
    facts += [
        ("token", screen.state(document["token"])),
        ("broker", Cell(document["broker"])),
        ("store", Cell(document["store"])),
        ("jobs", screen.text(_count(document["jobs"]))),
        ("running", screen.text(_count(document["running"]))),
    ]
    if late:
        median, most = duration(late["median_s"]), duration(late["p99_s"])
        words = f"{median} in the median, 99 of 100 within {most}, of {late['runs']} runs"
        facts.append(("lateness", Cell(words)))
    if document["dead_letters"]:
        facts.append(("dead letters", Cell(str(document["dead_letters"]), style="yellow")))
    return [*facts, ("answered by", Cell(f"{document['answered_by']} {document['version']}"))]


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _rows(document: dict[str, Any], now: datetime) -> Iterator[list[Cell]]:
    for one in document["instances"]:
        yield [
            Cell(one["id"]),
            screen.state(one["role"]),
            Cell(one["host"]),
            Cell(one["version"]),
            screen.instant(one["seen_at"], now),
            screen.text(one["detail"]),
        ]


def _watch(connection: Connection, as_json: bool) -> None:
    if sys.stdout.isatty() and not as_json:
        _live(connection)
        return
    before: object = None
    for document, fault in _looks(connection):
        known = fault or (document["state"], document["executor"] and document["executor"]["term"])
        if known == before:
            continue
        before = known
        if fault:
            screen.say(f"solocron: {fault}")
        elif as_json:
            screen.show_json(document)
        else:
            _show(document)


def _live(connection: Connection) -> None:
    """Show it in one place of the terminal."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        for document, fault in _looks(connection):
            if fault:
                live.update(Text(fault, "bold red"), refresh=True)
                continue
            now = datetime.fromisoformat(document["now"])
            facts = screen.facts_table(_facts(document, now))
            table = screen.table_of(_COLUMNS, list(_rows(document, now)), live.console.width)
            live.update(Group(facts, Text(), table), refresh=True)


def _looks(connection: Connection) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what the service says every two seconds, or why it says nothing."""
    while True:
        try:
            yield connection.get("/v1/status"), ""
        except NoAnswer as error:
            yield {}, str(error)
        time.sleep(_EVERY_S)
