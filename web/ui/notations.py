"""How the values of a definition are written in a form's fields, and read back.

Rules
-----
1. What is shown for a value is read as that value again.  Where the plain way of writing would
   not do that (a tag with a line break, a header with two lines) it is written as JSON, which
   every list and map is also read from.
2. A field that is left empty is left out of the definition, so that its default holds.  Where
   null means something else than that it is written as ``none``.
3. Whether a value makes sense is not judged here: what cannot be read is handed on as the text
   it is, and the definition says what is wrong with it, beside the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from executor.domain.duration import parse_duration
from web.bodies import parse_json
from web.problems import Problem


class Absent(Enum):
    """Nothing is written: the field is left out."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

#: What null is written as where an empty field means something else.
NONE: Final = "none"

#: The empty text, where an empty field means that there is none.
_EMPTY: Final = '""'


@dataclass(frozen=True, slots=True)
class Notation:
    """A way to write values of one kind.

    Attributes:
        show: writes a value; what is absent is not asked for.
        read: reads what somebody wrote, or returns :data:`ABSENT`; raises ValueError, with what
            to write instead, if that is no value of any kind.
    """

    show: Callable[[Any], str]
    read: Callable[[str], Any]


def _or_absent(text: str) -> Any:
    return text if text else ABSENT


def _trimmed(text: str) -> Any:
    return text.strip() or ABSENT


def _show_optional(value: Any) -> str:
    if value is None:
        return ""
    return str(value) or _EMPTY


def _read_optional(text: str) -> Any:
    return "" if text == _EMPTY else _or_absent(text)


def _read_whole(text: str) -> Any:
    stripped = text.strip()
    if not stripped:
        return ABSENT
    return int(stripped) if re.fullmatch(r"[+-]?[0-9]{1,18}", stripped, re.ASCII) else stripped


def _read_number(text: str) -> Any:
    stripped = text.strip()
    if not stripped:
        return ABSENT
    if not re.fullmatch(r"[+-]?[0-9]*[.]?[0-9]{1,18}(?:e-?[0-9]{1,2})?", stripped, re.ASCII):
        raise ValueError("write a number such as `0.1`")
    return float(stripped)


def _show_number(value: Any) -> str:
    return "" if value is None else str(value)


def _show_duration(value: Any) -> str:
    """Write a duration as people do: ``1h 30m`` for ``PT1H30M``."""
    if value is None:
        return ""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", str(value))
    parts = found.groups() if found else ()
    short = " ".join(f"{part}{unit}" for part, unit in zip(parts, "dhms", strict=False) if part)
    return short if short and parse_duration(short) == parse_duration(value) else str(value)


def _show_endless(value: Any) -> str:
    return NONE if value is None else _show_duration(value)


def _read_endless(text: str) -> Any:
    return None if text.strip().lower() == NONE else _trimmed(text)


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _parsed(text: str, example: str) -> Any:
    try:
        return parse_json(text.encode("utf-8", "surrogatepass"))
    except Problem as problem:
        said = problem.faults[0].message if problem.faults else problem.detail
        raise ValueError(f"{said}; write JSON such as `{example}`") from None


def _read_json(text: str) -> Any:
    return _parsed(text, '{"region": "eu"}') if text.strip() else ABSENT


def _sequence(joint: str, split: Callable[[str], Sequence[str]]) -> Notation:
    """Return the notation of a list of texts that are parted by *joint*."""

    def read(text: str) -> Any:
        stripped = text.strip()
        if stripped.startswith("["):
            try:
                if isinstance(found := json.loads(stripped), list):
                    return found
            except ValueError:
                pass  # a text that merely begins with a bracket
        return [part for part in split(text) if part] or ABSENT

    def show(value: Any) -> str:
        text = joint.join(map(str, value))
        return text if not value or read(text) == list(value) else _as_json(list(value))

    return Notation(show, read)


def _pairs(sign: str, joint: str) -> Notation:
    """Return the notation of texts by name: a line each, with *sign* between."""

    def read(text: str) -> Any:
        stripped = text.strip()
        if stripped.startswith("{"):
            return _parsed(stripped, '{"NAME": "value"}')
        found: dict[str, str] = {}
        for line in (line for line in text.split("\n") if line.strip()):
            name, between, value = line.partition(sign)
            if not between:
                raise ValueError(f"{line[:100]!r} has no `{sign}`; write `NAME{joint}value`")
            if name.strip() in found:
                raise ValueError(f"{name.strip()[:100]!r} is given twice; keep one of them")
            found[name.strip()] = value.strip()
        return found or ABSENT

    def show(value: Mapping[str, str]) -> str:
        text = "\n".join(f"{name}{joint}{one}" for name, one in value.items())
        try:
            plain = not value or read(text) == value
        except ValueError:
            plain = False
        return text if plain else _as_json(value)

    return Notation(show, read)


def _by_lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n")]


def _by_commas(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", text)]


def _whole_numbers() -> Notation:
    inner = _sequence(", ", _by_commas)

    def read(text: str) -> Any:
        found = inner.read(text)
        return found if found is ABSENT else [_read_whole(str(one)) for one in found]

    return Notation(inner.show, read)


#: A text that has to be there, or is empty by default.  The first one is trimmed.
TEXT: Final = Notation(str, _trimmed)
LONG: Final = Notation(str, _or_absent)

#: A text or null; the empty text is written as ``""``.
OPTIONAL: Final = Notation(_show_optional, _read_optional)

WHOLE: Final = Notation(_show_number, _read_whole)
NUMBER: Final = Notation(_show_number, _read_number)

#: A duration or null, which is the default; and one whose null is not.
DURATION: Final = Notation(_show_duration, _trimmed)
ENDLESS: Final = Notation(_show_endless, _read_endless)

LINES: Final = _sequence("\n", _by_lines)
WORDS: Final = _sequence(", ", _by_commas)
WHOLES: Final = _whole_numbers()
HEADERS: Final = _pairs(":", ": ")
VARIABLES: Final = _pairs("=", "=")
JSON: Final = Notation(_as_json, _read_json)

#: One of several, all of them known.
CHOICE: Final = Notation(str, _trimmed)

#: Any of several, parted by commas.  That none is chosen is said, and not left to the default.
CHOICES: Final = Notation(",".join, lambda text: [one for one in text.split(",") if one])

#: Whether something is so: ``yes`` or nothing, which is what browsers send of a box.
FLAG: Final = Notation(lambda value: "yes" if value else "", lambda text: text == "yes")
