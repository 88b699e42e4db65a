"""What is sent over HTTP for a notification, as an HTTP target whose templates are to be filled in.

Only addresses and the Authorization header are templates; what a run has said is put in
literally, whatever braces it holds.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from executor.domain.channel import SlackChannel, WebhookChannel
from executor.domain.instant import to_text
from executor.domain.message import subject, text
from executor.domain.notification import Notification
from executor.domain.ping import address_of
from executor.domain.targets import HttpTarget
from executor.domain.template import literally
from executor.ports.courier import Parcel

#: Longest time for one request: receivers of webhooks answer at once, or are tried again.
TIMEOUT: Final = timedelta(seconds=15)

#: Slack cuts longer texts, and refuses much longer ones, characters.
_LONGEST_SLACK: Final = 3_000


def request_of(parcel: Parcel) -> HttpTarget:
    """Return the request that delivers *parcel*.

    Raises:
        TypeError: its channel is none of HTTP.
    """
    match parcel.channel:
        case None:
            return _ping(parcel.notification)
        case WebhookChannel() as channel:
            headers = {"Authorization": channel.authorization} if channel.authorization else {}
            return HttpTarget(
                url=channel.url,
                headers=headers,
                body=_json(webhook_document(parcel.notification)),
                timeout=TIMEOUT,
                sign=channel.sign,
            )
        case SlackChannel() as channel:
            words = text(parcel.notification.payload)[:_LONGEST_SLACK]
            return HttpTarget(url=channel.url, body=_json({"text": words}), timeout=TIMEOUT)
        case other:
            raise TypeError(f"{other.kind} is not delivered over HTTP")


def webhook_document(notification: Notification) -> dict[str, Any]:
    """Return what a webhook is sent."""
    return {
        "id": notification.id,
        "event": notification.event.value,
        "channel": notification.channel,
        "created_at": to_text(notification.created_at),
        "subject": subject(notification.payload),
        "text": text(notification.payload),
        "facts": dict(notification.payload),
    }


def _ping(notification: Notification) -> HttpTarget:
    payload = notification.payload
    return HttpTarget(
        url=address_of(payload),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        body=literally(str(payload.get("output", ""))),
        timeout=TIMEOUT,
    )


def _json(document: dict[str, Any]) -> str:
    return literally(json.dumps(document))
