"""Jobs as people write them: without what is the default, and without what is not theirs.

What is left out is what the present version takes for granted; a reader sees what is special
about a job.  A definition of defaults is read from the very types that validate it, so a new
field needs nothing here.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Final

from executor.domain.job import definition_from_document, definition_to_document
from executor.domain.schedule import CronSchedule, IntervalSchedule, OnceSchedule

#: The fields that say what a job is come first; all others follow in their usual order.
_FIRST: Final = ("name", "description", "owner", "tags", "enabled", "schedule", "target")

#: Tells the kinds of targets and schedules apart, so it always stands.
_KIND: Final = "kind"


def slim_document(document: object) -> dict[str, Any]:
    """Return the definition in *document* without what is the default.

    It means the same: read again, it is the same definition.

    Raises:
        InvalidJob: it is no definition; a newer service may have sent it.
    """
    definition = definition_from_document(document)
    found = _slim(definition, definition_to_document(definition))
    ordered = [name for name in _FIRST if name in found]
    return {name: found[name] for name in [*ordered, *(one for one in found if one not in _FIRST)]}


def _slim(value: Any, document: Any) -> Any:
    """Return *document*, the written form of *value*, without what is the default."""
    if isinstance(value, CronSchedule | IntervalSchedule | OnceSchedule):
        return _slim_schedule(value, document)
    if isinstance(value, tuple | list) and isinstance(document, list):
        return [_slim(one, written) for one, written in zip(value, document, strict=True)]
    if not is_dataclass(value) or isinstance(value, type) or not isinstance(document, dict):
        return document
    found: dict[str, Any] = {}
    if _KIND in document:
        found[_KIND] = document[_KIND]
    for field in fields(value):
        one = getattr(value, field.name)
        if field.name in document and field.name != _KIND and one != _default(field):
            found[field.name] = _slim(one, document[field.name])
    return found


def _slim_schedule(
    schedule: CronSchedule | IntervalSchedule | OnceSchedule, document: dict[str, Any]
) -> Any:
    """Return the short form where that says everything."""
    usual = {one.name: _default(one) for one in fields(schedule)}
    found = {
        name: value
        for name, value in document.items()
        if name == _KIND or value != usual.get(name, MISSING)
    }
    if not isinstance(schedule, OnceSchedule) and set(found) == {_KIND, "expression"}:
        return found["expression"]
    return found


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
