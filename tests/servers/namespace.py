"""Networks that can be cut: a process on the far end of a cable.

A :class:`Namespace` is a network of its own inside this machine, as a second
host would be.  Cables, pairs of virtual network cards, join it to the machine;
a process in it reaches a server of ours at ``cable.host_address``, provided that
the server listens there (``RabbitMQ(bind="0.0.0.0", host=cable.host_address)``).
With one cable per server, the way to one can be cut while the other holds.

Words
-----
cut
    Packets vanish without a word, in both directions or in one: neither end
    hears anything until its own timeouts.  This is what a dead switch does.
unplug
    The far card goes down: connecting fails at once with "network is
    unreachable", what is connected hangs.

Rules
-----
1. Nothing needs to be cleaned up.  The namespace has no name and exists as long
   as a process in it; all of them die with ours (:func:`~tests.servers.process.launch`)
   and the cables vanish with the namespace.
2. Nothing leaves the machine.  A namespace has no way to anywhere but its
   cables; a cut spoils link addresses and leaves the routes alone.  A route that
   discards the whole range catches what servers go on sending to a namespace
   that is gone; it is the one thing that stays until the machine restarts.
3. The addresses are from 198.18.0.0/15, which is set apart for tests between
   two devices (RFC 2544), so that they cannot be anybody's.
"""

import ipaddress
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import Output, ServerMissingError, end, launch
from tests.servers.reservation import Reservation, reserve
from tests.waiting import eventually

_NETWORK = ipaddress.ip_network("198.18.0.0/15")

#: Four addresses each, of which two can be given to cards.
_SUBNETS = 2**15

#: A link address that nobody has: locally administered, not multicast.
_NOBODY = "02:00:00:00:00:00"


class Direction(StrEnum):
    """Which packets of a cable vanish."""

    BOTH = "both"
    #: What processes in the namespace send.
    OUTGOING = "outgoing"
    #: What is sent to processes in the namespace.
    INCOMING = "incoming"


class Cable:
    """One way between a namespace and this machine; made by :class:`Namespace`."""

    def __init__(self, number: int, inside: Callable[[Sequence[str]], str], pid: int) -> None:
        subnet = ipaddress.ip_address(int(_NETWORK.network_address) + 4 * number)
        #: Where processes in the namespace find servers of this machine.
        self.host_address = str(subnet + 1)
        #: Where this machine finds servers in the namespace.
        self.address = str(subnet + 2)
        self._inside = inside
        #: This machine's end, a network card.
        self.card = f"solo{number}"
        #: The end in the namespace.
        self.far_card = f"far{number}"
        _run(["ip", "route", "replace", "blackhole", str(_NETWORK)])
        near = ["ip", "link", "add", self.card, "type", "veth"]
        _run([*near, "peer", "name", self.far_card, "netns", str(pid)])
        _run(["ip", "address", "add", f"{self.host_address}/30", "dev", self.card])
        _run(["ip", "link", "set", self.card, "up"])
        inside(["ip", "address", "add", f"{self.address}/30", "dev", self.far_card])
        inside(["ip", "link", "set", self.far_card, "up"])
        self._near_link = _link_address(_run, self.card)
        self._far_link = _link_address(inside, self.far_card)

    def cut(self, direction: Direction = Direction.BOTH) -> None:
        """Make packets vanish without a word."""
        if direction is not Direction.INCOMING:
            self._address_outgoing(_NOBODY)
        if direction is not Direction.OUTGOING:
            self._address_incoming(_NOBODY)

    def restore(self) -> None:
        """Let packets through again."""
        self._address_outgoing(self._near_link)
        self._address_incoming(self._far_link)

    def unplug(self) -> None:
        """Take the far card down."""
        self._inside(["ip", "link", "set", self.far_card, "down"])

    def plug(self) -> None:
        """Take the far card up again."""
        self._inside(["ip", "link", "set", self.far_card, "up"])

    def remove(self) -> None:
        """Remove both cards, for good."""
        subprocess.run(["ip", "link", "delete", self.card], stderr=subprocess.DEVNULL, check=False)

    def _address_outgoing(self, link: str) -> None:
        self._inside(_neighbour(self.host_address, link, self.far_card))

    def _address_incoming(self, link: str) -> None:
        _run(_neighbour(self.address, link, self.card))


class Namespace:
    """A network namespace with its cables; a context manager.

    Args:
        cables: Their names, one per server that has to be cut off on its own.

    Raises:
        ServerMissingError: We are not root, or the programs of iproute2 and
            util-linux are missing.
    """

    def __init__(self, *cables: str) -> None:
        for program in ("ip", "unshare", "nsenter"):
            if shutil.which(program) is None:
                raise ServerMissingError(f"{program} is missing: install iproute2 and util-linux")
        if os.geteuid() != 0:
            raise ServerMissingError("network namespaces need root: run the tests as root")
        self._reservations: list[Reservation] = []
        self.cables: dict[str, Cable] = {}
        self._holder = launch(["unshare", "--net", "--", "sleep", "infinity"])
        try:
            eventually(self._exists, 10, "the network namespace exists")
            self.run(["ip", "link", "set", "lo", "up"])
            for name in cables or ("cable",):
                subnet = reserve("subnets", random.sample(range(_SUBNETS), 100))
                self._reservations.append(subnet)
                self.cables[name] = Cable(subnet.number, self.run, self._holder.pid)
        except BaseException:
            self.close()
            raise

    @property
    def cable(self) -> Cable:
        """The only cable of a namespace that has one."""
        (cable,) = self.cables.values()
        return cable

    def inside(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs *argv* in the namespace, under the same process id."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--", *argv]

    def launch(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, output: Output = None
    ) -> subprocess.Popen[bytes]:
        """Start a process in the namespace; the kernel kills it when ours ends."""
        return launch(self.inside(argv), env=env, output=output)

    def lead(self, address: str, cable: Cable) -> None:
        """Let processes in it reach one more *address* of this machine, over *cable*."""
        way = ["via", cable.host_address, "dev", cable.far_card]
        self.run(["ip", "route", "add", address, *way])

    def run(self, argv: Sequence[str]) -> str:
        """Run a short command in the namespace and return its output."""
        return _run(self.inside(argv))

    def close(self) -> None:
        """Remove the cables and let the namespace go; processes in it should be gone."""
        for cable in self.cables.values():
            cable.remove()
        end(self._holder)
        for reservation in self._reservations:
            reservation.close()

    def _exists(self) -> bool:
        theirs = Path(f"/proc/{self._holder.pid}/ns/net").stat().st_ino
        return theirs != Path("/proc/self/ns/net").stat().st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _link_address(run: Callable[[Sequence[str]], str], card: str) -> str:
    (link,) = json.loads(run(["ip", "-json", "link", "show", card]))
    return str(link["address"])


def _neighbour(address: str, link: str, card: str) -> list[str]:
    """Return the command that fixes the link address of a neighbour."""
    words = ["ip", "neighbour", "replace", address, "lladdr", link]
    return [*words, "dev", card, "nud", "permanent"]
