"""A request of a run, written down: everything but the sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pycurl

from executor.adapters import handoff
from executor.adapters.captured_output import CapturedOutput
from executor.adapters.handoff import Prepared
from executor.adapters.http_target.call_back import call_back_headers
from executor.adapters.http_target.guard import Guard
from executor.adapters.http_target.redirect import redirected
from executor.adapters.http_target.request import Identify, prepare, release
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.http_target.signature import signed
from executor.domain.targets import HttpTarget
from executor.ports.clock import Clock
from executor.ports.keys import Opener
from executor.ports.target import Work

#: libcurl counts milliseconds in 32 bits on some platforms: 24 days.
_LONGEST_TIMEOUT_MS: Final = 2**31 - 1


@dataclass(slots=True)
class Flight:
    """A request and what it has answered so far.

    Attributes:
        target: what was sent last; each redirect makes another one of it.
        timeout_ms: for the whole exchange, of which ``spent_ms`` went into ``redirects``.
    """

    work: Work
    target: HttpTarget
    timeout_ms: int
    curl: pycurl.Curl
    body: CapturedOutput
    guard: Guard
    prepared: Prepared
    spent_ms: int = 0
    redirects: int = 0


class Writer:
    """Writes works down as requests, and has the handles that are not in use.

    Args:
        new_handle: makes a handle with what all requests have in common.
        output_limit: bytes kept of each answer's body.
        opener: opens secrets; None if there is no key.
        url: where services call back to; None: they are told of no such place.
        identify: returns the header lines that say who sends a request.
    """

    def __init__(
        self,
        clock: Clock,
        new_handle: Callable[[], pycurl.Curl],
        output_limit: int,
        rules: HttpRules,
        opener: Opener | None,
        url: str | None,
        identify: Identify,
    ) -> None:
        self._clock = clock
        self._new_handle = new_handle
        self._output_limit = output_limit
        self._rules = rules
        self._opener = opener
        self._url = url
        self._identify = identify
        self._idle: list[pycurl.Curl] = []

    def write(self, work: Work) -> Flight:
        """Return *work* as a request; its handle is the caller's until it is given back.

        Raises:
            NoSecretKey, SecretUnreadable: see :func:`handoff.prepare`.
            ValueError: it cannot be written down; says why, and no secret.
        """
        prepared = handoff.prepare(work, self._opener)
        target = prepared.target
        if not isinstance(target, HttpTarget):
            raise TypeError(f"{target.kind} is not an HTTP target")
        timeout_ms = milliseconds(min(target.timeout, work.definition.timeout).total_seconds())
        curl = self._idle.pop() if self._idle else self._new_handle()
        body = prepared.capture(self._output_limit)
        flight = Flight(work, target, timeout_ms, curl, body, Guard(self._rules.refusal), prepared)
        try:
            self._set_options(flight)
        except Exception as error:
            self.take_back(curl)
            raise ValueError(prepared.clear(str(error))) from error
        return flight

    def follow(self, flight: Flight, url: str) -> None:
        """Make *flight*, whose handle still holds what libcurl knows of it, go on to *url*.

        Raises:
            ValueError: the request cannot be written down.
        """
        flight.redirects += 1
        flight.spent_ms += int(flight.curl.getinfo(pycurl.TOTAL_TIME) * 1000)
        status = flight.curl.getinfo(pycurl.RESPONSE_CODE)
        flight.target = redirected(flight.target, status, url)
        flight.body = flight.prepared.capture(self._output_limit)
        self._set_options(flight)

    def _set_options(self, flight: Flight) -> None:
        own = [
            *signed(flight.target, flight.prepared.secrets, self._clock.now()),
            *call_back_headers(flight.target, flight.work, self._url),
        ]
        prepare(
            flight.curl,
            flight.work.run,
            flight.target,
            max(1, flight.timeout_ms - flight.spent_ms),
            flight.body.add,
            flight.guard,
            own,
            self._identify,
        )

    def take_back(self, curl: pycurl.Curl) -> None:
        """Keep the handle of a request that is over, or will not be sent, for another one."""
        release(curl)
        self._idle.append(curl)

    def close(self) -> None:
        """Close the handles that are not in use."""
        for curl in self._idle:
            curl.close()


def milliseconds(seconds: float) -> int:
    """Return *seconds* as libcurl wants them: at least one millisecond, and not too many."""
    return min(max(1, int(seconds * 1000)), _LONGEST_TIMEOUT_MS)
