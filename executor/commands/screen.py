"""What commands print: tables and facts, on a terminal and into a file or pipe.

Rules
-----
1. On a terminal instants are said as seen from now, states have colours, and what is too wide is
   cut; but never what somebody has to copy.
2. Elsewhere every value is written in full, instants as the API writes them, in columns without
   any marks: what a script reads today it reads tomorrow.  Scripts had better read ``--json``.
3. Texts of the service are texts: nothing in them is taken for an order to the terminal.

``rich`` is imported when something is to be shown on a terminal, and not before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from executor.domain.wording import relative

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: How states of jobs, runs and checks look.
_STYLES: Final[Mapping[str, str]] = {
    "active": "green",
    "succeeded": "green",
    "executing": "green",
    "ok": "green",
    "running": "cyan",
    "cancelling": "yellow",
    "pending": "blue",
    "paused": "yellow",
    "cancelled": "yellow",
    "warning": "yellow",
    "skipped": "dim",
    "disabled": "dim",
    "unknown": "dim",
    "failed": "bold red",
    "timed_out": "bold red",
    "lost": "bold red",
    "broken": "bold red",
    "fault": "bold red",
    "no_executor": "bold red",
    "store_unavailable": "bold red",
}

#: Blanks between two columns.
_GAP: Final = 2

#: Characters of a value that are shown in the narrowest column.
_LEAST: Final = 4

#: Written where there is nothing.
NOTHING: Final = "-"


class Cell(NamedTuple):
    """One value: in full, and as it is shown on a terminal (the same, if empty)."""

    plain: str
    shown: str = ""
    style: str = ""


class Column(NamedTuple):
    """A column: its heading, and whether its values must not be cut, or may be folded.

    What is ``spare`` is left out of a terminal that is too narrow for all of them.
    """

    heading: str
    whole: bool = False
    folds: bool = False
    spare: bool = False


def state(word: str | None, more: str | None = None) -> Cell:
    """Return a state, with a reason or the like behind it."""
    if not word:
        return Cell(NOTHING, style="dim")
    text = f"{word} ({more})" if more else word
    return Cell(text, text.replace("_", " "), _STYLES.get(word, ""))


def instant(text: str | None, now: datetime, *, both: bool = False) -> Cell:
    """Return an instant of the API; on a terminal seen from *now*, with *both* on its clock too."""
    if not text:
        return Cell(NOTHING, style="dim")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return Cell(text)
    seen = relative(at, now)
    if both:
        seen = f"{at.astimezone().strftime('%a %Y-%m-%d %H:%M:%S %Z')} ({seen})"
    return Cell(text, seen)


def text(value: object) -> Cell:
    """Return any other value."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Cell(NOTHING, style="dim") if value in (None, "", [], {}) else Cell(written)


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table; one without rows has its headings all the same."""
    listed = [list(row) for row in rows]
    if sys.stdout.isatty():
        console = _console()
        console.print(table_of(columns, listed, console.width))
        return
    lines = [[column.heading for column in columns], *([_one_line(c) for c in r] for r in listed)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (value.ljust(width) for value, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def show_facts(facts: Iterable[tuple[str, Cell]]) -> None:
    """Print one fact a line: its name, then its value."""
    listed = list(facts)
    width = max((len(name) for name, _ in listed), default=0)
    if sys.stdout.isatty():
        _console().print(facts_table(listed))
        return
    for name, cell in listed:
        lines = cell.plain.splitlines() or [""]
        click.echo(f"{name:<{width}}  {lines[0]}".rstrip())
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {line}".rstrip())


def facts_table(facts: Sequence[tuple[str, Cell]]) -> Table:
    """Return the facts as rich shows them."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, cell in facts:
        table.add_row(name, rich_text(cell))
    return table


def table_of(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], room: int) -> Table:
    """Return rows as rich shows them; *room*: characters in a line of the terminal."""
    from rich.table import Table

    longest = [
        max([len(column.heading), *(len(row[place].shown or row[place].plain) for row in rows)])
        for place, column in enumerate(columns)
    ]
    is_narrow = sum(longest) + _GAP * (len(columns) - 1) > room
    left = [place for place, one in enumerate(columns) if not (one.spare and is_narrow)]
    widths = _fitting(
        {place: longest[place] for place in left},
        {place for place in left if columns[place].whole},
        room - _GAP * (len(left) - 1),
    )
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for place in left:
        column = columns[place]
        table.add_column(
            column.heading,
            no_wrap=not column.folds,
            overflow="fold" if column.folds else "ellipsis",
            width=widths[place],
        )
    for row in rows:
        table.add_row(*(rich_text(row[place]) for place in left))
    return table


def _fitting(longest: Mapping[int, int], whole: Set[int], room: int) -> dict[int, int]:
    """Return how wide each column is: the widest ones that may be cut give way."""
    widths = dict(longest)
    flexible = [place for place in widths if place not in whole]
    while flexible and sum(widths.values()) > room:
        widest = max(flexible, key=lambda place: widths[place])
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    return widths


def rich_text(cell: Cell) -> Text:
    """Return a value as rich shows it, by rule 3."""
    from rich.text import Text

    shown = cell.shown or cell.plain
    return Text("".join(c if c.isprintable() or c == "\n" else "?" for c in shown), cell.style)


def _one_line(cell: Cell) -> str:
    return " ".join(cell.plain.split())


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


@contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many of *total* are done; a bar beside the output, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(words, total=total)
        yield lambda done: shown.update(task, completed=done)


def show_json(document: Any) -> None:
    """Print what the API has answered."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(words: str) -> None:
    """Tell people how it goes, beside what the command prints."""
    click.echo(words, err=True)


def now() -> datetime:
    """Return the instant that everything is seen from."""
    return datetime.now(UTC)
