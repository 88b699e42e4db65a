"""From what libcurl reports to how the run ended, in words for a person."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final

import pycurl

from executor.adapters.http_target.redirect import MOST_REDIRECTS
from executor.adapters.http_target.request import place_of
from executor.adapters.http_target.transfers import Ended
from executor.domain.run import Outcome, Output, RunState
from executor.domain.targets import HttpTarget

#: libcurl's timers and TOTAL_TIME are read from the clock one after the other, milliseconds.
_TIMER_SLACK_MS: Final = 5


def outcome_of(
    ended: Ended,
    target: HttpTarget,
    timeout_ms: int,
    output: Output | None,
    refused: str | None = None,
    spent_ms: int = 0,
) -> Outcome:
    """Judge a transfer that is over; its handle must still hold what libcurl knows of it.

    Args:
        target: what was sent last, after all redirects.
        timeout_ms: of the whole exchange.
        refused: the address that the guard refused last, and why; None if it let it pass.
        spent_ms: how much of the time the redirects before this transfer have taken.
    """
    status: int | None = ended.curl.getinfo(pycurl.RESPONSE_CODE) or None
    if ended.code == pycurl.E_OK and status is not None:
        error = _unexpected(status, target, output)
        if error is None:
            return Outcome(state=RunState.SUCCEEDED, http_status=status, output=output)
        return Outcome(
            state=RunState.FAILED,
            http_status=status,
            # libcurl reads seconds and dates; 0 is that there was neither, or one gone by.
            retry_after=ended.curl.getinfo(pycurl.RETRY_AFTER) or None,
            error=error,
            output=output,
        )
    if _ran_out_of_time(ended, timeout_ms - spent_ms):
        error = f"no complete answer within {timeout_ms / 1000:g} s"
        return Outcome(state=RunState.TIMED_OUT, http_status=status, error=error, output=output)
    error = _explained(ended, target, refused)
    return Outcome(state=RunState.FAILED, http_status=status, error=error, output=output)


@lru_cache(maxsize=1000)
def is_expected(status: int, expect: tuple[str, ...]) -> bool:
    """Return whether *status* is one of *expect*: statuses (``204``) or classes (``2xx``)."""
    return str(status) in expect or f"{status // 100}xx" in expect


def _unexpected(status: int, target: HttpTarget, output: Output | None) -> str | None:
    """Return why a complete answer is not the expected one, None if it is."""
    if not is_expected(status, target.expect):
        return f"the target answered {status}; expected {' or '.join(target.expect)}"
    return target.expect_body.shortfall(output) if target.expect_body is not None else None


def _ran_out_of_time(ended: Ended, left_ms: int) -> bool:
    if ended.code != pycurl.E_OPERATION_TIMEDOUT:
        return False
    elapsed: float = ended.curl.getinfo(pycurl.TOTAL_TIME)
    return elapsed * 1000 >= left_ms - _TIMER_SLACK_MS


def _explained(ended: Ended, target: HttpTarget, refused: str | None) -> str:
    where = place_of(_last_url(ended.curl) or target.url)
    host = where.rpartition(":")[0]
    if ended.code == pycurl.E_COULDNT_CONNECT and refused is not None:
        return f"{where} resolves to {refused}"
    if ended.code == pycurl.E_COULDNT_CONNECT:
        number = ended.curl.getinfo(pycurl.OS_ERRNO)
        return f"could not connect to {where}: {os.strerror(number) if number else ended.text}"
    if ended.code == pycurl.E_COULDNT_RESOLVE_HOST:
        return f"could not find the address of host {host}"
    if ended.code == pycurl.E_OPERATION_TIMEDOUT:
        return f"could not connect to {where} in time: {ended.text}"
    if ended.code == pycurl.E_GOT_NOTHING:
        return f"{where} closed the connection without an answer"
    if ended.code == pycurl.E_TOO_MANY_REDIRECTS:
        return f"gave up after {MOST_REDIRECTS} redirects, the last to {where}"
    if ended.code == pycurl.E_UNSUPPORTED_PROTOCOL:
        return f"the target redirected to something that is neither http nor https: {ended.text}"
    return f"the request to {where} failed: {ended.text or f'libcurl error {ended.code}'}"


def _last_url(curl: pycurl.Curl) -> str:
    """Return where the last request of a chain of redirects went, empty if nobody knows."""
    try:
        # Raw, because the URL of a redirect may be no text at all.
        url: bytes = curl.getinfo_raw(pycurl.EFFECTIVE_URL)
    except pycurl.error:
        # libcurl has none to tell of a URL that it could not take apart (http://a%00b/).
        return ""
    return url.decode("utf-8", "replace")
