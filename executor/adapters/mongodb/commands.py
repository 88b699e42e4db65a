"""Answers to commands in MongoDB; the server removes them after a day."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pymongo.errors import BulkWriteError

from executor.adapters.documents import (
    Document,
    Undecodable,
    result_from_document,
    result_to_document,
)
from executor.adapters.mongodb.connection import (
    MongoPart,
    from_record,
    to_record,
    translated,
)
from executor.adapters.mongodb.jobs import load
from executor.adapters.mongodb.runs import taken_keys
from executor.domain.command import CommandResult
from executor.domain.writes import KnownCommands


class MongoCommands(MongoPart):
    """A :class:`~executor.ports.store.CommandStore`."""

    @translated
    def known_commands(self, command_ids: Collection[str]) -> KnownCommands:
        """Return what is remembered of *command_ids*."""
        ids = list(command_ids)
        if not ids:
            return KnownCommands({}, ())
        results = [_read(record) for record in self._commands.find({"_id": {"$in": ids}})]
        jobs = load(self._jobs.find({"last_command": {"$in": ids}})).jobs
        return KnownCommands({one.command_id: one for one in results if one is not None}, jobs)

    @translated
    def save_results(self, results: Sequence[CommandResult]) -> None:
        """Keep each answer; one that is kept already stays as it was."""
        if not results:
            return
        records = [to_record(result_to_document(result)) for result in results]
        try:
            self._commands.insert_many(records, ordered=False)
        except BulkWriteError as error:
            taken_keys(error)


def _read(record: Document) -> CommandResult | None:
    """Decode an answer; one that cannot be read counts as none."""
    try:
        return result_from_document(from_record(record))
    except Undecodable:
        return None
