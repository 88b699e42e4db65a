"""Reading documents: files and folders of YAML and JSON, several documents in each.

YAML is taken apart by PyYAML's parser, and put together here.  A library's own idea of what
``no``, ``12:30`` or ``022`` means would change what people wrote, and none keeps the line of
every field or refuses a key that is given twice.  PyYAML is the YAML project's own, is written
in C where that matters, and its parser is the part that has not changed in ten years.

Rules
-----
1. What has no quotes is read by YAML 1.2's core schema: ``true``, ``null``, ``12`` and ``1.5``,
   each in its usual spellings.  Everything else is text, and so is every key.
2. A key given twice, a tag, a merge key (``<<``) and a number that is not finite are faults.
   An alias stands for what its anchor holds; all of them together may not blow a document up
   beyond :data:`MOST_NODES`.
3. A list as the outermost value holds a document in each of its items.  Empty documents are
   passed over.
4. Of a folder, every ``*.yaml``, ``*.yml`` and ``*.json`` below it is read, in the order of
   their paths; hidden files and folders are not.
5. Reading goes on after a fault as far as it can, so that all of them are reported at once.

Source for rule 1: yaml.org/spec/1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from executor.client.json_events import JsonError, json_events
from executor.client.source import Faulty, Place, Source

#: Deepest nesting of objects and lists, as the service has it.
MAX_DEPTH: Final = 50

#: Most values in one document, those behind aliases counted each time.
MOST_NODES: Final = 100_000

#: Endings of the files that are read in a folder.
ENDINGS: Final = (".yaml", ".yml", ".json")

#: The name that stands for standard input.
STDIN: Final = "-"

_Loader: Final = getattr(yaml, "CLoader", yaml.Loader)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INT: Final = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_BASED: Final = re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)

#: Tags that say what is understood anyway.
_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


def read_all(paths: Iterable[str]) -> list[Source]:
    """Read the documents of *paths*: files, folders, or ``-`` for standard input.

    Raises:
        Faulty: every fault of all of them.
    """
    found: list[Source] = []
    faults: list[Place] = []
    for path in paths:
        for file in _files(path, faults):
            try:
                found += read_text(_text_of(file), str(file), json=str(file).endswith(".json"))
            except Faulty as error:
                faults += error.faults
            except OSError as error:
                faults.append(Place(str(file), 0, "", f"cannot be read: {error.strerror}"))
    if faults:
        raise Faulty(faults)
    return found


def _files(path: str, faults: list[Place]) -> Iterator[str | Path]:
    folder = Path(path)
    if path == STDIN or not folder.is_dir():
        yield path
        return
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in ENDINGS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        faults.append(Place(path, 0, "", f"holds no {', '.join(f'*{one}' for one in ENDINGS)}"))
    yield from files


def _text_of(file: str | Path) -> str:
    data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Faulty([Place(str(file), line, "", "is not UTF-8; save it in UTF-8")]) from None


def read_text(text: str, file: str, *, json: bool = False) -> list[Source]:
    """Read the documents in *text*; *file* is its name for faults.

    Raises:
        Faulty: every fault, as far as it can be read.
    """
    reader = _Reader(file)
    try:
        # Half a surrogate pair, which no file in UTF-8 holds, but a test or a terminal may.
        text.encode()
        reader.read(json_events(text) if json else yaml.parse(text, Loader=_Loader))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        reader.faults.append(Place(file, line, "", "holds half a surrogate pair"))
    except JsonError as error:
        reader.faults.append(Place(file, error.line, "", f"is no JSON: {error}"))
    except yaml.YAMLError as error:
        reader.faults.append(_yaml_fault(error, file))
    except _TooMuchError as error:
        reader.faults.append(Place(file, error.line, "", str(error)))
    if reader.faults:
        raise Faulty(reader.faults)
    return reader.found


def _yaml_fault(error: yaml.YAMLError, file: str) -> Place:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Place(file, 0, "", f"is no YAML: {' '.join(str(error).split())}")
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    said = ", ".join(part for part in parts if part)
    if "alias" in said:
        said += "; a text that begins with `*` needs quotes around it"
    return Place(file, mark.line + 1, "", f"is no YAML: {said} (column {mark.column + 1})")


class _TooMuchError(Exception):
    """A document that nobody wrote by hand."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


