"""How Solocron talks to MongoDB: one client, one set of guarantees, one kind of error.

1. Every write is acknowledged by the majority, from the journal; every read is from the
   primary and shows only what the majority has.  So nothing that was seen or promised
   is undone by a failover.
2. What a client reads includes all that its finished calls have read or written, whichever
   server answers.  A primary just elected may not know yet which of its data the majority
   has, and one that was replaced may not know that it was: each is told the time that the
   client has reached, and its answer waits until the majority's data are of that time.
   Taking over stands on this: jobs and unfinished rows are read after the term was minted,
   and therefore with everything that any former executor had cleared.
3. Every call is over within the timeout, retries and election included.  Whatever the
   driver raises then is :class:`~executor.domain.errors.StoreUnavailable`.
4. Nothing needs a transaction, so a server without a replica set will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.dbref import DBRef
from bson.timestamp import Timestamp
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from executor.adapters.documents import Document
from executor.domain.errors import StoreUnavailable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Part = TypeVar("Part", bound="MongoPart")

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


def connect(uri: str, timeout_s: float) -> Database[Document]:
    """Return the database that *uri* names.  Nothing is sent before the first call.

    Dates out of datetime's range and texts that are not UTF-8 come back as something
    else, not as an error: one damaged record must not hide those beside it.
    """
    milliseconds = int(timeout_s * 1000)
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(
        uri,
        connect=False,
        appname="solocron",
        timeoutMS=milliseconds,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=int(min(timeout_s, _CONNECT_TIMEOUT_S) * 1000),
        retryWrites=True,
        retryReads=True,
    )
    codec: CodecOptions[Document] = CodecOptions(
        unicode_decode_error_handler="replace",
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )
    name = client.get_default_database(DEFAULT_DATABASE).name
    return client.get_database(
        name,
        codec_options=codec,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def translated(
    method: Callable[Concatenate[Part, Parameters], Result],
) -> Callable[Concatenate[Part, Parameters], Result]:
    """Make *method* one call of a client: after its former ones, with errors in our words.

    Whatever the driver raises in it becomes :class:`StoreUnavailable`.
    """

    @wraps(method)
    def call(part: Part, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            with part.after_former_calls():
                return method(part, *args, **kwargs)
        except PyMongoError as error:
            raise unavailable(error) from error

    return call


def unavailable(error: PyMongoError) -> StoreUnavailable:
    """Return *error* in our words."""
    text = str(error)[:_LONGEST_ERROR]
    return StoreUnavailable(f"MongoDB: {type(error).__name__}: {text}")


class MongoPart:
    """A part of the store; all parts share one database and so one client."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._executor: Records = database["executor"]
        self._instances: Records = database["instances"]
        self._jobs: Records = database["jobs"]
        self._runs: Records = database["runs"]
        self._commands: Records = database["commands"]
        #: The server's time of the latest thing that was read or written, None before the
        #: first; for ever None on a server without a replica set, which is always up to date.
        self._reached: Timestamp | None = None
        self._reaching = Lock()

    @contextmanager
    def after_former_calls(self) -> Iterator[None]:
        """Give what is done inside, on this thread, a session that includes all former calls.

        A call that fails promises nothing, so that its time is forgotten: it may be that of
        a write which is going to be undone, and no server would reach it soon.
        """
        with self._database.client.start_session(causal_consistency=True).bind() as session:
            if self._reached is not None:
                session.advance_operation_time(self._reached)
            yield
        with self._reaching:
            known = [time for time in (self._reached, session.operation_time) if time is not None]
            self._reached = max(known, default=None)

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
