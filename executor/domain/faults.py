"""What is wrong with a document, in words for the person who wrote it.

Translates pydantic's findings into :class:`~executor.domain.errors.Fault`: a path into
the document as it was written, without the parts pydantic adds, and a sentence that
says what to write instead.  An unknown field names the one that was probably meant, or
the object it belongs into.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Final, TypeAlias, get_type_hints

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from executor.domain.errors import Fault, InvalidInput

Path: TypeAlias = tuple[str, ...]

#: Findings put into words.  A megabyte holds 100,000 unknown fields, and looking for the
#: one that was meant takes a quarter of a millisecond each.
MOST: Final = 100

#: Where each object of a document stands -> its dataclass.  The members of a union
#: stand below their field, under their tag: ``("target", "http")``; those of a list, all of one
#: class, under the field itself.
Objects: TypeAlias = Mapping[Path, type[Any]]


def _too_short(facts: dict[str, Any]) -> str:
    least = facts["min_length"]
    return "must not be empty" if least == 1 else f"has to have a length of at least {least}"


def _too_long(facts: dict[str, Any]) -> str:
    # pydantic calls lists by their kind, and everything else that has a length a value.
    what = "characters" if facts["field_type"] == "Value" else "items"
    return f"is longer than {facts['max_length']:,} {what}"


#: pydantic's kind of finding -> our sentence, from pydantic's facts.
_SENTENCES: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "missing": lambda facts: "is required",
    "missing_argument": lambda facts: "is required",
    "string_type": lambda facts: "has to be a string",
    "bool_type": lambda facts: "has to be true or false",
    "bool_parsing": lambda facts: "has to be true or false",
    "int_type": lambda facts: "has to be a whole number",
    "int_parsing": lambda facts: "has to be a whole number",
    "int_parsing_size": lambda facts: "is too large a number",
    "int_from_float": lambda facts: "has to be a whole number",
    "tuple_type": lambda facts: "has to be a list: [...]",
    "list_type": lambda facts: "has to be a list: [...]",
    "dict_type": lambda facts: "has to be an object: {...}",
    "dataclass_type": lambda facts: "has to be an object: {...}",
    "dataclass_exact_type": lambda facts: "has to be an object: {...}",
    "model_attributes_type": lambda facts: "has to be an object: {...}",
    "string_too_short": _too_short,
    "string_too_long": lambda facts: f"is longer than {facts['max_length']:,} characters",
    "too_short": _too_short,
    "too_long": _too_long,
    "greater_than_equal": lambda facts: f"has to be at least {facts['ge']}",
    "less_than_equal": lambda facts: f"has to be at most {facts['le']:,}",
    "literal_error": lambda facts: f"write {facts['expected']}",
}

_UNKNOWN: Final = frozenset({"unexpected_keyword_argument", "extra_forbidden"})


def faults_of(error: ValidationError, objects: Objects) -> list[Fault]:
    """Return the findings of *error* as faults of the document that *objects* describe.

    All of them, but for a document so wrong that nobody would read them: see :data:`MOST`.
    """
    found = error.errors(include_url=False, include_input=False)
    # pydantic counts only sound members: a list of one faulty member is "too short" as well.
    inside = {one["loc"][:-1] for one in found}
    found = [one for one in found if one["type"] != "too_short" or one["loc"] not in inside]
    faults = [fault for one in found[:MOST] for fault in _faults(one, objects)]
    if len(found) > MOST:
        faults.append(Fault("", f"and {len(found) - MOST:,} more"))
    return faults


def _faults(found: Any, objects: Objects) -> list[Fault]:
    loc = tuple(str(part) for part in found["loc"] if part != "[key]")
    kind, facts = found["type"], found.get("ctx", {})
    where = _written(loc, objects)
    cause = facts.get("error")
    if isinstance(cause, InvalidInput):
        return [fault.under(where) for fault in cause.faults]
    if kind in _UNKNOWN:
        return [Fault(where, _unknown(loc, objects))]
    if kind.startswith("union_tag"):
        return [Fault(f"{where}.kind" if where else "kind", _kinds(loc, objects))]
    if cause is not None:
        return [Fault(where, str(cause))]
    sentence = _SENTENCES.get(kind)
    return [Fault(where, sentence(facts) if sentence else found["msg"])]


def _written(loc: Path, objects: Objects) -> str:
    """Return *loc* as the document has it: without the tags of unions."""
    return ".".join(part for end, part in enumerate(loc) if not _is_tag(loc[: end + 1], objects))


def _is_tag(loc: Path, objects: Objects) -> bool:
    """Whether *loc* ends with a tag: an object stands there, but not in a field of another."""
    return loc in objects and loc[:-1] not in objects


def _unknown(loc: Path, objects: Objects) -> str:
    name = loc[-1]
    kind: Any = objects[_without_places(loc[:-1])]
    known = _fields(kind)
    close = difflib.get_close_matches(name[:100].lower(), known, n=1)
    if close:
        return f"unknown field; write `{close[0]}`"
    others: Mapping[Path, Any] = objects
    homes = [where for where, other in others.items() if name in _fields(other)]
    if homes:
        return f"unknown field here; it belongs {_place(homes[0], objects)}"
    return f"unknown field; the fields here are {', '.join(known)}"


def _without_places(loc: Path) -> Path:
    """Return *loc* without the places of members in their lists."""
    return tuple(part for part in loc if not part.isdecimal())


def _place(home: Path, objects: Objects) -> str:
    if _is_tag(home, objects):
        return f"into a {home[-2]} of kind `{home[-1]}`"
    return f"into `{home[-1]}`" if home else "into the outermost object"


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields as they are written: Python cannot name one `from`.

    Remembered: finding them out takes many times as long as all else about an unknown field.
    """
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_alias(hints[field.name]) or field.name for field in fields(kind))


def _alias(hint: object) -> str | None:
    marks = getattr(hint, "__metadata__", ())
    return next((one.alias for one in marks if isinstance(one, FieldInfo) and one.alias), None)


def _kinds(loc: Path, objects: Objects) -> str:
    tags = [where[-1] for where in objects if where[:-1] == loc and _is_tag(where, objects)]
    return f"write {' or '.join(f'`{tag}`' for tag in tags)}"
