"""Commands about channels, and jobs that name them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.notification import NotificationState
from tests.builders import a_command, create
from tests.unit.desk_driver import executing
from tests.unit.telling_driver import (
    HOOK,
    TOKEN,
    outbox,
    parcels,
    report,
    run_it,
    state_of,
    telling,
)


def test_a_channel_is_made_changed_and_deleted() -> None:
    """By compare-and-set, as everything that has a name."""
    driver = executing()
    made = driver.ask(a_command(CommandKind.PUT_CHANNEL, "ops", channel=HOOK))
    put = a_command(CommandKind.PUT_CHANNEL, "ops", channel=HOOK, if_revision=1)
    changed = driver.ask(put)
    again = driver.ask(put)
    late = driver.ask(a_command(CommandKind.PUT_CHANNEL, "ops", channel=HOOK, if_revision=1))
    gone = driver.ask(a_command(CommandKind.DELETE_CHANNEL, "ops"))
    missing = driver.ask(a_command(CommandKind.DELETE_CHANNEL, "ops"))

    statuses = [one.status for one in (made, changed, again, late, gone, missing)]
    assert statuses == ["created", "done", "done", "precondition_failed", "done", "not_found"]
    assert (changed.revision, gone.revision) == (2, 3)


@pytest.mark.parametrize(
    ("channel", "field", "says"),
    [
        ({"kind": "fax"}, "kind", "write `webhook`"),
        ({"kind": "slack", "url": "{{ secret.NONE }}"}, "url", "PUT /v1/secrets/NONE"),
        ({**HOOK, "sign": {"secret": "NONE"}}, "sign.secret", "PUT /v1/secrets/NONE"),
    ],
)
def test_a_channel_that_cannot_work_is_refused(
    channel: dict[str, Any], field: str, says: str
) -> None:
    """With the place and the fix."""
    refused = executing().ask(a_command(CommandKind.PUT_CHANNEL, "ops", channel=channel))
    assert refused.status is ResultStatus.INVALID
    [fault] = refused.faults
    assert fault.field == field
    assert says in fault.message


def test_a_channel_and_its_secret_stay_while_they_are_used() -> None:
    """409 that names who uses them."""
    driver = telling("failure")
    slack = {"kind": "slack", "url": "{{ secret.TOKEN }}"}
    driver.ask(a_command(CommandKind.PUT_CHANNEL, "chat", channel=slack))

    used = driver.ask(a_command(CommandKind.DELETE_CHANNEL, "ops"))
    secret = driver.ask(a_command(CommandKind.DELETE_SECRET, "TOKEN"))

    assert used.status is secret.status is ResultStatus.CONFLICT
    assert "backup" in used.message
    assert "channel chat" in secret.message


def test_a_job_names_channels_and_secrets_that_exist() -> None:
    """Both are found, whatever is asked for in the same moment."""
    driver = executing()
    rules: dict[str, Any] = {
        "notify": [{"channel": "ops"}],
        "ping": "https://monitor/{{ secret.TOKEN }}",
    }
    refused = driver.ask(create(**rules))
    assert {fault.field for fault in refused.faults} == {"notify.0.channel", "ping"}

    driver.ask(a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=TOKEN.value))
    tags = driver.send(a_command(CommandKind.PUT_CHANNEL, "ops", channel=HOOK), create(**rules))
    assert [driver.answers[tag].status for tag in tags] == ["created", "created"]
    kept = driver.ask(a_command(CommandKind.DELETE_SECRET, "TOKEN"))
    assert "backup" in kept.message


def test_a_test_is_put_into_the_outbox_once() -> None:
    """However often the command comes; the answer names the notification."""
    driver = telling("failure")
    test = a_command(CommandKind.TEST_CHANNEL, "ops")
    first, again = driver.ask(test), driver.ask(test)

    [one] = driver.store.every_notification()
    assert first.facts == again.facts == {"notification": one.id}
    assert [one.event for one in parcels(driver)] == ["test"]
    report(driver, one, "no such host")
    assert state_of(driver, one) is NotificationState.DEAD
    unknown = driver.ask(a_command(CommandKind.TEST_CHANNEL, "none"))
    assert unknown.status is ResultStatus.NOT_FOUND


def test_old_notifications_are_removed_after_two_weeks() -> None:
    """By retention; pending ones stay."""
    driver = telling("failure")
    run_it(driver)
    [one] = parcels(driver)
    report(driver, one)
    driver.clock.advance(timedelta(days=15).total_seconds())
    driver.advance(30)
    assert outbox(driver) == []
