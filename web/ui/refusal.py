"""Why a form was refused, sorted to its fields.

A fault names a field of the API's document (``dates.2.from``); a form has fields of its own, and
one of them may stand for a list, a line for each entry.  What belongs to none of them is said
above the form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from executor.domain.errors import Fault
from web.problems import MAX_FAULTS, Problem
from web.sign_in import sentence

#: What is said above a form whose fields say the rest.
_BELOW = "Nothing was changed yet; what is to be mended is said at the fields."


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is said above a form, and at its fields by their names; false if there is nothing."""

    text: str = ""
    status: HTTPStatus = HTTPStatus.OK
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text)

    def at(self, name: str) -> Sequence[str]:
        """Return what is wrong with the field *name*."""
        return self.fields.get(name, ())


#: Of a form that nobody has sent yet.
NONE = Refusal()


def refusal(problem: Problem, fields: Collection[str]) -> Refusal:
    """Return *problem* as a form with these *fields* shows it."""
    at: defaultdict[str, list[str]] = defaultdict(list)
    rest = []
    for fault in problem.faults[:MAX_FAULTS]:
        name, words = _placed(fault, fields)
        if name:
            at[name].append(words)
        else:
            rest.append(words)
    if not problem.faults:
        rest = [sentence(problem.detail)]
    return Refusal(" ".join(rest) or _BELOW, problem.status, at)


def _placed(fault: Fault, fields: Collection[str]) -> tuple[str, str]:
    """Return the form's field that *fault* belongs to, empty if none does, and what to say."""
    fitting = [name for name in fields if f"{fault.field}.".startswith(f"{name}.")]
    if not fitting:
        return "", sentence(f"{fault.field}: {fault.message}" if fault.field else fault.message)
    name = max(fitting, key=len)
    number, _, inner = fault.field[len(name) + 1 :].partition(".")
    where = f"Line {int(number) + 1}" if number.isdecimal() else number
    parts = [part for part in (where, inner) if part]
    return name, sentence(f"{', '.join(parts)}: {fault.message}" if parts else fault.message)
