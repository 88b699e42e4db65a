"""The courier: brings notifications where they are to go.

Checked by ``tests/contract/courier_contract.py`` on every kind of channel.  A courier does its
work on threads of its own; a place that hangs never delays the others beyond the stated limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from executor.domain.channel import Channel
from executor.domain.notification import Notification


@dataclass(frozen=True, slots=True)
class Parcel:
    """A notification to be delivered now: over ``channel``, or (None) as a ping.

    ``sealed`` holds at least the secrets that its address needs, sealed, by name; those that do
    not exist are missing.
    """

    notification: Notification
    channel: Channel | None
    sealed: Mapping[str, str] = field(default_factory=dict)


#: Where a courier reports, exactly once for each parcel, on threads of its own: the notification's
#: id, the instant, and why it failed (None: it has arrived).  Returns at once, never raises.  The
#: words repeat no secret.
CourierListener = Callable[[str, datetime, str | None], None]


class Courier(Protocol):
    """Delivers over every kind of channel."""

    def deliver(self, parcel: Parcel) -> None:
        """Try *parcel* once, as soon as capacity allows.  Returns at once; any thread may call.

        What arrives says who it is: ``Idempotency-Key`` (in a mail: the Message-ID) is derived
        from the notification's id, so a receiver can tell a repetition.
        """
        ...

    def stop(self) -> None:
        """Break everything off without reporting, and end the threads."""
        ...


CourierFactory = Callable[[CourierListener], Courier]
