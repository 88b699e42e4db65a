"""How often something may come from one place before it has to wait: a leaky bucket for each.

For failed logins, by address, and for pings, by job.  It is kept in memory, for this process
alone: where several instances serve, each allows as much.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

#: Places that are remembered; those that came longest ago are forgotten first.
REMEMBERED: Final = 10_000

#: Bits of an IPv6 address that one customer of a provider does not choose himself.
_IPV6_BITS: Final = 64


class Allowance:
    """Counts what comes, by place; any thread may ask.

    A place never waits for longer than *every_s*: what comes although it should wait is counted
    only until its bucket is full.  So whoever has made a mistake a thousand times, or shares his
    address with somebody who has, is not kept out for hours.

    Args:
        most: so many at once, before anything has to wait.
        every_s: how soon after that, in seconds, another one may come.
    """

    def __init__(self, most: int, every_s: float) -> None:
        self._most, self._every_s = most, every_s
        self._lock = threading.Lock()
        #: By place, when (monotonic) all that came from there is forgotten.
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, place: str, now: float) -> float:
        """Return the seconds from *now* (monotonic) until one of *place* may come; 0: at once."""
        with self._lock:
            until = self._free_at.get(place, 0.0) - (self._most - 1) * self._every_s
        return max(until - now, 0.0)

    def note(self, place: str, now: float) -> None:
        """Count one of *place*, which came *now*."""
        with self._lock:
            counted = max(self._free_at.get(place, now), now) + self._every_s
            self._free_at[place] = min(counted, now + self._most * self._every_s)
            self._free_at.move_to_end(place)
            while len(self._free_at) > REMEMBERED:
                self._free_at.popitem(last=False)


def place_of(address: str) -> str:
    """Return the place that a client's *address* is counted under."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(ip_network((known, _IPV6_BITS), strict=False))
    return address
