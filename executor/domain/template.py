"""Templates: ``{{ name }}`` in the texts of a target, filled in anew for every run.

Pure, and no language: a name is looked up in a fixed set and its value is put in its place.
Nothing is evaluated, so there is nothing that a value or an author could break out of.

Words
-----
value
    What stands between ``{{`` and ``}}``: a name, and perhaps a filter: ``{{ job.name | url }}``.
filter
    How the value is written: ``json`` as a JSON string with its quotes, ``url``
    percent-encoded but for letters, digits and ``-._``, ``shell`` as one word of a shell.
secret
    The name ``secret.NAME`` stands for the secret NAME; see ``secret.py``.

Rules
-----
1. ``{{{{`` stands for two braces that stay: ``docker ps --format '{{{{.Names}}'``.  Closing
   braces need no such form; without an opening pair before them they are what they are.  A single
   brace in front of a value stays as well: ``{{{ job.name }}`` is a brace and a value.
2. Whatever begins with ``{{`` and is no template is a fault, in new jobs and in stored ones.
   Were it left alone, a misspelt name would be sent to the target as it stands.
3. What is put in is not read again: a value that holds ``{{`` stays as it is.
4. A text is as long as :data:`LONGEST` at most once it is filled in.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import quote

#: Names that every run has a value for; ``fire_time`` is the run's creation if it has no slot.
NAMES: Final = (
    "run.id",
    "run.attempt",
    "run.cause",
    "run.trigger_id",
    "run.term",
    "job.id",
    "job.name",
    "job.owner",
    "job.revision",
    "fire_time",
    "fire_time.local",
    "fire_time.epoch",
)

#: Before the name of a secret.
SECRET: Final = "secret."

#: What a secret may be called: it stands in templates, in addresses and in ``[secret NAME]``.
SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)

#: Characters of a filled-in text.  A body has a million at most, and a short template could ask
#: for a long secret as often as it likes.
LONGEST: Final = 4_000_000

#: Mistakes of one text that are told; nobody reads more.
_MOST_MISTAKES: Final = 10

#: Characters of a wrong name that are repeated.
_SHOWN: Final = 40

_STAYS: Final = "; for braces that stay write `{{{{`"


def _url(value: str) -> str:
    # A tilde is harmless in a URL, but a shell expands it.
    return quote(value, safe="").replace("~", "%7E")


FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "json": json.dumps,
    "url": _url,
    "shell": shlex.quote,
}


@dataclass(frozen=True, slots=True)
class Value:
    """A place to be filled in; ``filter`` is empty where none is given."""

    name: str
    filter: str = ""

    def of(self, values: Mapping[str, str], guarded: bool = False) -> str:
        """Return what is put in; *guarded*: as one word of a shell, if the filter does not so.

        Raises:
            ValueError: *values* has none of this name.
        """
        if self.name not in values:
            raise ValueError(f"there is no value for `{self.name}`")
        value = values[self.name]
        if self.filter:
            value = FILTERS[self.filter](value)
        return shlex.quote(value) if guarded and self.filter != "shell" else value


@dataclass(frozen=True, slots=True)
class _Mistake:
    text: str


Part = str | Value


def parse(text: str) -> tuple[Part, ...]:
    """Return *text* as what stays and what is filled in, in order.

    Raises:
        ValueError: it has faults; the first of them.
    """
    parts: list[Part] = []
    for part in _read(text):
        if isinstance(part, _Mistake):
            raise ValueError(part.text)
        if part:
            parts.append(part)
    return tuple(parts)


def faults(text: str) -> list[str]:
    """Return what is wrong with the template *text*: each with its place and what to write."""
    found: list[str] = []
    for part in _read(text):
        if isinstance(part, _Mistake):
            found.append(part.text)
            if len(found) == _MOST_MISTAKES:
                break
    return found


def render(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with the *values* put in.

    Raises:
        ValueError: it is no template, a value is missing, or the result is too long.

    >>> render("{{ job.name | url }}/{{ run.id }}, {{{{ }}", {"job.name": "a b", "run.id": "7"})
    'a%20b/7, {{ }}'
    """
    return text if "{{" not in text else filled(parse(text), values)


def filled(parts: tuple[Part, ...], values: Mapping[str, str], *, guarded: bool = False) -> str:
    """Return the *parts* of a text in one, with the *values* put in.

    Args:
        guarded: quote every value for a shell, whatever other filter it has.

    Raises:
        ValueError: a value is missing, or the result is too long.
    """
    pieces: list[str] = []
    length = 0
    for part in parts:
        pieces.append(part if isinstance(part, str) else part.of(values, guarded))
        length += len(pieces[-1])
        if length > LONGEST:
            raise ValueError(f"the text is longer than {LONGEST:,} characters with its values")
    return "".join(pieces)


def secrets_in(text: str) -> set[str]:
    """Return the names of the secrets that *text* asks for; what is wrong in it names none."""
    if SECRET not in text:
        return set()
    values = [part for part in _read(text) if isinstance(part, Value)]
    return {one.name.removeprefix(SECRET) for one in values if one.name.startswith(SECRET)}


def check_only_secrets(text: str) -> str:
    """Return *text* if it is a template whose values are secrets, all of them.

    For what does not belong to one run, and so has no other values.

    Raises:
        ValueError: it is not; says which value, and what there is.
    """
    for part in parse(text):
        if isinstance(part, Value) and not part.name.startswith(SECRET):
            raise ValueError(f"asks for `{part.name}`; only `{SECRET}NAME` has a value here")
    return text


def literally(text: str) -> str:
    """Return the template that stands for *text* as it is.

    >>> render(literally("a {{ b }}"), {})
    'a {{ b }}'
    """
    return text.replace("{{", "{{{{")


def _read(text: str) -> Iterator[Part | _Mistake]:
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        yield text[position:opening]
        if text.startswith("{{{{", opening):
            yield "{{"
            position = opening + 4
            continue
        if text.startswith("{{{", opening):
            yield "{"
            opening += 1
        closing = text.find("}}", opening + 2)
        if closing < 0:
            place = f"`{{{{` at character {opening + 1:,}"
            yield _Mistake(f"{place} is not closed; write `}}}}` after the name{_STAYS}")
            return
        yield _value(text[opening + 2 : closing], opening + 1)
        position = closing + 2
    yield text[position:]


def _value(inside: str, place: int) -> Value | _Mistake:
    name, *filters = (part.strip() for part in inside.split("|"))
    fault = _name_fault(name)
    if not fault and len(filters) > 1:
        fault = "takes one filter; remove the others"
    elif not fault and filters and filters[0] not in FILTERS:
        known = ", ".join(FILTERS)
        fault = f"asks for the filter `{filters[0][:_SHOWN]}`; there are {known}"
    if fault:
        return _Mistake(f"`{{{{` at character {place:,} {fault}")
    return Value(name, filters[0] if filters else "")


def _name_fault(name: str) -> str:
    if name in NAMES:
        return ""
    if name.startswith(SECRET):
        if SECRET_NAME.fullmatch(name.removeprefix(SECRET)):
            return ""
        return "names no secret: write `secret.` and letters, digits, `_` or `-`"
    if not name:
        return f"names nothing; write one of {_all_names()}{_STAYS}"
    close = get_close_matches(name[:_SHOWN], NAMES, n=1)
    shown = f"asks for `{name[:_SHOWN]}`, which does not exist"
    fix = f"write `{close[0]}`" if close else f"there are {_all_names()}"
    return f"{shown}; {fix}{_STAYS}"


def _all_names() -> str:
    return ", ".join((*NAMES, "secret.NAME"))
