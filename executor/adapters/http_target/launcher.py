"""The launcher of HTTP targets: what waits, what is in flight, what ends.

One thread owns everything here but the inbox.  Works that exceed the capacity wait in
``line``, in the order in which they came but for hosts that are full.  Every turn of the
loop starts a few of them, so that the first requests are on the wire while the others are
still being written down.  What there is to report waits meanwhile, see ``reports``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from threading import Thread
from typing import Final

import pycurl

from executor.adapters.captured_output import OUTPUT_LIMIT
from executor.adapters.http_target.ahead import Ahead
from executor.adapters.http_target.answer import outcome_of
from executor.adapters.http_target.call_back import goes_on
from executor.adapters.http_target.flight import Flight, Writer, milliseconds
from executor.adapters.http_target.line import Line
from executor.adapters.http_target.redirect import MOST_REDIRECTS, leads_to
from executor.adapters.http_target.reports import Reports
from executor.adapters.http_target.request import (
    Identify,
    new_handle,
    place_of,
    run_headers,
    system_authorities,
)
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.http_target.transfers import Ended, Transfers
from executor.adapters.inbox import Inbox
from executor.domain.run import Outcome, Reason, RunState
from executor.domain.targets import HttpTarget
from executor.ports.clock import Clock
from executor.ports.keys import Opener
from executor.ports.target import Work, WorkListener

#: Requests in flight at once.  Measured: 100 to 200 give the most requests a second, and
#: two descriptors for each stay within the usual limit of 1,024.
PARALLEL: Final = 200

#: Seconds for resolving, connecting and the TLS handshake: three lost SYN packets, which
#: are repeated after 1, 3 and 7 s, and no more.
CONNECT_TIMEOUT_S: Final = 10.0

#: Requests begun in one turn of the loop, about half a millisecond of work.
_BURST: Final = 16

#: Seconds :meth:`HttpLauncher.stop` waits: libcurl may be stuck in a name server's silence.
_STOP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Cancel:
    run_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Prepare:
    works: Sequence[Work]


class _Stop:
    """Ends the loop."""


_Message = Sequence[Work] | _Prepare | _Cancel | _Stop


class HttpLauncher:
    """A :class:`~executor.ports.target.Launcher` for HTTP targets.

    Args:
        parallel: requests in flight at most; further works wait, first come, first served.
        connect_timeout_s: seconds for resolving, connecting and the TLS handshake.
        output_limit: bytes kept of each answer's body.
        authorities: file of the certificates to trust; by default the system's.
        rules: what the operator allows requests; by default everything.
        opener: opens secrets; None if there is no key.
        url: where services call back to; None: they are told of no such place.
        identify: returns the header lines that say who sends a request; by default those of runs.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        *,
        parallel: int = PARALLEL,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        output_limit: int = OUTPUT_LIMIT,
        authorities: str | None = None,
        rules: HttpRules | None = None,
        opener: Opener | None = None,
        url: str | None = None,
        identify: Identify = run_headers,
    ) -> None:
        self._inbox: Inbox[_Message] = Inbox()
        rules = rules or HttpRules()
        handles = partial(
            new_handle, milliseconds(connect_timeout_s), authorities or system_authorities(), rules
        )
        writer = Writer(clock, handles, output_limit, rules, opener, url, identify)
        line = Line(_host_of, rules.per_host)
        loop = _Loop(self._inbox, listener, clock, parallel, line, writer)
        self._thread = Thread(target=loop.run, name="http-targets", daemon=True)
        self._thread.start()

    def prepare(self, works: Sequence[Work]) -> None:
        """Write the requests down, as far as that is possible.  Returns at once."""
        self._inbox.put(_Prepare(works))

    def start(self, works: Sequence[Work]) -> None:
        """Send the requests as soon as capacity allows.  Returns at once; any thread may call."""
        self._inbox.put(tuple(works))

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Break the request off; it finishes as cancelled(*reason*).  Unknown ids do nothing."""
        self._inbox.put(_Cancel(run_id, reason))

    def recall(self, work: Work, reason: Reason) -> None:
        """Do nothing: a service that calls back cannot be asked."""

    def stop(self) -> None:
        """Break everything off without reporting, and end the thread."""
        self._inbox.put(_Stop())
        self._thread.join(_STOP_S)


class _Loop:
    """What the thread owns."""

    def __init__(
        self,
        inbox: Inbox[_Message],
        listener: WorkListener,
        clock: Clock,
        parallel: int,
        line: Line,
        writer: Writer,
    ) -> None:
        self._inbox = inbox
        self._may_start = listener.may_start
        self._reports = Reports(listener, clock)
        self._parallel = parallel
        self._line = line
        self._writer = writer
        self._ahead = Ahead(writer)
        self._flights: dict[str, Flight] = {}
        self._flying: dict[pycurl.Curl, Flight] = {}
        self._transfers = Transfers(inbox.fd, clock.monotonic, keep=parallel)
        self._stopping = False

    def run(self) -> None:
        """Serve until told to stop."""
        while not self._stopping:
            for ended in self._transfers.step(self._patience()):
                self._judge(ended)
            for message in self._inbox.take():
                self._obey(message)
            self._begin_some()
            if not self._can_begin():
                self._ahead.write_some(_BURST)
            if self._reports.wait_s <= 0 or (self._line.is_empty and self._transfers.at_rest):
                self._reports.pass_on()
        self._close()

    def _patience(self) -> float:
        """Return for how many seconds to sleep unless something happens."""
        wait_s = self._reports.wait_s
        if self._can_begin() or not self._ahead.is_idle or (self._line.is_empty and wait_s < inf):
            return 0.0
        return wait_s

    def _obey(self, message: _Message) -> None:
        if isinstance(message, _Stop):
            self._stopping = True
        elif isinstance(message, _Cancel):
            self._cancel(message)
        elif isinstance(message, _Prepare):
            self._ahead.add(message.works)
        else:
            self._line.add(message)

    def _can_begin(self) -> bool:
        return self._line.may_move() and len(self._flights) < self._parallel

    def _begin_some(self) -> None:
        for _ in range(_BURST):
            if self._stopping or not self._can_begin():
                return
            work = self._line.take()
            if work is None:
                continue
            if not self._may_start():
                self._line.leave(work)
                self._reports.not_started(work.run.id)
                continue
            # One run that cannot be written down as a request must not end the thread.
            try:
                self._begin(work)
            except Exception as error:
                self._line.leave(work)
                refused = Outcome(state=RunState.FAILED, error=f"no request was sent: {error}")
                self._reports.finished(work.run.id, refused)

    def _begin(self, work: Work) -> None:
        flight = self._ahead.take(work) or self._writer.write(work)
        try:
            self._transfers.add(flight.curl)
        except BaseException:
            self._writer.take_back(flight.curl)
            raise
        self._flights[work.run.id] = self._flying[flight.curl] = flight
        self._reports.started(work.run.id)

    def _judge(self, ended: Ended) -> None:
        flight = self._flying[ended.curl]
        if goes_on(ended, flight.target):
            self._let_go(flight)
            self._reports.handed_over(flight.work.run.id)
            return
        # One answer that nobody foresaw must not end the thread, and all other runs with it.
        try:
            outcome = self._outcome(flight, ended)
        except Exception as error:
            words = f"the answer could not be judged: {error}"
            outcome = Outcome(state=RunState.FAILED, error=words, output=flight.body.output())
        if outcome is None:
            return
        if outcome.error is not None:
            outcome = replace(outcome, error=flight.prepared.clear(outcome.error))
        self._end(flight, outcome)

    def _outcome(self, flight: Flight, ended: Ended) -> Outcome | None:
        """Judge the answer; None if it led elsewhere and another request is on its way."""
        url = leads_to(ended) if flight.target.follow_redirects else None
        if url is not None and flight.redirects < MOST_REDIRECTS:
            self._transfers.drop(flight.curl)
            self._writer.follow(flight, url)
            self._transfers.add(flight.curl)
            return None
        if url is not None:
            ended = ended._replace(code=pycurl.E_TOO_MANY_REDIRECTS)
        output, refused = flight.body.output(), flight.guard.refused
        return outcome_of(ended, flight.target, flight.timeout_ms, output, refused, flight.spent_ms)

    def _cancel(self, cancel: _Cancel) -> None:
        waiting = self._line.drop(cancel.run_id)
        flight = self._flights.get(cancel.run_id)
        if waiting is not None:
            outcome = Outcome(state=RunState.CANCELLED, reason=cancel.reason)
            self._reports.finished(cancel.run_id, outcome)
        elif flight is not None:
            output = flight.body.output()
            outcome = Outcome(state=RunState.CANCELLED, reason=cancel.reason, output=output)
            self._end(flight, outcome)

    def _end(self, flight: Flight, outcome: Outcome) -> None:
        self._let_go(flight)
        self._reports.finished(flight.work.run.id, outcome)

    def _let_go(self, flight: Flight) -> None:
        self._transfers.drop(flight.curl)
        del self._flights[flight.work.run.id], self._flying[flight.curl]
        self._writer.take_back(flight.curl)
        self._line.leave(flight.work)

    def _close(self) -> None:
        self._inbox.close()
        for flight in self._flights.values():
            self._transfers.drop(flight.curl)
            flight.curl.close()
        self._ahead.close()
        self._writer.close()
        self._transfers.close()


def _host_of(work: Work) -> str:
    target = work.definition.target
    return place_of(target.url) if isinstance(target, HttpTarget) else ""
