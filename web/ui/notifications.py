"""*Notifications*: what people and monitors were told, what is on its way, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Response

from executor.domain.notification import Notification, NotificationState
from executor.ports.store import InvalidCursor, NotificationFilter, Page, Readers
from web.notifications import subject_of
from web.ui.frame import Shelf, Visit, show_live
from web.ui.runs import job_meant

SHELF: Final = Shelf()

HERE: Final = "/ui/notifications"

#: Rows of one page.
ROWS: Final = 40

#: How each state looks, as the classes of badges.
LOOKS: Final = {
    NotificationState.PENDING: "pending",
    NotificationState.DELIVERED: "succeeded",
    NotificationState.DEAD: "failed",
    NotificationState.SUPERSEDED: "",
}

#: What the query calls the channel of pings, which has no name; no channel can be called so.
PINGS: Final = "?pings"


@dataclass(frozen=True, slots=True)
class Row:
    """A notification, and what it says."""

    one: Notification
    says: str
    look: str


def listed(notifications: Sequence[Notification]) -> list[Row]:
    """Return *notifications* as pages show them."""
    return [Row(one, subject_of(one), LOOKS[one.state]) for one in notifications]


@SHELF.add("GET", HERE)
def list_of_notifications(visit: Visit) -> Response:
    """Show a part of the list."""
    readers, state, channel = visit.services.readers, visit.text("state"), visit.text("channel")
    job, cursor = job_meant(readers, visit.text("job")), visit.text("cursor") or None
    which = NotificationFilter(
        state=NotificationState(state) if state in set(NotificationState) else None,
        job_id=job and job[0],
        channel="" if channel == PINGS else channel or None,
    )
    page = _notifications(readers, which, cursor)
    return show_live(
        visit,
        "ui/notifications.html",
        "ui/_notifications.html",
        title="Notifications",
        rows=listed(page.items),
        which=which,
        job=job,
        channel=channel,
        pings=PINGS,
        states=NotificationState,
        first=_address(which, None) if cursor else None,
        following=_address(which, page.next) if page.next else None,
    )


def _notifications(
    readers: Readers, which: NotificationFilter, cursor: str | None
) -> Page[Notification]:
    try:
        return readers.list_notifications(which, ROWS, cursor)
    except InvalidCursor:
        return readers.list_notifications(which, ROWS, None)


def _address(which: NotificationFilter, cursor: str | None) -> str:
    channel = PINGS if which.channel == "" else which.channel
    wanted = {"job": which.job_id, "state": which.state, "channel": channel, "cursor": cursor}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{HERE}?{query}" if query else HERE
