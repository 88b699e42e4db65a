"""What the operator decides about all HTTP requests, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from executor.domain.address_policy import AddressPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRules:
    """What holds for the request of every job.

    Attributes:
        refusal: takes an address that a request is about to connect to and returns why it
            must not, in words that follow the address, or None if it may.
        environment_proxies: whether ``http_proxy`` and its like are obeyed.  Of a request
            that goes through a proxy only the proxy's own address is seen here.
    """

    refusal: Callable[[str], str | None] = AddressPolicy.ANY.refusal
    environment_proxies: bool = True
