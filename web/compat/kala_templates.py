"""Kala's templates as ours, and back.

Kala renders ``command``, ``url`` and ``body`` as Go templates between the delimiters of the job.
Of Go's language this takes field references alone: ``{{.Owner}}``, ``{{ $.Name }}``.  Whatever
else it has (pipes, ``if``, functions, texts in quotes) is a fault of the job, told when it is
saved; Kala tells it with the first run.

Rules
-----
1. What can change with each run, or by an edit of the job, becomes a template of ours.  What
   Kala knows otherwise than we do (its id, its name, its schedule) is put in at once.
2. Without delimiters, text is text: ``{{`` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from executor.domain.template import Value, literally, parse

#: Fields that our templates have as well; the others are known when the job is saved.
_OURS: Final = {"Owner": "job.owner", "NextRunAt": "fire_time"}

_REFERENCE: Final = re.compile(r"\s*\$?\.(\w+(?:\.\w+)*)\s*", re.ASCII)


def delimiters_of(text: str) -> tuple[str, str] | None:
    """Return the two delimiters in Kala's ``TemplateDelimiters``; None: nothing is rendered.

    Raises:
        ValueError: it is not two of them with a space in between.

    >>> delimiters_of("{{ }}")
    ('{{', '}}')
    """
    if not text:
        return None
    left, _, right = text.partition(" ")
    if not left or not right or " " in right:
        raise ValueError("write two delimiters with one space in between, as `{{ }}`")
    return left, right


def from_kala(text: str, delimiters: tuple[str, str] | None, fixed: Mapping[str, str]) -> str:
    """Return Kala's *text* as a template of ours.

    Args:
        fixed: the values of fields that are put in at once, by their names in Go.

    Raises:
        ValueError: it is no template, or asks for more than fields.

    >>> from_kala("echo mr.{{$.Owner}} {{.Name}}", ("{{", "}}"), {"Name": "yoda"})
    'echo mr.{{ job.owner }} yoda'
    """
    if delimiters is None:
        return literally(text)
    left, right = delimiters
    made, plain, rest = "", "", text
    while left in rest:
        before, _, rest = rest.partition(left)
        inside, closing, rest = rest.partition(right)
        if not closing:
            raise ValueError(f"`{left}` is not closed; write `{right}` after the field")
        name = _name(f"{left}{inside}{right}", inside, fixed)
        plain += before
        if name in _OURS:
            made += f"{literally(plain)}{{{{ {_OURS[name]} }}}}"
            plain = ""
        else:
            # In one with what stands around it: braces that meet here open nothing.
            plain += fixed[name]
    return made + literally(plain + rest)


def _name(whole: str, inside: str, fixed: Mapping[str, str]) -> str:
    found = _REFERENCE.fullmatch(inside)
    if found is None:
        raise ValueError(
            f"`{whole[:80]}` is more than a field; of Go's templates only references to fields are "
            "taken, as `{{.Owner}}` or `{{$.Name}}` between your delimiters"
        )
    name = found[1]
    if name in _OURS or name in fixed:
        return name
    known = ", ".join(f".{one}" for one in sorted({*_OURS, *fixed}))
    raise ValueError(f"`{whole[:80]}` has no value here; there are {known}")


def to_kala(text: str, delimiters: tuple[str, str] | None) -> str:
    """Return a template of ours as Kala would have it; what it cannot say stands as it is.

    >>> to_kala("echo mr.{{ job.owner }} {{{{", ("<", ">"))
    'echo mr.<.Owner> {{'
    """
    try:
        parts = parse(text)
    except ValueError:
        return text
    return "".join(part if isinstance(part, str) else _shown(part, delimiters) for part in parts)


def _shown(value: Value, delimiters: tuple[str, str] | None) -> str:
    names = {ours: kalas for kalas, ours in _OURS.items()}
    if delimiters is not None and value.name in names and not value.filter:
        return f"{delimiters[0]}.{names[value.name]}{delimiters[1]}"
    return f"{{{{ {value.name} | {value.filter} }}}}" if value.filter else f"{{{{ {value.name} }}}}"
