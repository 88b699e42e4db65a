"""libcurl's multi interface driven by an epoll of our own.

``CurlMulti.select`` and ``perform`` look at every connection each time, and pycurl has
no way to wake its ``poll``.  Therefore libcurl only tells which sockets it wants to
watch and when it wants to be called; the waiting is done here, together with the
descriptor that wakes the owner.

Everything in this module belongs to one thread.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

import pycurl

#: What libcurl asks to watch a socket for -> what epoll calls it.
_WATCH: Final = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}

#: What epoll reports, cut down to its five lowest bits -> what libcurl calls it.
_READY: Final = tuple(
    (pycurl.CSELECT_IN if events & select.EPOLLIN else 0)
    | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0)
    | (pycurl.CSELECT_ERR if events & (select.EPOLLERR | select.EPOLLHUP) else 0)
    for events in range(32)
)

#: Longest sleep, seconds.  epoll refuses more than 24 days; waking up for nothing once
#: an hour costs nothing.
_LONGEST_WAIT_S: Final = 3600.0


class Ended(NamedTuple):
    """A transfer is over; ``code`` is libcurl's, 0 for a complete answer, ``text`` its words."""

    curl: pycurl.Curl
    code: int
    text: str


class Transfers:
    """Transfers in flight.

    Args:
        wake_fd: a descriptor whose readiness ends :meth:`step`; reading it is the owner's.
        monotonic: seconds, as :meth:`executor.ports.clock.Clock.monotonic`.
        keep: how many idle connections to keep open at most.

    Attributes:
        at_rest: whether nothing was added since the last :meth:`step`, which had nothing to do.
    """

    def __init__(self, wake_fd: int, monotonic: Callable[[], float], keep: int) -> None:
        self.at_rest = True
        self._monotonic = monotonic
        self._due: float | None = None
        self._watched: dict[int, int] = {}
        self._added: set[pycurl.Curl] = set()
        self._epoll = select.epoll()
        self._epoll.register(wake_fd, select.EPOLLIN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, keep)

    def add(self, curl: pycurl.Curl) -> None:
        """Begin a transfer with a prepared handle; it gets going in the next :meth:`step`."""
        self._multi.add_handle(curl)
        self._added.add(curl)
        self.at_rest = False

    def drop(self, curl: pycurl.Curl) -> None:
        """Take a handle out; a transfer under way is broken off and its connection closed.

        One that is not in does no harm: it may have been refused.
        """
        if curl in self._added:
            self._added.remove(curl)
            self._multi.remove_handle(curl)

    def step(self, longest_s: float = inf) -> list[Ended]:
        """Let libcurl act on what has happened and return the transfers that ended.

        Args:
            longest_s: how long, seconds, to sleep until something happens, if nothing has.
        """
        ready = self._epoll.poll(min(self._patience(), longest_s))
        self.at_rest = not ready
        for fd, events in ready:
            # Acting on one socket may have closed another one of this batch.
            if fd in self._watched:
                self._multi.socket_action(fd, _READY[events & 31])
        if self._due is not None and self._due <= self._monotonic():
            self._due = None
            self.at_rest = False
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return self._ended()

    def close(self) -> None:
        """Break off what is left and close every connection."""
        self._multi.close()
        self._epoll.close()

    def _patience(self) -> float:
        if self._due is None:
            return _LONGEST_WAIT_S
        return min(max(0.0, self._due - self._monotonic()), _LONGEST_WAIT_S)

    def _ended(self) -> list[Ended]:
        ended: list[Ended] = []
        left = 1
        while left:
            left, complete, broken = self._multi.info_read()
            ended += [Ended(curl, 0, "") for curl in complete]
            ended += [Ended(curl, code, text) for curl, code, text in broken]
        return ended

    def _set_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else self._monotonic() + milliseconds / 1000

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if self._watched.pop(fd, None) is not None:
                self._forget(fd)
            return
        known = fd in self._watched
        self._watched[fd] = _WATCH[what]
        if known:
            self._epoll.modify(fd, _WATCH[what])
        else:
            self._epoll.register(fd, _WATCH[what])

    def _forget(self, fd: int) -> None:
        # libcurl may have closed it already, and then the kernel has forgotten it by itself.
        try:
            self._epoll.unregister(fd)
        except OSError:
            return
