"""What about a MongoDB matters to Solocron, looked at from outside, and the fix for it.

Nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from pymongo.errors import PyMongoError

from executor.adapters.mongodb.connection import connect
from executor.domain.finding import Finding, fault, of_clocks, ok, version_of, warning

#: Oldest version that the store was tried with.
OLDEST: Final = (6, 0)

#: Longest wait for an answer, seconds: somebody sits there and waits.
_PATIENCE_S: Final = 5.0

#: Members of a replica set of which one may be lost.
_ENOUGH: Final = 3

#: Time of one call from which on starts are late, seconds: each second is cleared by one.
_SLOW_S: Final = 0.1


def examine(uri: str) -> Iterator[Finding]:
    """Look at the store that *uri* names; never raises."""
    database = connect(uri, _PATIENCE_S).database
    try:
        database.client.admin.command("ping")
        sent, began = datetime.now(UTC), time.monotonic()
        hello = database.client.admin.command("hello")
        took = time.monotonic() - began
        version = str(database.client.server_info()["version"])
        yield _version(version)
        yield _speed(took)
        theirs = hello["localTime"].replace(tzinfo=UTC)
        yield of_clocks("MongoDB", theirs, sent, took)
        yield _members(hello)
        yield _rights(database)
    except PyMongoError as error:
        fix = "is it running there, and are host, user, password, replica set of MONGODB_URI right?"
        # What follows are the driver's settings, and its view of every server.
        yield fault("MongoDB", str(error).split(" (configured ")[0], fix)
    finally:
        database.client.close()


def _version(version: str) -> Finding:
    if version_of(version) < OLDEST:
        return fault("MongoDB", f"is version {version}", "take 6.0 or later")
    return ok("MongoDB", f"version {version}")


def _speed(took_s: float) -> Finding:
    words = f"answers within {took_s * 1000:.0f} ms"
    if took_s > _SLOW_S:
        return warning("MongoDB's speed", words, "place executors near the primary")
    return ok("MongoDB's speed", words)


def _members(hello: dict[str, Any]) -> Finding:
    hosts = hello.get("hosts", [])
    if not hello.get("setName"):
        fix = "make it a replica set of three: a lone server keeps nothing when it is lost"
        return warning("replica set", "there is none", fix)
    if not hello.get("isWritablePrimary"):
        return fault("replica set", "has no primary now", "see rs.status()")
    words = f"{hello['setName']}, {len(hosts)} members that hold data"
    if len(hosts) < _ENOUGH:
        return warning("replica set", words, "three or more go on when one is lost")
    return ok("replica set", words)


def _rights(database: Any) -> Finding:
    database["executor"].find_one({})
    return ok("database", f"{database.name!r} can be read")