class _Reader:
    """Puts documents together from events, YAML's own or those made of JSON."""

    def __init__(self, file: str) -> None:
        self.found: list[Source] = []
        self.faults: list[Place] = []
        self._file = file
        self._events: Iterator[Any] = iter(())
        #: Anchor -> its value, and how many values that is.
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._lines: dict[str, int] = {}
        self._nodes = 0

    def read(self, events: Iterator[Any]) -> None:
        """Read all documents that *events* make."""
        self._events = events
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                first = next(events)
                if isinstance(first, yaml.SequenceStartEvent):
                    self._each()
                else:
                    self._document(first)

    def _each(self) -> None:
        """Read the items of an outermost list as documents."""
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            self._document(event)

    def _document(self, first: Any) -> None:
        self._lines, self._nodes = {"": _line(first)}, 0
        value = self._value(first, "", 0)
        if isinstance(value, dict):
            self.found.append(Source(self._file, value, self._lines))
        elif value is not None:
            self._fault(first, "", "a job is an object: its fields, each as `name: value`")

    def _fault(self, event: Any, path: str, message: str) -> None:
        self.faults.append(Place(self._file, _line(event), path, message))

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            text = f"more than {MOST_NODES:,} values in one document; write fewer aliases"
            raise _TooMuchError(_line(event), text)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            text = f"objects and lists are nested deeper than {MAX_DEPTH} levels"
            raise _TooMuchError(_line(event), text)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                self._fault(event, path, f"`*{event.anchor}` names no anchor before it")
                return None
            value, nodes = self._anchors[event.anchor]
            self._count(event, nodes)
            return value
        before = self._nodes
        self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        else:
            if event.tag not in (None, "!"):
                self._fault(event, path, f"the tag `{event.tag}` is not taken; leave it out")
            is_map = isinstance(event, yaml.MappingStartEvent)
            value = self._mapping(path, depth) if is_map else self._sequence(path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _sequence(self, path: str, depth: int) -> list[Any]:
        values: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            inner = f"{path}.{len(values)}" if path else str(len(values))
            self._lines[inner] = _line(event)
            values.append(self._value(event, inner, depth + 1))
        return values

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self._fault(event, path, "a key has to be a text")
                self._value(event, path, depth + 1)
                self._value(next(self._events), path, depth + 1)
                continue
            key = event.value
            inner = f"{path}.{key}" if path else key
            if key == "<<" and not event.style:
                self._fault(event, inner, "merge keys are no part of YAML 1.2; write the fields")
            if key in values:
                first = self._lines[inner]
                self._fault(event, inner, f"is given twice, first in line {first}; keep one")
            self._lines.setdefault(inner, _line(event))
            values[key] = self._value(next(self._events), inner, depth + 1)
        return values

    def _scalar(self, event: Any, path: str) -> Any:
        text: str = event.value
        if event.tag is not None:
            if event.tag not in _TEXT_TAGS:
                self._fault(event, path, f"the tag `{event.tag}` is not taken; leave it out")
            return self._text(event, text, path)
        if event.style:
            return self._text(event, text, path)
        value = plain_value(text)
        if isinstance(value, float) and not math.isfinite(value):
            self._fault(event, path, f"`{text}` is no finite number; quote it if it is a text")
            return None
        return value

    def _text(self, event: Any, text: str, path: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            self._fault(event, path, "holds half a surrogate pair")
            return ""
        return text


def plain_value(text: str) -> Any:
    """Return what *text* without quotes means.

    >>> plain_value("no"), plain_value("true"), plain_value("12:30"), plain_value("0o17")
    ('no', True, '12:30', 15)
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
