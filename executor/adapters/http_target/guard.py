"""The guard: no socket for an address that the operator does not allow.

libcurl asks for a socket after a name has been resolved and right before it connects, for
every address that it tries and again for every redirect.  So what is judged is what is
connected to: there is no moment between the two in which a name server could change its
mind, and no way of writing a URL that means another address here than there.  Kept
connections are not asked about again; they were allowed when they were made.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

import pycurl

#: Families whose addresses can be judged; there is no URL that leads to another one.
_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})


class Guard:
    """Hands out the sockets of one request.

    Attributes:
        refused: the address that was refused and why, in words; None if none was, or if
            another one was allowed after it, whose fate is then the better thing to tell.
    """

    __slots__ = ("_refusal", "refused")

    def __init__(self, refusal: Callable[[str], str | None]) -> None:
        self._refusal = refusal
        self.refused: str | None = None

    def open(self, _purpose: int, to: pycurl.CurlSockAddr) -> object:
        """Return a socket to connect with, or what tells libcurl that there is none.

        libcurl then tries the name's next address; if there is none, the request ends as
        one that could not connect.
        """
        host = to.addr[0] if to.family in _INTERNET else None
        address = host if isinstance(host, str) else "what is no internet address"
        refusal = self._refusal(address)
        if refusal is None:
            self.refused = None
            return _Lent(socket.socket(to.family, to.socktype, to.protocol))
        self.refused = f"{address}, {refusal}"
        return pycurl.SOCKET_BAD


class _Lent:
    """A socket until pycurl has made its own descriptor of it, which it does at once.

    That descriptor is not marked close-on-exec, as libcurl's own sockets are: programs have
    to be started with all descriptors closed, which is how command targets start theirs.
    """

    __slots__ = ("_socket",)

    def __init__(self, lent: socket.socket) -> None:
        self._socket = lent

    def fileno(self) -> int:
        """Return the descriptor, for duplicating."""
        return self._socket.fileno()

    def __del__(self) -> None:
        self._socket.close()
