"""Moments at which an ambush may wait: a call of the store, by its kind and by what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from executor.domain.run import AWAITING, Reason
from executor.engine.store_requests import AdoptRuns, Record, Request


class Parking:
    """Rows are written as waiting for more than time."""


class Calling:
    """Rows of this term are adopted once more, to start: their waiting is over."""


class Joining:
    """Rows of several parents become one: those that were waited for are recorded as joined."""


def kinds_of(request: Request) -> Iterator[type[object]]:
    """Yield what *request* is."""
    yield type(request)
    if isinstance(request, AdoptRuns):
        parks = any(adoption.clear_at >= AWAITING for adoption in request.adoptions)
        if parks:
            yield Parking
        elif any(adoption.from_term == request.term for adoption in request.adoptions):
            yield Calling
    elif isinstance(request, Record) and any(
        change.reason is Reason.JOINED for change in request.changes
    ):
        yield Joining
