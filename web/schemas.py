"""What the API takes and answers, as JSON Schema: the components of the OpenAPI document.

The schemas of requests come from the very types that validate them, those of answers
from ``answer_schemas``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from executor.domain.calendar import CALENDAR
from executor.domain.channel import CHANNEL
from executor.domain.job import DEFINITION, READ_ONLY
from executor.domain.schedule_schema import SCHEDULE_SCHEMA
from web import access_schemas
from web.answer_schemas import ANSWERS, CALENDAR_FIELDS, SERVICE_FIELDS
from web.backfills import BackfillRequest
from web.batches import BatchRequest
from web.changes import PauseRequest
from web.documented import Documented
from web.foresight_schemas import FORESIGHT
from web.reports import RunReport
from web.schedules import PreviewRequest
from web.schema_parts import REF, Schema, object_of, ref
from web.secrets import SecretValue
from web.telling_schemas import TELLING
from web.tokens import TokenRequest


@cache
def components() -> Mapping[str, Schema]:
    """Return every schema by name; made once, since it takes a tenth of a second."""
    adapters: list[tuple[str, TypeAdapter[Any]]] = [
        ("Definition", DEFINITION),
        ("CalendarDefinition", CALENDAR),
        ("PauseRequest", TypeAdapter(PauseRequest)),
        ("BackfillRequest", TypeAdapter(BackfillRequest)),
        ("BatchRequest", TypeAdapter(BatchRequest)),
        ("PreviewRequest", TypeAdapter(PreviewRequest)),
        ("SecretValue", TypeAdapter(SecretValue)),
        ("TokenRequest", TypeAdapter(TokenRequest)),
        ("RunReport", TypeAdapter(RunReport)),
        ("ChannelDefinition", CHANNEL),
    ]
    whole, found = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters],
        ref_template=REF,
        schema_generator=Documented,
    )
    generated: dict[str, Schema] = found["$defs"]
    for schema in generated.values():
        _name_schedule(schema)
    definition, calendar = generated["Definition"], generated.pop("Calendar")
    return {
        **generated,
        "Schedule": {
            "description": "When a job is due: a short form, an object of a kind, or null.",
            **SCHEDULE_SCHEMA,
        },
        # The others are objects, which stand among the definitions already; this one is a choice.
        "ChannelDefinition": whole["ChannelDefinition", "validation"],
        "Replacement": _replacement("Replacement", definition, READ_ONLY),
        "SoundJob": object_of(
            {**SERVICE_FIELDS, **definition["properties"]},
            "A job: its definition and what the service knows about it.",
        ),
        "CalendarReplacement": _replacement("CalendarReplacement", calendar, CALENDAR_FIELDS),
        "SoundCalendar": object_of(
            {**calendar["properties"], **CALENDAR_FIELDS},
            "A calendar: its definition and what the service knows about it.",
        ),
        **ANSWERS,
        **access_schemas.ANSWERS,
        **FORESIGHT,
        **TELLING,
    }


def _name_schedule(schema: Schema) -> None:
    """Have the field ``schedule`` of *schema*, if any, refer to what several schemas hold."""
    field = schema.get("properties", {}).get("schedule", {})
    if field.get("anyOf") == SCHEDULE_SCHEMA["anyOf"]:
        del field["anyOf"]
        field.update(ref("Schedule"))


def _replacement(title: str, definition: Schema, read_only: Iterable[str]) -> Schema:
    """Return what PUT takes: the name may be left out, the service's fields are ignored."""
    ignored = {name: {"readOnly": True} for name in read_only}
    return {
        **definition,
        "title": title,
        "properties": {**definition["properties"], **ignored},
        "required": [name for name in definition["required"] if name != "name"],
    }
