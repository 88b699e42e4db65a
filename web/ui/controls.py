"""One field of the form in which a job is written, and the ways to make one.

A control knows where its value stands in the definition, how it is written and what is said about
it; pages only lay them out.  All of them are listed in ``sheet``.

Words
-----
part
    Something of which there are kinds: the schedule and the target.  Each kind has controls of its
    own, all of them on the page, and those of the chosen one are shown and read.
row
    One of a list of objects: a rule of ``notify``, a calendar.  Controls of rows are named within
    the row, as ``channel``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from web.ui.notations import CHOICE, CHOICES, DURATION, FLAG, OPTIONAL, TEXT, WHOLE, Notation

#: What can be chosen: the value, and how it is said.
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field of the form.

    Attributes:
        path: where its value stands in the definition: ``target.url``.
        kind: the kind of its part that it belongs to; empty: it is always there.
        label: what it is called; ``hint``: what is said below it, with code in backticks.
        example: shown while it is empty: what holds then, or what one may write.
        widget: ``text``, ``area``, ``pick`` (a list to choose from), ``flag`` or ``flags``.
        mono: its letters matter one by one.
        wide: it takes a whole line.
        default: what is chosen if the definition says nothing.
        names: the list of suggestions that it has, if any.
    """

    path: str
    label: str
    kind: str = ""
    hint: str = ""
    example: str = ""
    notation: Notation = TEXT
    widget: str = "text"
    options: Options = ()
    default: Any = None
    mono: bool = False
    wide: bool = False
    names: str = ""

    @property
    def name(self) -> str:
        """What it is called in the form: its path, with the kind in between."""
        part, _, rest = self.path.partition(".")
        return f"{part}.{self.kind}.{rest}" if self.kind else self.path

    @property
    def part(self) -> str:
        """The outermost field that its value stands in."""
        return self.path.partition(".")[0]

    @property
    def place(self) -> tuple[str, ...]:
        """The path, step by step."""
        return tuple(self.path.split("."))

    def in_row(self, rows: str, number: int) -> Control:
        """Return the same control in row *number* of the list *rows*."""
        return replace(self, path=f"{rows}.{number}.{self.path}")


def text(path: str, label: str, **about: Any) -> Control:
    """Return a control for a line of text."""
    return Control(path=path, label=label, **about)


def area(path: str, label: str, notation: Notation, **about: Any) -> Control:
    """Return a control for several lines."""
    about.setdefault("mono", True)
    return Control(path=path, label=label, notation=notation, widget="area", wide=True, **about)


def optional(path: str, label: str, **about: Any) -> Control:
    """Return a control for a line of text, or null."""
    return Control(path=path, label=label, notation=OPTIONAL, **about)


def whole(path: str, label: str, **about: Any) -> Control:
    """Return a control for a whole number."""
    return Control(path=path, label=label, notation=WHOLE, **about)


def duration(path: str, label: str, **about: Any) -> Control:
    """Return a control for a duration."""
    about.setdefault("notation", DURATION)
    return Control(path=path, label=label, **about)


def pick(path: str, label: str, options: Options, **about: Any) -> Control:
    """Return a control for one of several; the first is the default."""
    return Control(
        path=path,
        label=label,
        notation=CHOICE,
        widget="pick",
        options=options,
        default=options[0][0],
        **about,
    )


def flag(path: str, label: str, default: bool, **about: Any) -> Control:
    """Return a control for whether something is so."""
    about.setdefault("wide", True)
    return Control(path=path, label=label, notation=FLAG, widget="flag", default=default, **about)


def flags(
    path: str, label: str, options: Options, default: tuple[str, ...], **about: Any
) -> Control:
    """Return a control for any of several."""
    return Control(
        path=path,
        label=label,
        notation=CHOICES,
        widget="flags",
        options=options,
        default=default,
        wide=True,
        **about,
    )
