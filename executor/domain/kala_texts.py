"""Kala's texts in our words, and back: templates and schedules.

For its clients and for imports alike.  Kala renders ``command``, ``url`` and ``body`` as Go
templates between the delimiters of the job.  Of Go's language this takes field references alone:
``{{.Owner}}``, ``{{ $.Name }}``.  Whatever else it has (pipes, ``if``, functions, texts in quotes)
is a fault, told when the job is saved; Kala tells it with the first run.

Rules
-----
1. A field is filled in with each run where our templates have it as well; otherwise its value is
   put in at once.
2. Without delimiters, text is text: ``{{`` stays as it is.
3. Kala's schedules have the grammar of our repeating intervals, but for these: ``R-1`` is for
   ever, ``R0`` has an INTERVAL that nobody looks at, and START may have a fraction of a second.
   Fire times are whole seconds, and nothing is run earlier than it was asked for: the next whole
   one counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from executor.domain.template import Part, literally, parse

_FRACTION: Final = re.compile(r"(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d+)", re.ASCII)

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


def our_template(
    text: str,
    delimiters: tuple[str, str] | None,
    ours: Mapping[str, str],
    fixed: Mapping[str, str],
) -> str:
    """Return Kala's *text* as a template of ours.

    Args:
        ours: what our templates call a field, by its name in Go.
        fixed: the values of fields that are put in at once, by their names in Go.

    Raises:
        ValueError: it is no template, or asks for more than fields.

    >>> our_template("{{$.Owner}} {{.Name}}", ("{{", "}}"), {"Owner": "job.owner"}, {"Name": "n"})
    '{{ job.owner }} n'
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
        name = _field(f"{left}{inside}{right}", inside, sorted({*ours, *fixed}))
        plain += before
        if name in ours:
            made += f"{literally(plain)}{{{{ {ours[name]} }}}}"
            plain = ""
        else:
            # In one with what stands around it: braces that meet here open nothing.
            plain += fixed[name]
    return made + literally(plain + rest)


def _field(whole: str, inside: str, known: Sequence[str]) -> str:
    found = _REFERENCE.fullmatch(inside)
    if found is None:
        raise ValueError(
            f"`{whole[:80]}` is more than a field; of Go's templates only references to fields are "
            "taken, as `{{.Owner}}` or `{{$.Name}}` between your delimiters"
        )
    if found[1] in known:
        return found[1]
    if found[1].split(".")[0] == "Metadata":
        raise ValueError(
            f"`{whole[:80]}` has no value here, nobody counts runs before they begin; to tell "
            "one from another take what each brings along, the header Idempotency-Key of a request "
            "or the variable SOLOCRON_TRIGGER_ID of a command: the same for a run and its retries"
        )
    there = ", ".join(f".{one}" for one in known)
    raise ValueError(f"`{whole[:80]}` has no value here; there are {there}")


def kalas_template(text: str, delimiters: tuple[str, str] | None, ours: Mapping[str, str]) -> str:
    """Return a template of ours as Kala would have it; what it cannot say stands as it is.

    >>> kalas_template("echo mr.{{ job.owner }} {{{{", ("<", ">"), {"Owner": "job.owner"})
    'echo mr.<.Owner> {{'
    """
    try:
        parts = parse(text)
    except ValueError:
        return text
    names = {value: field for field, value in ours.items()}

    def shown(part: Part) -> str:
        if isinstance(part, str):
            return part
        if delimiters is not None and part.name in names and not part.filter:
            return f"{delimiters[0]}.{names[part.name]}{delimiters[1]}"
        return f"{{{{ {part.name}{' | ' * bool(part.filter)}{part.filter} }}}}"

    return "".join(map(shown, parts))


def our_interval(text: str) -> str:
    """Return the interval that Kala's *text* means; what is none is left for others to refuse.

    >>> our_interval("R2/2017-06-04T19:25:16.828696-07:00/PT10S")
    'R2/2017-06-04T19:25:17-07:00/PT10S'
    >>> our_interval("R0/2026-12-01T00:00:00Z/whatever")
    'R0/2026-12-01T00:00:00Z/'
    """
    repeats, *rest = _FRACTION.sub(_whole, text).split("/")
    if repeats == "R-1":
        repeats = "R"
    if repeats == "R0" and len(rest) == 2:
        rest[1] = ""
    return "/".join([repeats, *rest])


def _whole(found: re.Match[str]) -> str:
    start, fraction = found.groups()
    if not fraction.strip("0"):
        return start
    try:
        later = datetime.fromisoformat(f"{start[1:]}+00:00") + timedelta(seconds=1)
    except (ValueError, OverflowError):
        # There is no such instant; what is left of it is refused.
        return start
    return f"/{later:%Y-%m-%dT%H:%M:%S}"
