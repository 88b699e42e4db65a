"""Many jobs at once: ``POST /v1/batch``, for programs that keep their jobs in files.

Each item is one change of one job and becomes one command.  All of them are put on the queue
together, so that a thousand changes take about as long as ten, one by one.  Items are judged
alone: one may be refused while others are made.

A batch takes definitions that were kept somewhere, perhaps for years.  So a schedule may have
begun, or be over: the latter is a warning here, while who creates a job by itself is told that
a schedule in the past is a mistake.

Rules
-----
1. Everything is checked before anything is sent.  With ``dry_run`` it ends there: each item is
   answered with its faults, and with its definition in the form in which the service keeps it,
   which is what a comparison needs.
2. Items come into effect in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from flask import Response
from pydantic import ConfigDict, Field, WithJsonSchema

from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.errors import Fault, InvalidJob
from executor.domain.fields import Text
from executor.domain.filling import secret_places_of_job
from executor.domain.job import (
    Definition,
    definition_from_document,
    definition_to_document,
)
from executor.domain.named import Kind
from executor.domain.schedule import next_after
from executor.domain.secret import SECRETS
from web.bodies import object_reader
from web.changes import target_faults
from web.commands import command
from web.documents import json_response
from web.problems import unprocessable
from web.routes import Answer, Body, Call, Table
from web.schema_parts import ref

TABLE: Final = Table()

#: Most items of one batch: some five times what the executor decides together.
MAX_ITEMS: Final = 500

#: What :attr:`BatchRequest.items` may hold; their documents are read one by one.
_ITEM: Final = {
    "type": "object",
    "oneOf": [
        {"required": ["put"], "properties": {"put": ref("Definition")}},
        {"required": ["delete"], "properties": {"delete": {"type": "string"}}},
    ],
    "properties": {"revision": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
}


#: What is said of a schedule that will not fire.
_OVER: Final = "schedule: is over, no fire time is left; the job runs on request only"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """Changes of jobs; with ``dry_run`` they are only judged."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    items: Annotated[
        tuple[Annotated[dict[str, Any], WithJsonSchema(_ITEM)], ...],
        Field(min_length=1, max_length=MAX_ITEMS),
    ]
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One change, read: a definition to put, or the name of a job to delete."""

    put: Definition | None = None
    delete: str = ""
    revision: int | None = None
    """What the job has to be at; None: for a definition, that there is none of its name yet."""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The job's name, if it can be told."""
        return self.delete or (self.put.name if self.put else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """The fields of an item besides ``put``."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    delete: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    put: dict[str, Any] | None = None
    revision: Annotated[int, Field(ge=0, lt=10**18)] | None = None


_read_rest: Final = object_reader(_Rest)


@TABLE.add(
    "POST",
    "/v1/batch",
    summary="Change many jobs at once",
    description="Each item puts a definition or deletes a job by name, and is answered by itself.  "
    "With `revision` an item changes the job only if it is still at that revision; without, "
    "`put` creates a job and is refused where the name is taken.  Schedules may have begun.",
    tag="jobs",
    body=Body(schema="BatchRequest", read=object_reader(BatchRequest)),
    writes=True,
    repeatable=True,
    answers={HTTPStatus.OK: Answer(schema="Batch", description="What became of each item.")},
)
def change_jobs(call: Call) -> Response:
    """Judge the items; ask for the changes unless it is a dry run or one of them is faulty."""
    request: BatchRequest = call.document
    known = _Known(call)
    items = [_read(item, call, known) for item in request.items]
    if request.dry_run:
        return _answer([_judged(item) for item in items])
    faults = [
        fault.under(f"items.{number}") for number, item in enumerate(items) for fault in item.faults
    ]
    if faults:
        raise unprocessable(faults)
    commands = [_command(call, number, item) for number, item in enumerate(items)]
    results = call.services.sender.send_all(commands, call.services.command_timeout_s)
    return _answer(
        [
            _carried_out(item, command, result)
            for item, command, result in zip(items, commands, results, strict=True)
        ]
    )


class _Known:
    """The names that definitions may use, looked up once for a batch, and only if needed."""

    def __init__(self, call: Call) -> None:
        self._readers = call.services.readers
        self._names: dict[Kind[Any], frozenset[str]] = {}

    def faults(self, definition: Definition) -> list[Fault]:
        """Return which calendars, secrets and channels of *definition* do not exist."""
        calendars = [
            (f"calendars.{place}.name", use.name) for place, use in enumerate(definition.calendars)
        ]
        channels = [
            (f"notify.{place}.channel", rule.channel)
            for place, rule in enumerate(definition.notify)
        ]
        return [
            *self._missing(CALENDARS, calendars, "there is no calendar {0!r}"),
            *self._missing(
                SECRETS,
                list(secret_places_of_job(definition)),
                "there is no secret {0!r}; PUT /v1/secrets/{0} makes it",
            ),
            *self._missing(
                CHANNELS, channels, "there is no channel {0!r}; PUT /v1/channels/{0} makes it"
            ),
        ]

    def _missing(
        self, kind: Kind[Any], places: Sequence[tuple[str, str]], sentence: str
    ) -> list[Fault]:
        """Return a fault for each of *places* (a field, a name) with a name that is not there."""
        if places and kind not in self._names:
            self._names[kind] = frozenset(one.name for one in self._readers.list_named(kind))
        return [
            Fault(field, sentence.format(name))
            for field, name in places
            if name not in self._names[kind]
        ]


def _read(document: dict[str, Any], call: Call, known: _Known) -> Item:
    rest = _read_rest(document)
    if (rest.put is None) is (rest.delete is None):
        fault = Fault("", "write either `put` with a definition or `delete` with a name")
        return Item(faults=(fault,))
    if rest.delete is not None:
        return Item(delete=rest.delete, revision=rest.revision)
    try:
        definition = definition_from_document(rest.put)
    except InvalidJob as error:
        return Item(faults=tuple(fault.under("put") for fault in error.faults))
    standing = None if rest.revision is None else definition.name
    faults = [*target_faults(call, definition, standing), *known.faults(definition)]
    schedule = definition.schedule
    is_over = schedule is not None and next_after(schedule, call.services.clock.now()) is None
    return Item(
        put=definition,
        revision=rest.revision,
        faults=tuple(fault.under("put") for fault in faults),
        warnings=(_OVER,) if is_over else (),
    )


def _command(call: Call, number: int, item: Item) -> Command:
    part = str(number)
    if item.put is None:
        kind = CommandKind.DELETE_JOB
        return command(call, kind, item.delete, if_revision=item.revision, part=part)
    # Where a revision is expected the job has to exist; without one, it must not.
    kind = CommandKind.CREATE_JOB if item.revision is None else CommandKind.UPDATE_JOB
    arguments = {"definition": definition_to_document(item.put), "begun": True}
    return command(call, kind, item.put.name, arguments, item.revision, part=part)


def _answer(items: list[dict[str, Any]]) -> Response:
    return json_response({"items": items})


def _judged(item: Item) -> dict[str, Any]:
    return {
        "name": item.name,
        "status": "faulty" if item.faults else "sound",
        "revision": None,
        "command": None,
        "message": "",
        "errors": _errors(item.faults),
        "warnings": list(item.warnings),
        "definition": None if item.put is None else definition_to_document(item.put),
    }


_PENDING: Final = "accepted, not yet answered; ask at /v1/commands/{}"


def _carried_out(item: Item, asked: Command, result: CommandResult | None) -> dict[str, Any]:
    status: str = "pending" if result is None else result.status.value
    message = _PENDING.format(asked.id) if result is None else result.message
    return {
        "name": item.name,
        "status": status,
        "revision": None if result is None else result.revision,
        "command": asked.id,
        "message": message or "",
        "errors": [] if result is None else _errors(result.faults),
        "warnings": list(item.warnings),
        "definition": None,
    }


def _errors(faults: tuple[Fault, ...]) -> list[Mapping[str, str]]:
    return [{"field": fault.field, "message": fault.message} for fault in faults]
