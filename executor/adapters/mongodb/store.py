"""The executor's store on MongoDB, put together from a part for each port."""

from __future__ import annotations

from executor.adapters.documents import instance_to_document
from executor.adapters.mongodb import schema
from executor.adapters.mongodb.audit import MongoAudit
from executor.adapters.mongodb.commands import MongoCommands
from executor.adapters.mongodb.connection import TIMEOUT_S, connect, translated
from executor.adapters.mongodb.jobs import MongoJobs
from executor.adapters.mongodb.named import MongoNamed
from executor.adapters.mongodb.outbox import MongoOutbox
from executor.adapters.mongodb.output import MongoOutput
from executor.adapters.mongodb.retention import MongoRetention
from executor.adapters.mongodb.revisions import MongoRevisions
from executor.adapters.mongodb.runs import MongoRuns
from executor.adapters.mongodb.sessions import MongoSessions
from executor.adapters.mongodb.terms import MongoTerms
from executor.adapters.mongodb.token_uses import MongoTokenUses
from executor.domain.writes import Instance


class MongoStore(
    MongoTerms,
    MongoRuns,
    MongoRetention,
    MongoOutput,
    MongoJobs,
    MongoRevisions,
    MongoNamed,
    MongoOutbox,
    MongoTokenUses,
    MongoSessions,
    MongoAudit,
    MongoCommands,
):
    """:class:`~executor.ports.store.ExecutorStore` on the database that *uri* names.

    Safe to use from several threads; not across a fork.

    Args:
        uri: A MongoDB URI, of a replica set or of a single server.
        timeout_s: Longest time for one call, seconds.
    """

    def __init__(self, uri: str, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(connect(uri, timeout_s))

    @translated
    def prepare(self) -> None:
        """Create indexes and the version mark; safe to repeat.

        Raises:
            SchemaTooNew: a newer Solocron has been here.
        """
        schema.prepare(self._database)

    @translated
    def beat(self, instance: Instance) -> None:
        """Record that *instance* lives, by the server's clock."""
        fields = instance_to_document(instance)
        self._instances.update_one(
            {"_id": fields.pop("id")},
            {"$set": fields, "$currentDate": {"seen_at": True}},
            upsert=True,
        )

    @translated
    def forget_instance(self, instance_id: str) -> None:
        """Remove the record of an instance that stops."""
        self._instances.delete_one({"_id": instance_id})
