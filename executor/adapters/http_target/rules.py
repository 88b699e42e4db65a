"""What the operator decides about all HTTP requests, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from executor.domain.address_policy import AddressPolicy

#: Requests of one host in flight at once.  Half of all that may be: as many as give the most
#: requests a second on one host, and one that hangs leaves the other half.
PER_HOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRules:
    """What holds for the request of every job.

    Attributes:
        refusal: takes an address that a request is about to connect to and returns why it
            must not, in words that follow the address, or None if it may.
        per_host: requests of one host in flight at most, so that one that never answers
            leaves room for all others.
        environment_proxies: whether ``http_proxy`` and its like are obeyed.  Of a request
            that goes through a proxy only the proxy's own address is seen here.
    """

    refusal: Callable[[str], str | None] = AddressPolicy.ANY.refusal
    per_host: int = PER_HOST
    environment_proxies: bool = True
