"""Arguments: a JSON object that a target hands to code.

Every text in it, at any depth, is a template of its own (``template.py``); names, numbers and
the rest stay as they are.  A text that is filled in stays a text: ``"{{ run.attempt }}"``
becomes ``"2"``, not 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

from executor.domain.errors import Fault, InvalidJob
from executor.domain.json_value import checked_json
from executor.domain.template import faults, render

#: Longest arguments as JSON text, characters: they travel with every run.
LONGEST: Final = 65_536


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    checked_json(value, LONGEST)
    found = [Fault(path, one) for path, text in arguments_texts(value) for one in faults(text)]
    if found:
        raise InvalidJob(found)
    return value


#: The field of a target.
Arguments = Annotated[
    dict[str, Any],
    AfterValidator(_checked),
    WithJsonSchema({"type": "object", "examples": [{"customer": 17, "day": "{{ fire_time }}"}]}),
]


def arguments_texts(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the texts in *arguments*, each with its path in them: ``a.0.b``."""
    for name, value in arguments.items():
        yield from _texts(name, value)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(f"{path}.{name}", member)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(f"{path}.{index}", item)


def filled_arguments(arguments: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return *arguments* with the *values* put in.

    Raises:
        ValueError: a value is missing, or a text becomes too long.
    """
    return {
        name: _mapped(value, lambda text: render(text, values)) for name, value in arguments.items()
    }


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _mapped(member, change) for name, member in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return value
