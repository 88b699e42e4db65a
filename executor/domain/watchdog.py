"""Has the token vanished, so that a new one must be published?

A broker cannot be asked whether a message is held or gone.  What can be seen is
how many messages wait, how many consumers there are and whether the holder's
presence mark exists.  A token that is neither waiting nor marked may still be on
its way: to a holder that has not put up its mark yet, or from one that is dead and
not yet found out.  So it counts as vanished only after it was missing in
:data:`SIGHTINGS` looks in a row, over longer than any hand-over can take.

Rules
-----
1. A new token is asked for at the earliest ``3 T + 5`` seconds after the first look that
   missed the old one (T = heartbeat), and then not again before the same time has passed
   anew: at most one a period from each instance.
2. Looking every :func:`interval` seconds, it is asked for at most ``3 T + 5`` and one
   further interval after the first look.
3. Any look that finds the token, a mark or no candidate at all begins afresh; so does
   losing sight, because what happened meanwhile is unknown.
4. No patience is needed for a queue that is *vacant*, in particular for one that was just
   created (:func:`is_vacant`).
5. Being wrong is harmless: a second token goes to the same holder, who merges the two.

The instants are monotonic seconds of the caller's clock.  Rule 1's bound: a broker drops
a silent holder up to 3 T after its last byte (rabbitmq.com/docs/heartbeats, measured on
3.10), and 5 s are left for the successor to put up its mark.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Looks in a row that must miss the token.  More than two, so that one slow hand-over
#: seen twice by a hurried watchdog is not enough.
SIGHTINGS = 3

#: Heartbeats after which a broker has certainly dropped a silent holder.
SILENT_HEARTBEATS = 3

#: Seconds a successor may take from the delivery of the token to its presence mark.
HAND_OVER_S = 5.0


def patience(heartbeat_s: float) -> float:
    """Return for how many seconds the token must have been missing.

    >>> patience(5)
    20.0
    """
    return SILENT_HEARTBEATS * heartbeat_s + HAND_OVER_S


def interval(heartbeat_s: float) -> float:
    """Return how many seconds should lie between two looks, before jitter.

    >>> round(interval(5), 1)
    6.7
    """
    return patience(heartbeat_s) / SIGHTINGS


def is_vacant(ready: int, consumers: int) -> bool:
    """Return whether a token queue certainly holds no token.

    Whoever had it, without acknowledging it, would be a consumer; a message whose consumer
    goes away is waiting again in the same instant.

    >>> is_vacant(ready=0, consumers=0), is_vacant(ready=0, consumers=1)
    (True, False)
    """
    return ready == 0 and consumers == 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at the broker.

    Attributes:
        at: monotonic seconds when the look began.
        ready: messages waiting on the token queue.
        consumers: candidates that consume the token queue.
        marked: the holder's presence mark exists.
    """

    at: float
    ready: int
    consumers: int
    marked: bool

    @property
    def misses_token(self) -> bool:
        """Whether there are candidates and none of them seems to have the token."""
        return self.ready == 0 and self.consumers > 0 and not self.marked


class Watchdog:
    """Counts how long the token has been missing."""

    def __init__(self, heartbeat_s: float) -> None:
        self._patience_s = patience(heartbeat_s)
        self._missed_since: float | None = None
        self._misses = 0

    def see(self, sighting: Sighting) -> bool:
        """Take note of a look; return True if a new token has to be published now."""
        if not sighting.misses_token:
            self.lose_sight()
            return False
        if self._missed_since is None:
            self._missed_since = sighting.at
        self._misses += 1
        if self._misses < SIGHTINGS or sighting.at - self._missed_since <= self._patience_s:
            return False
        self.lose_sight()
        return True

    def lose_sight(self) -> None:
        """Forget what was seen: the connection was lost, or a look had no answer."""
        self._missed_since = None
        self._misses = 0
