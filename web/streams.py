"""How a followed output is written down: as text for people, as events for browsers.

Text is what the run said and nothing else, but for notes in words, each on a line of its
own, where something is missing, where it has been silent for long, and at the end.

Events are server-sent events (WHATWG HTML, 9.2).  Their data are JSON, so that every line
end arrives as it was.  The id of each is the offset behind it; a browser that reconnects
sends it as ``Last-Event-ID``.  Behind the event ``end`` there is nothing: its id says so,
and a browser that asks again all the same is answered with 204 and stops.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final, Protocol, assert_never

from executor.domain.run import Run
from web.following import Left, Missing, Over, Said, Silent, Step

#: The id of the event ``end``.
END_ID: Final = "end"

#: Milliseconds after which a browser reconnects.
_RECONNECT_MS: Final = 1000


class Stream(Protocol):
    """One answer's writer; belongs to it alone."""

    #: What the answer is declared as.
    media_type: ClassVar[str]

    #: Seconds of silence after which something is written.
    alive_s: ClassVar[float]

    def write(self, step: Step) -> bytes:
        """Return *step* as it goes to the client."""
        ...


class PlainText:
    """``text/plain``: every proxy passes it on, and curl shows it."""

    media_type: ClassVar[str] = "text/plain"

    #: Below the 55 to 60 s after which proxies close a silent connection, and as late as that
    #: allows: it is seen.
    alive_s: ClassVar[float] = 45.0

    def __init__(self) -> None:
        self._line_is_open = False

    def write(self, step: Step) -> bytes:
        """Return what was said, or a note."""
        match step:
            case Said():
                self._line_is_open = not step.text.endswith("\n")
                return step.text.encode("utf-8", "replace")
            case Missing():
                return self._note(f"{step.end - step.offset:,} bytes are missing here")
            case Silent():
                return self._note(f"nothing for {step.seconds:.0f} s; it goes on")
            case Over():
                return self._note(f"the run is over{_in_words(step.run)}")
            case Left():
                return self._note(f"it goes on; follow it further with offset={step.position}")
            case _:
                assert_never(step)

    def _note(self, words: str) -> bytes:
        line_end = "\n" if self._line_is_open else ""
        self._line_is_open = False
        return f"{line_end}[solocron: {words}]\n".encode()


class EventStream:
    """``text/event-stream``: events ``output``, ``gap`` and ``end``."""

    media_type: ClassVar[str] = "text/event-stream"

    #: Nobody sees it, so it may be often; a browser that has gone is noticed by it.
    alive_s: ClassVar[float] = 15.0

    def __init__(self) -> None:
        self._preamble = f"retry: {_RECONNECT_MS}\n\n"

    def write(self, step: Step) -> bytes:
        """Return the event; the first one comes with the time after which to reconnect."""
        preamble, self._preamble = self._preamble, ""
        return (preamble + self._event(step)).encode()

    def _event(self, step: Step) -> str:
        match step:
            case Said():
                return _event("output", str(step.position), {"text": step.text})
            case Missing():
                return _event("gap", str(step.end), {"from": step.offset, "to": step.end})
            case Silent():
                return ": it goes on\n\n"
            case Over():
                return _event("end", END_ID, _end_document(step))
            case Left():
                # The connection ends, and a browser makes a new one by itself.
                return f"id: {step.position}\n\n"
            case _:
                assert_never(step)


def _event(kind: str, event_id: str, data: dict[str, Any]) -> str:
    # ASCII: half a surrogate pair could not be encoded, and line ends of Unicode are none here.
    return f"event: {kind}\nid: {event_id}\ndata: {json.dumps(data)}\n\n"


def _end_document(over: Over) -> dict[str, Any]:
    run = over.run
    return {
        "offset": over.position,
        "state": None if run is None else run.state,
        "reason": None if run is None else run.reason,
        "exit_code": None if run is None else run.exit_code,
        "error": None if run is None else run.error,
    }


def _in_words(run: Run | None) -> str:
    if run is None:
        return ", and its record removed"
    why = run.error or run.reason
    return f": {run.state} ({why})" if why else f": {run.state}"
