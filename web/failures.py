"""Failed logins: how many of an address are looked into.

A token cannot be guessed, but asking the store about every guess costs something.  Beyond the
limit unknown tokens of an address are refused without a look; known ones go on working, so that
nobody can lock out others who share his address.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from executor.ports.clock import Clock

#: Failures of one address that are looked into before the limit applies, and how soon, in
#: seconds, another one is.
MOST: Final = 10
EVERY_S: Final = 6.0

#: Addresses that are remembered; the ones that failed longest ago are forgotten first.
REMEMBERED: Final = 10_000

#: Bits of an IPv6 address that one customer of a provider does not choose himself.
_IPV6_BITS: Final = 64


class Failures:
    """Counts failures by address; any thread may ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By address, when (monotonic) all its failures are forgiven.
        self._forgiven_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return the seconds until a failure of *address* is looked into; 0: now."""
        with self._lock:
            until = self._forgiven_at.get(_place(address), 0.0) - (MOST - 1) * EVERY_S
        return max(until - self._clock.monotonic(), 0.0)

    def note(self, address: str) -> None:
        """Count a failure of *address*."""
        now, place = self._clock.monotonic(), _place(address)
        with self._lock:
            until = max(self._forgiven_at.get(place, now), now) + EVERY_S
            self._forgiven_at[place] = until
            self._forgiven_at.move_to_end(place)
            while len(self._forgiven_at) > REMEMBERED:
                self._forgiven_at.popitem(last=False)


def _place(address: str) -> str:
    """Return what *address* is counted under."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(ip_network((known, _IPV6_BITS), strict=False))
    return address
