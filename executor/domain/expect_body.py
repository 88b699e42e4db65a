"""What the body of an HTTP answer has to say for a run to succeed.

A status often tells only that somebody answered.  So a job may ask one question more: does
the body contain a text, or is the value at one place of a JSON body the expected one?

Rules
-----
1. Exactly one of ``contains`` and ``json_pointer``; the latter with ``equals``.
2. What is kept of an answer is what is searched.  Of an answer longer than that only the
   beginning is searched for a text, and no value is looked up: half a JSON document is
   none.  Whoever reads the refusal is told so.
3. Texts are compared letter by letter, after the body has been decoded as UTF-8.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from executor.domain.errors import Fault, InvalidJob
from executor.domain.fields import CLOSED, Text
from executor.domain.json_pointer import check_pointer, look_up, same
from executor.domain.json_value import within
from executor.domain.run import Output

#: Characters of what was found that an error repeats: one line for a person.
_SHOWN: Final = 100

#: Longest text to look for, and longest ``equals`` as JSON text, characters: far below what
#: is kept of an answer, and every run of the job compares it.
_LONGEST: Final = 10_000


def _equals(value: object) -> object:
    return within(value, _LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectBody:
    """What the body has to say: ``contains``, or ``json_pointer`` with ``equals``."""

    __pydantic_config__ = CLOSED

    contains: Annotated[Text, Field(min_length=1, max_length=_LONGEST)] | None = None
    """A text that is somewhere in the body, letter by letter."""
    json_pointer: Annotated[Text, AfterValidator(check_pointer), Field(max_length=1000)] | None = (
        None
    )
    """The place of a value in a JSON body, as in RFC 6901: /status; the empty text is all of it."""
    equals: Annotated[Any, AfterValidator(_equals)] = None
    """The value there: any JSON; with ``json_pointer`` it must be written, even if it is null."""

    def faults(self) -> list[Fault]:
        """Return what no single field says, by field of this object."""
        if self.contains is None and self.json_pointer is None:
            return [Fault("contains", "is required: a text, or json_pointer with equals")]
        if self.contains is not None and self.json_pointer is not None:
            return [Fault("json_pointer", "leave it out or contains: one question for each job")]
        if self.json_pointer is None and self.equals is not None:
            return [Fault("equals", "belongs to json_pointer; write where the value is to be")]
        return []

    def shortfall(self, output: Output | None) -> str | None:
        """Return in words why *output*, an answer's body, is not as expected; None if it is."""
        if output is None:
            return "the answer has no body"
        if self.json_pointer is not None:
            return self._json_shortfall(output, self.json_pointer)
        if self.contains is None or self.contains in output.head:
            return None
        words = f"the answer does not contain {_shown(self.contains)}; "
        if _is_whole(output):
            return f"{words}it begins with {_shown(output.head)}"
        return (
            f"{words}of its {output.size:,} bytes only the first {len(output.head):,} characters "
            f"are kept and were searched, beginning with {_shown(output.head)}"
        )

    def _json_shortfall(self, output: Output, pointer: str) -> str | None:
        if not _is_whole(output):
            return (
                f"the answer is too long to look up {_shown(pointer)}: of its {output.size:,} "
                f"bytes only the first {len(output.head):,} characters are kept"
            )
        try:
            document = json.loads(output.head.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return f"the answer is no JSON text; it begins with {_shown(output.head)}"
        try:
            found = look_up(document, pointer)
        except LookupError:
            return f"the answer has nothing at {_shown(pointer)}; it is {_shown(document)}"
        if same(found, self.equals):
            return None
        return f"{_shown(pointer)} of the answer is {_shown(found)}; expected {_shown(self.equals)}"


def _is_whole(output: Output) -> bool:
    return not output.tail


def _shown(value: object) -> str:
    """Return *value* as JSON text, cut short, in characters that every store takes."""
    # A text is cut before it is written: of a long body only the beginning is looked at.
    text = json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False)
    # An answer may have written half a surrogate pair, which is no character.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _equals_is_written(value: object) -> object:
    """Refuse a place without a value: null would be expected there, which nobody said.

    Raises:
        InvalidJob: ``equals`` is missing.
    """
    if not isinstance(value, dict) or value.get("json_pointer") is None or "equals" in value:
        return value
    if value.keys() - {one.name for one in fields(ExpectBody)}:
        return value  # the misspelt name is the better thing to say
    raise InvalidJob([Fault("equals", "is required: the value at json_pointer")])


#: The field of a job: :class:`ExpectBody` or nothing.
ExpectBodyField = Annotated[ExpectBody | None, BeforeValidator(_equals_is_written)]
