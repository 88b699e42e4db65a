"""Waiting on facts: the only place in the tests that lets time pass.

A test never sleeps for "long enough".  It names the fact it needs and how long
that fact may take; the wait ends at once when the fact is there and fails, with
the name of the fact, when it does not come.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two looks at the fact, at first: short beside anything that is waited for.
POLL_S = 0.02

#: Of a wait that has lasted longer this part passes until the next look, up to so many seconds:
#: a look is often a request, whose work takes the processor from what is being waited for.
POLL_PART = 0.1
LONGEST_POLL_S = 0.2


def eventually(
    predicate: Callable[[], T],
    timeout_s: float,
    what: str,
    *,
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """Return the first true value of *predicate*.

    Args:
        predicate: Looked at once at least, and again until it is true.
        timeout_s: Seconds after which to give up.
        what: The fact in words, for the failure: "the queue has a consumer".
        ignoring: Exceptions of *predicate* that only mean "not yet".

    Raises:
        AssertionError: The fact did not come; says what was seen last.
    """
    pause = threading.Event()
    begun = time.monotonic()
    deadline = begun + timeout_s
    while True:
        seen: object
        try:
            value = predicate()
            if value:
                return value
            seen = value
        except ignoring as error:
            seen = error
        now = time.monotonic()
        if now >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what} (last seen: {seen!r})")
        pause.wait(min(max(POLL_S, POLL_PART * (now - begun)), LONGEST_POLL_S))
