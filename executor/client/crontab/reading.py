"""A crontab's lines: variables, comments and entries, as cron takes them apart.  Pure.

Rules
-----
1. A line is blank, a comment, a variable (``NAME = value``) or an entry; blanks in front do not
   matter.  A variable counts for the entries below it.
2. The first ``%`` that has no backslash before it ends the command.  What follows is its
   standard input, where each further ``%`` is a line break; a line break is added at the end.
   ``\\%`` is a percent sign in both parts.
3. Comments that stand right above an entry belong to it, but for drawings, headings of columns
   and entries that were commented out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

#: A variable.  The name may be in quotes; the value may too, then blanks at its ends stay.
_VARIABLE: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s="']+))\s*=\s*(.*?)\s*""", re.S)

_BLANKS: Final = re.compile(r"[ \t]+")

#: Headings and drawings above the columns, as distributions deliver them.
_HEADING: Final = re.compile(
    r"m(?:in(?:ute)?s?)?[\s|]+h(?:our)?s?\b|.*\buser-name\b|[|.`*\s]*-{2,}|\*\s+\*\s+\*", re.I
)

#: Begins like the columns of an entry.
_LIKE_AN_ENTRY: Final = re.compile(r"@[a-z]+\s+\S|(?:[\d*/,~-]+\s+){3}\S+\s+\S+\s+\S", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line that runs something.

    Attributes:
        schedule: the five columns with one blank between, or a name such as ``@daily``.
        user: of the system's format; empty in a user's crontab.
        stdin: what the command reads; None if nothing is said.
        quiet: it began with ``-``, which keeps it out of the system's log.
        variables: in force at this line.
    """

    line: int
    schedule: str
    user: str
    command: str
    stdin: str | None
    quiet: bool
    variables: Mapping[str, str]
    comment: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A line that sets a variable for what follows."""

    line: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that cron does not understand."""

    line: int
    message: str


Line = Entry | Variable | Mistake


def read_lines(text: str, *, system: bool) -> Iterator[Line]:
    """Yield what the lines of a crontab mean; *system*: a sixth column names the user."""
    variables: dict[str, str] = {}
    comment: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r\f\v")
        if stripped.startswith("#"):
            readable = stripped.encode(errors="replace").decode()
            comment = _with_comment(comment, readable.lstrip("#").strip())
            continue
        above, comment = tuple(comment), []
        if not stripped:
            continue
        if not _is_text(stripped):
            yield Mistake(number, "is no text in UTF-8; write the line in UTF-8")
            continue
        if variable := _VARIABLE.fullmatch(stripped):
            name = variable[1] or variable[2] or variable[3] or ""
            variables = {**variables, name: _unquoted(variable[4])}
            yield Variable(number, name, variables[name])
        else:
            yield _entry(number, stripped, system, variables, above)


def _is_text(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_comment(comment: list[str], text: str) -> list[str]:
    """Return the comment so far with one more line; an old entry begins a new one."""
    if _LIKE_AN_ENTRY.match(text):
        return []
    if not re.search(r"\w", text) or _HEADING.match(text):
        return comment
    return [*comment, text]


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _entry(
    number: int, text: str, system: bool, variables: Mapping[str, str], comment: tuple[str, ...]
) -> Entry | Mistake:
    quiet = text.startswith("-")
    text = text.removeprefix("-")
    columns = 1 if text.startswith("@") else 5
    words = _BLANKS.split(text, maxsplit=columns + system)
    if len(words) <= columns + system:
        missing = "a user and a command" if system else "a command"
        return Mistake(number, f"cron wants {columns} columns and {missing}; correct the line")
    command, stdin = _percents(words[-1])
    return Entry(
        line=number,
        schedule=" ".join(words[:columns]),
        user=words[columns] if system else "",
        command=command,
        stdin=stdin,
        quiet=quiet,
        variables=variables,
        comment=comment,
    )


def _percents(text: str) -> tuple[str, str | None]:
    """Return command and standard input, by rule 2.

    >>> _percents(r"date +\\%F%a%b")
    ('date +%F', 'a\\nb\\n')
    """
    command: list[str] = []
    escaped = False
    for place, character in enumerate(text):
        if escaped:
            escaped = False
            if character == "%":
                command.pop()
        elif character == "\\":
            escaped = True
        elif character == "%":
            return "".join(command), _input(text[place + 1 :])
        command.append(character)
    return "".join(command), None


def _input(text: str) -> str | None:
    lines = re.sub(r"\\%|%", lambda found: "\n" if found[0] == "%" else "%", text)
    if not lines:
        return None
    return lines if lines.endswith("\n") else f"{lines}\n"
