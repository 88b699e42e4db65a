"""Delivering notifications: webhooks, Slack-compatible webhooks and pings over HTTP, mails.

``http`` sends requests by the launcher of HTTP targets, so that everything which holds for the
requests of jobs (where they may go, proxies, certificates, limits for each host, secrets) holds
for these as well; ``requests`` says what is sent; ``mail`` speaks SMTP.
"""

from __future__ import annotations

from executor.adapters.courier.http import HttpCourier
from executor.adapters.courier.mail import MailCourier
from executor.adapters.http_target.rules import HttpRules
from executor.domain.channel import EmailChannel
from executor.ports.clock import Clock
from executor.ports.courier import CourierListener, Parcel
from executor.ports.keys import Opener


class Couriers:
    """A :class:`~executor.ports.courier.Courier` for every kind of channel.

    Args:
        http: what the operator allows HTTP requests; by default everything.
        opener: opens secrets; None if there is no key.
    """

    def __init__(
        self,
        listener: CourierListener,
        clock: Clock,
        *,
        http: HttpRules | None = None,
        opener: Opener | None = None,
    ) -> None:
        rules = http or HttpRules()
        self._http = HttpCourier(listener, clock, rules, opener)
        self._mail = MailCourier(listener, clock, rules.refusal, opener)

    def deliver(self, parcel: Parcel) -> None:
        """Try *parcel* once."""
        by = self._mail if isinstance(parcel.channel, EmailChannel) else self._http
        by.deliver(parcel)

    def stop(self) -> None:
        """Break everything off without reporting, and end the threads."""
        self._http.stop()
        self._mail.stop()
