"""Which hosts are this machine itself?

What is sent there leaves the machine by no wire and meets no proxy, and nobody else hears it.
"""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """Whether *host*, a name or an address without brackets, is this machine.

    Any name other than ``localhost`` may lead anywhere, and none is looked up.

    >>> is_loopback("127.0.0.9"), is_loopback("::1"), is_loopback("localhost"), is_loopback("a.b")
    (True, True, True, False)
    """
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return (host or "").lower() == "localhost"
