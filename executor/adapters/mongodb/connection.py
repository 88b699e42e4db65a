"""How Solocron talks to MongoDB: one client, one set of guarantees, one kind of error.

1. Every write is acknowledged by the majority, from the journal; every read is from the
   primary and shows only what the majority has.  So nothing that was seen or promised
   is undone by a failover.
2. What a client reads includes all that it has written before, whichever server answers.
   A primary just elected may not know yet which of its data the majority has, and one that
   was replaced may not know that it was; so every read names the time of the client's latest
   acknowledged write, and a server answers when what the majority has is of that time.
   Taking over stands on this: jobs and unfinished rows are read after the term was minted,
   hence with everything that any former executor had cleared.
3. Every call is over within the timeout, retries and election included.  Whatever the
   driver raises then is :class:`~executor.domain.errors.StoreUnavailable`.
4. Nothing needs a transaction, so a server without a replica set will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.dbref import DBRef
from bson.timestamp import Timestamp
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from executor.adapters.documents import Document
from executor.adapters.service_key import CALLBACK_KEY, UNPREPARED
from executor.domain.errors import StoreUnavailable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: Documents in MongoDB's form: the key is ``_id``.
Records: TypeAlias = Collection[Document]

#: Used when the URI names no database.
DEFAULT_DATABASE = "solocron"

#: Longest time for one call, seconds: an election takes the server's 10 s by default, so a
#: call may fail once in one, but a caller is never stuck.
TIMEOUT_S = 5.0

#: Longest time to make a connection, seconds; less than the timeout, so that another
#: server can still be tried.
_CONNECT_TIMEOUT_S = 3.0

#: Error texts end here, characters: the driver appends a description of every server.
_LONGEST_ERROR = 300

#: What the server calls the commands that write records.
_WRITES: Final = frozenset({"insert", "update", "delete", "findAndModify"})


class MajorityAfter(ReadConcern):
    """What the majority has, once that is of *time* at least; of any time if it is None.

    The driver itself does this for sessions that were started to be causally consistent.
    Not used here, because they make a connection useless for ever that was opened while its
    server was starting.  Source: MongoDB manual, "Read Concern", ``afterClusterTime``.
    """

    def __init__(self, time: Timestamp | None) -> None:
        super().__init__("majority")
        self._time = time

    @property
    def document(self) -> dict[str, Any]:
        """What is sent to the server."""
        after = {} if self._time is None else {"afterClusterTime": self._time}
        return {**super().document, **after}


class Acknowledged(CommandListener):
    """Knows the time of the latest write that was acknowledged to a client.

    A write that met a key that is taken counts: its acknowledgement covers what it met.
    One that was not acknowledged by the majority does not count.  It may be undone, and no
    server would be of its time soon.  A server without a replica set tells no times; what
    is read from it is always the latest.
    """

    def __init__(self) -> None:
        self._time: Timestamp | None = None
        self._lock = Lock()

    @property
    def included(self) -> ReadConcern:
        """What a read must ask for to include every write so far."""
        return MajorityAfter(self._time)

    def started(self, event: CommandStartedEvent) -> None:
        """Do nothing."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Take the time from the answer to a write; called before the write returns."""
        time = event.reply.get("operationTime")
        if event.command_name not in _WRITES or "writeConcernError" in event.reply or not time:
            return
        with self._lock:
            self._time = max(time, self._time or time)

    def failed(self, event: CommandFailedEvent) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A database, and what was written to it."""

    database: Database[Document]
    acknowledged: Acknowledged

    def records(self, collection: str) -> Records:
        """Return a collection; what is read from it includes all that was written so far."""
        return self.database.get_collection(collection, read_concern=self.acknowledged.included)


def connect(uri: str, timeout_s: float) -> Connection:
    """Return a connection to the database that *uri* names; nothing is sent before a call.

    Dates out of datetime's range and texts that are not UTF-8 come back as something
    else, not as an error: one damaged record must not hide those beside it.
    """
    milliseconds = int(timeout_s * 1000)
    acknowledged = Acknowledged()
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(
        uri,
        connect=False,
        appname="solocron",
        timeoutMS=milliseconds,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=int(min(timeout_s, _CONNECT_TIMEOUT_S) * 1000),
        retryWrites=True,
        retryReads=True,
        event_listeners=[acknowledged],
    )
    codec: CodecOptions[Document] = CodecOptions(
        unicode_decode_error_handler="replace",
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )
    name = client.get_default_database(DEFAULT_DATABASE).name
    database = client.get_database(
        name,
        codec_options=codec,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )
    return Connection(database, acknowledged)


def translated(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make *method* raise :class:`StoreUnavailable` for every error of the driver."""

    @wraps(method)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except PyMongoError as error:
            raise unavailable(error) from error

    return call


def unavailable(error: PyMongoError) -> StoreUnavailable:
    """Return *error* in our words."""
    text = str(error)[:_LONGEST_ERROR]
    return StoreUnavailable(f"MongoDB: {type(error).__name__}: {text}")


class MongoPart:
    """A part of the store; all parts share one connection and so one client.

    Each collection is taken anew for every read, by its property, since it carries the time
    of the latest write.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._database = connection.database

    @property
    def _executor(self) -> Records:
        return self._connection.records("executor")

    @property
    def _instances(self) -> Records:
        return self._connection.records("instances")

    @property
    def _jobs(self) -> Records:
        return self._connection.records("jobs")

    @property
    def _runs(self) -> Records:
        return self._connection.records("runs")

    @property
    def _commands(self) -> Records:
        return self._connection.records("commands")

    @translated
    def callback_key(self) -> bytes:
        """Return the key that call-backs are proved by."""
        record = self._connection.records("service_keys").find_one({"_id": CALLBACK_KEY})
        if record is None:
            raise StoreUnavailable(UNPREPARED)
        key: bytes = record["key"]
        return key

    def close(self) -> None:
        """Give connections back; no method may be called afterwards."""
        self._database.client.close()


def to_record(document: Document) -> Document:
    """Turn a document into MongoDB's form, in place."""
    document["_id"] = document.pop("id")
    return document


def from_record(record: Document) -> Document:
    """Turn MongoDB's form back into a document, in place."""
    record["id"] = record.pop("_id")
    definition = record.get("definition")
    target = definition.get("target") if isinstance(definition, dict) else None
    if isinstance(target, dict):
        # The driver takes names like $ref and $id for a reference of its own.
        for name in ("env", "headers"):
            if isinstance(target.get(name), DBRef):
                target[name] = dict(target[name].as_doc())
    return record


def later(seconds: float) -> dict[str, Any]:
    """Return the expression for the store's now plus *seconds*."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}
