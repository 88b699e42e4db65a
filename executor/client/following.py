"""What a run says, piece by piece as it says it, through any instance.

Rules
-----
1. A connection that breaks, an instance that stops and a stream that ends after its time are
   nothing special: it goes on at the same place.  Only when nothing comes for several attempts in
   a row is it given up.
2. Behind the end of the run nothing follows; a repetition is another run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from executor.client.connection import Connection, NoAnswer, Refusal, path_of

#: Attempts in a row without news, and the pause between two, seconds: together longer than a
#: failover, or the restart of an instance, takes.
_ATTEMPTS: Final = 20
_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that happened: ``kind`` is ``output``, ``gap`` or ``end``."""

    kind: str
    facts: dict[str, Any]


@dataclass(slots=True)
class _Event:
    """What the lines of one server-sent event say so far."""

    kind: str = ""
    data: list[str] = field(default_factory=list)
    id: str = ""

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self.kind = value
        elif name == "data":
            self.data.append(value)
        elif name == "id":
            self.id = value


def follow(
    connection: Connection, run_id: str, pause: Callable[[float], None] = time.sleep
) -> Iterator[Piece]:
    """Yield what the run says from its start to its end; the last piece is the ``end``.

    Raises:
        NoAnswer: nobody answers any more.
        Refusal: there is no such run, or it may not be read.
    """
    offset, left = "0", _ATTEMPTS
    while True:
        try:
            for event in _events(connection, run_id, offset):
                left = _ATTEMPTS
                if event.data:
                    yield Piece(event.kind, json.loads("\n".join(event.data)))
                if event.kind == "end":
                    return
                offset = event.id or offset
        except NoAnswer:
            if not (left := left - 1):
                raise
            pause(_PAUSE_S)
        except Refusal as refusal:
            left -= 1
            if refusal.status != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                raise
            pause(_PAUSE_S)


def _events(connection: Connection, run_id: str, offset: str) -> Iterator[_Event]:
    path = f"{path_of('runs', run_id, 'output')}?follow=1&offset={offset}"
    event = _Event()
    for line in connection.lines(path, {"Accept": "text/event-stream"}):
        if line:
            event.take(line)
        elif event.kind or event.id:
            yield event
            event = _Event()
