"""The address that web listens on: taken before anything is started.

Whoever starts an instance twice shall read one sentence about the port, not find a
process that keeps trying while its sibling already executes.
"""

from __future__ import annotations

import errno
import os
import socket

from executor.domain.errors import ConfigError, Fault


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Connections wait in it until web serves them, so nobody is refused while web starts.

    Raises:
        ConfigError: the port is taken or forbidden, or the address is not ours.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigError([Fault("SOLOCRON_HOST", f"{host!r}: {error.strerror}")]) from error
    listener = socket.socket(family, kind, protocol)
    try:
        # Connections of a former process that linger must not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ConfigError([_fault(host, port, error.errno or 0)]) from error
    return listener


def _fault(host: str, port: int, number: int) -> Fault:
    if number == errno.EADDRNOTAVAIL:
        return Fault("SOLOCRON_HOST", f"{host!r} is not an address of this machine")
    if number == errno.EADDRINUSE:
        return Fault("PORT", f"{port} is in use on {host}; stop what uses it, or set another port")
    return Fault("PORT", f"cannot listen on {host} port {port}: {os.strerror(number)}")
