"""JSON as the events of a YAML parser, so that one reader keeps the lines of both.

Stricter than YAML, which takes most JSON, and right where YAML is not: a tab is white space,
``\\ud83d\\ude00`` is one character, and ``\\/`` is a slash.  Several texts may follow one
another, as in JSON Lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any, Final

import yaml

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_WORD: Final = re.compile(r"true|false|null")
_LINE_END: Final = re.compile("\n")


class JsonError(Exception):
    """A text that is no JSON, and the line (from 1) where that shows."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


def json_events(text: str) -> Iterator[Any]:
    """Yield the events of the JSON documents in *text*.

    Raises:
        JsonError: it is none, when the place is reached.
    """
    return _Scanner(text).documents()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [found.start() for found in _LINE_END.finditer(text)]

    def documents(self) -> Iterator[Any]:
        """Yield the events of every document."""
        while self._peek():
            yield yaml.DocumentStartEvent(self._mark(), None)
            yield from self._value()
            yield yaml.DocumentEndEvent(self._mark(), None)

    def _value(self) -> Iterator[Any]:
        """Yield the events of one value; nested ones without recursion."""
        closers: list[str] = []
        while True:
            if self._peek() in {"{", "["}:
                closers.append("}" if self._peek() == "{" else "]")
                yield self._opening()
                if self._peek() != closers[-1]:
                    yield from self._key(closers)
                    continue
            else:
                yield self._scalar()
            while closers and self._peek() == closers[-1]:
                yield self._closing(closers.pop())
            if not closers:
                return
            if self._peek() != ",":
                raise self._error(f"write `,` or `{closers[-1]}`")
            self._at += 1
            yield from self._key(closers)

    def _key(self, closers: list[str]) -> Iterator[Any]:
        """Yield the key that comes next, if an object is open."""
        if closers[-1] == "]":
            return
        if self._peek() != '"':
            raise self._error("write a key in double quotes")
        yield self._string()
        if self._peek() != ":":
            raise self._error("write `:` after the key")
        self._at += 1

    def _opening(self) -> Any:
        is_object = self._text[self._at] == "{"
        kind = yaml.MappingStartEvent if is_object else yaml.SequenceStartEvent
        event = kind(None, None, True, self._mark(), None)
        self._at += 1
        return event

    def _closing(self, closer: str) -> Any:
        kind = yaml.MappingEndEvent if closer == "}" else yaml.SequenceEndEvent
        event = kind(self._mark(), None)
        self._at += 1
        return event

    def _scalar(self) -> Any:
        if self._peek() == '"':
            return self._string()
        found = _NUMBER.match(self._text, self._at) or _WORD.match(self._text, self._at)
        if not found:
            raise self._error("write a value")
        mark = self._mark()
        self._at = found.end()
        return yaml.ScalarEvent(None, None, (True, False), found[0], mark, None)

    def _string(self) -> Any:
        mark = self._mark()
        try:
            value, self._at = scanstring(self._text, self._at + 1, True)
        except JSONDecodeError as error:
            self._at = error.pos
            raise self._error(error.msg) from None
        return yaml.ScalarEvent(None, None, (False, True), value, mark, None, '"')

    def _peek(self) -> str:
        """Return the next character that is no white space; empty at the end."""
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._ends, self._at - 1)

    def _mark(self) -> Any:
        return yaml.Mark("", self._at, self._line(), 0, None, 0)

    def _error(self, message: str) -> JsonError:
        shown = self._text[self._at : self._at + 20].partition("\n")[0]
        return JsonError(self._line() + 1, f"{message} instead of `{shown}`")
