"""Which addresses the requests of jobs may go to: the guard against forged requests.

Whoever may write a job chooses a URL, and the request is sent from inside the operator's
network.  So the operator says how far it may reach.  The judgement is about the address
that is connected to, never about the text of a URL: names, redirects, odd ways of writing
numbers and answers of name servers that change all end in an address.

Rules
-----
1. ``any`` allows everything.
2. ``private`` allows everything but this machine itself (loopback, unspecified), what is
   on the link only, what never is one receiver (multicast, broadcast, reserved), and the
   metadata services of clouds, which hand out credentials to whoever asks from inside.
3. ``public`` allows what is routed globally, and nothing that ``private`` refuses.
4. An IPv6 address that stands for an IPv4 address is judged as that: mapped, compatible,
   translated (RFC 6052) and 6to4.  Where the IPv4 address cannot be told for certain
   (NAT64 prefixes of a network's own, Teredo) the address is refused.
5. What is no address is refused.

The ranges are written out here, since those of Python's ``ipaddress`` differ from release
to release.  Source: the special-purpose address registries of IANA (RFC 6890), 2025.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_Ranges = tuple[tuple[_Network, str], ...]

#: The variable whose value is the policy; refusals name it, since it is what to change.
VARIABLE: Final = "SOLOCRON_HTTP_TARGETS"


def _ranges(*rows: tuple[str, str]) -> _Ranges:
    return tuple((ip_network(text), kind) for kind, texts in rows for text in texts.split())


#: What ``private`` and ``public`` refuse, and what it is.  Metadata services that are not
#: link-local: Alibaba Cloud, Azure, Oracle; AWS and Google over IPv6.
#: Sources: the providers' documents of their instance metadata services.
_NEVER: Final = _ranges(
    ("a metadata service", "169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200"),
    ("a metadata service", "168.63.129.16 192.0.0.192"),
    ("a metadata service", "fd00:ec2::254 fd00:ec2::23 fd20:ce::254"),
    ("a loopback address", "127.0.0.0/8 ::1"),
    ("an unspecified address", "0.0.0.0/8 ::"),
    ("a link-local address", "169.254.0.0/16 fe80::/10"),
    ("a multicast address", "224.0.0.0/4 ff00::/8"),
    ("a reserved address", "240.0.0.0/4"),
    ("a Teredo address", "2001::/32"),
    ("an address behind a network's own NAT64", "64:ff9b:1::/48"),
)

#: What ``public`` refuses besides: reachable for somebody, but not from everywhere.
_NOT_GLOBAL: Final = _ranges(
    ("a private address", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"),
    ("a provider's shared address", "100.64.0.0/10"),
    ("a special-purpose address", "192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 2001::/23"),
    ("a documentation address", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24"),
    ("a documentation address", "2001:db8::/32 3fff::/20"),
)

#: All global unicast of IPv6 (RFC 4291); the rest is local or not assigned.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")

#: Prefixes of IPv6 addresses that stand for an IPv4 address, and how many bits stand
#: below it.  RFC 4291 2.5.5 (compatible, mapped), RFC 2765 (translated), RFC 6052
#: (NAT64), RFC 3056 (6to4).
_EMBEDDING: Final = tuple(
    (IPv6Network(prefix), below)
    for prefix, below in (
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0),
        ("2002::/16", 80),
        ("::/96", 0),
    )
)

#: Judgements kept: jobs call the same few thousand hosts again and again.
_KEPT: Final = 4096


class AddressPolicy(StrEnum):
    """How far requests may reach; the values are what the setting takes."""

    ANY = "any"
    PRIVATE = "private"
    PUBLIC = "public"

    def refusal(self, address: str) -> str | None:
        """Return why a request must not connect to *address*, None if it may.

        Args:
            address: as the system writes it after resolving, ``169.254.169.254`` or
                ``fe80::1%eth0``; no name, and none of the short forms people write.

        >>> AddressPolicy.PRIVATE.refusal("10.0.0.5")
        >>> AddressPolicy.PRIVATE.refusal("::ffff:127.0.0.1")
        'a loopback address, which SOLOCRON_HTTP_TARGETS=private does not allow'
        """
        kind = None if self is AddressPolicy.ANY else _refused_kind(address, self)
        return kind and f"{kind}, which {VARIABLE}={self} does not allow"


@lru_cache(maxsize=_KEPT)
def _refused_kind(text: str, policy: AddressPolicy) -> str | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "no IP address"
    # Before what is embedded is looked for: ::1 has the form of a compatible address.
    kind = _kind(address, _NEVER)
    if kind is None:
        address = _embedded(address) or address
        kind = _kind(address, _NEVER)
    if kind is None and policy is AddressPolicy.PUBLIC:
        kind = _kind(address, _NOT_GLOBAL)
        if kind is None and isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
            kind = "a private or unassigned address"
    return kind


def _kind(address: _Address, ranges: Iterable[tuple[_Network, str]]) -> str | None:
    return next((kind for network, kind in ranges if address in network), None)


def _embedded(address: _Address) -> IPv4Address | None:
    """Return the IPv4 address that *address* stands for, None if it stands for itself."""
    if isinstance(address, IPv6Address):
        for prefix, below in _EMBEDDING:
            if address in prefix:
                return IPv4Address(int(address) >> below & 0xFFFFFFFF)
    return None
