"""Whose word about a client's address is believed.

Every proxy appends the address of who has connected to it to ``X-Forwarded-For``; what comes
before that anybody may have written.  So the list is read from its end, as far as the proxies
that the operator trusts go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

#: Proxies in a row at most: more is a misunderstanding of the setting.
_MOST: Final = 20

#: Longest address, characters: IPv6 with an embedded IPv4 address and a zone.
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """So many proxies in a row, or those in *networks*, tell the truth about who they serve."""

    count: int = 0
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> TrustedProxies:
        """Read a number, or addresses and networks with commas between.

        Raises:
            ValueError: it is neither.

        >>> TrustedProxies.from_text("10.0.0.0/8, ::1").client("10.1.1.1", "6.6.6.6, 192.0.2.7")
        '192.0.2.7'
        """
        if text.isascii() and text.isdigit():
            if int(text[:9]) > _MOST:
                raise ValueError(f"{text!r} proxies in a row are more than {_MOST}")
            return cls(count=int(text))
        try:
            return cls(networks=tuple(ip_network(part.strip()) for part in text.split(",")))
        except ValueError:
            raise ValueError(
                f"{text!r} is neither a number of proxies nor addresses or networks with commas "
                "between, such as 10.0.0.0/8,192.0.2.1"
            ) from None

    def client(self, peer: str, forwarded: str) -> str:
        """Return the address of the client.

        Args:
            peer: who has connected to us.
            forwarded: the ``X-Forwarded-For`` that came with the request.
        """
        chain = [part.strip()[:_LONGEST] for part in forwarded.split(",") if part.strip()]
        return self._walk([*chain, peer])

    def _walk(self, chain: Sequence[str]) -> str:
        """Go back from the last of *chain* over those that are trusted."""
        last = len(chain) - 1
        place = last
        while place > 0 and self._trusts(chain[place], last - place):
            place -= 1
        return chain[place]

    def _trusts(self, address: str, passed: int) -> bool:
        if passed < self.count:
            return True
        try:
            known = ip_address(address)
        except ValueError:
            return False
        # On a socket for both families a proxy with IPv4 shows up as ::ffff:10.1.1.1.
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in self.networks)

    def __str__(self) -> str:
        return ",".join(map(str, self.networks)) or str(self.count)


#: Nobody is believed.
NO_PROXIES: Final = TrustedProxies()
