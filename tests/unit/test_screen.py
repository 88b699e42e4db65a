"""What commands print, into a pipe and on a terminal."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime

import pytest

from executor.commands import screen
from executor.commands.screen import Cell, Column

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Terminal(io.StringIO):
    """Standard output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """Return what was printed, without the colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).splitlines()


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Terminal:
    """Make standard output a terminal of so many columns."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    return terminal


COLUMNS = (Column("ID", whole=True), Column("NAME"), Column("CAUSE", spare=True))
ROW = [Cell("f" * 32), Cell("name" * 20), Cell("schedule")]


def test_in_a_pipe_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Every value in full, on one line, without colours."""
    screen.show_table(COLUMNS, [[Cell("a"), Cell("x\ny"), screen.state("failed", "exit 1")]])
    screen.show_table(COLUMNS, [ROW])

    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["ID  NAME  CAUSE", "a   x y   failed (exit 1)"]
    assert said[3].split() == [cell.plain for cell in ROW]


def test_a_narrow_terminal_has_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be copied in full; what can be done without is left out, the rest is cut."""
    terminal = on_terminal(monkeypatch, 80)

    screen.show_table(COLUMNS, [ROW])

    heading, line = terminal.lines()
    assert heading.split() == ["ID", "NAME"]
    assert line.startswith("f" * 32)
    assert line.rstrip().endswith("…")
    assert len(line) <= 80


def test_a_wide_terminal_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column."""
    terminal = on_terminal(monkeypatch, 140)

    screen.show_table(COLUMNS, [ROW])

    assert terminal.lines()[1].split() == [cell.plain for cell in ROW]


def test_texts_give_no_orders_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by escape sequences nor by what rich takes for marks."""
    terminal = on_terminal(monkeypatch, 80)

    screen.show_facts([("name", Cell("\x1b]0;owned\x07[red]x[/red]"))])

    assert "\x1b]" not in terminal.getvalue()
    assert "?]0;owned?[red]x[/red]" in terminal.lines()[0]


def test_an_instant_is_seen_from_now_on_a_terminal_only() -> None:
    """Elsewhere it is as the API writes it."""
    cell = screen.instant("2026-12-01T12:04:00Z", NOON)

    assert (cell.plain, cell.shown) == ("2026-12-01T12:04:00Z", "in 4 min")
    assert screen.instant(None, NOON).plain == "-"
    assert screen.instant("soon", NOON).plain == "soon"


def test_values_are_written_without_marks() -> None:
    """Lists of texts as words, nothing as a dash, the rest as JSON."""
    assert screen.text(["a", "b"]).plain == "a, b"
    assert screen.text([]).plain == "-"
    assert screen.text({"a": 1}).plain == '{"a": 1}'


def test_progress_without_a_terminal_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """A log is not filled with bars."""
    with screen.progress("Running", 3) as tell:
        tell(1)

    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the output, and gone at the end."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    with screen.progress("Running", 3) as tell:
        tell(3)

    assert "3/3" in terminal.getvalue()
