"""*Channels*: on which ways people are told of their jobs, and whether a message arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import Response

from executor.domain.channel import CHANNELS, EmailChannel
from executor.domain.named import Broken
from executor.ports.store import Readers
from web.channels import test_channel
from web.ui.frame import Shelf, Visit, carried_out, show

SHELF: Final = Shelf()

HERE: Final = "/ui/channels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list; no kind if its record cannot be read."""

    name: str
    kind: str = ""
    place: str = ""


@SHELF.add("GET", HERE)
def list_of_channels(visit: Visit) -> Response:
    """Show the channels."""
    rows = sorted(_rows(visit.services.readers), key=lambda row: row.name)
    return show(visit, "ui/channels.html", title="Channels", rows=rows)


def _rows(readers: Readers) -> Iterator[Row]:
    for one in readers.list_named(CHANNELS):
        if isinstance(one, Broken):
            yield Row(name=one.name)
        elif isinstance(one.value, EmailChannel):
            yield Row(name=one.name, kind=one.value.kind, place=", ".join(one.value.to))
        else:
            yield Row(name=one.name, kind=one.value.kind, place=one.value.url)


@SHELF.add("POST", "/ui/channels/{channel}/test")
def send_test(visit: Visit) -> Response:
    """Send a test message, and say whether it has arrived."""
    name = visit.path["channel"]

    def told(response: Response) -> tuple[str, bool]:
        answer = response.get_json() or {}
        if answer.get("last_error"):
            return f"It did not arrive at {name}: {answer['last_error']}.", True
        if answer.get("state") == "delivered":
            return f"The test message has arrived at {name}.", False
        return f"The test message to {name} is on its way.", False

    return carried_out(test_channel, visit.call(), told, HERE)
