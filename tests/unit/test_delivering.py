"""From the outbox to the courier: tried again, given up, recorded."""

from __future__ import annotations

from executor.domain.channel import CHANNELS
from executor.domain.command import CommandKind
from executor.domain.notification import NotificationState
from executor.domain.run import RunState
from executor.engine.effects import Deliver
from executor.engine.store_requests import RecordDeliveries
from executor.engine.timing import PER_CHANNEL
from tests.builders import a_command
from tests.unit.desk_driver import successor_of
from tests.unit.telling_driver import (
    HOOK,
    OPS,
    parcels,
    report,
    run_it,
    state_of,
    telling,
)


def test_what_is_told_is_delivered_at_once_and_recorded() -> None:
    """With its channel; what has arrived is not delivered again."""
    driver = telling("failure")
    run_it(driver)
    [one] = parcels(driver)
    assert driver.wanted(Deliver)[0].channel == OPS.value

    report(driver, one)
    driver.advance(60)

    assert state_of(driver, one) is NotificationState.DELIVERED
    assert parcels(driver) == [one]


def test_a_failed_delivery_is_tried_again_later() -> None:
    """With growing pauses; the error is kept."""
    driver = telling("failure")
    run_it(driver)
    for attempt in range(3):
        one = parcels(driver)[attempt]
        assert one.attempts == attempt
        report(driver, one, "connection refused")
        driver.advance(5)
        assert len(parcels(driver)) == attempt + 1
        driver.advance(60)
    assert driver.store.get_notification(one.id).last_error == "connection refused"
    assert len(driver.noted("notification_failed")) == 3


def test_a_successor_delivers_what_was_under_way() -> None:
    """Once more, with the same id: nobody knows whether it had arrived."""
    driver = telling("failure")
    run_it(driver)
    [one] = parcels(driver)

    successor = successor_of(driver)
    successor.advance(1)

    assert [again.id for again in parcels(successor)] == [one.id]


def test_a_silent_store_loses_no_outcome() -> None:
    """It is recorded when the store answers again."""
    driver = telling("failure")
    run_it(driver)
    [one] = parcels(driver)
    driver.hold(RecordDeliveries)
    report(driver, one)
    driver.fail(driver.awaited(RecordDeliveries))
    driver.release()
    driver.advance(2)

    assert state_of(driver, one) is NotificationState.DELIVERED
    assert parcels(driver) == [one]


def test_a_channel_that_hangs_leaves_room_for_others() -> None:
    """So many of one channel are under way, and no more."""
    driver = telling("success")
    driver.ask(a_command(CommandKind.PUT_CHANNEL, "other", channel=HOOK))
    for _ in range(PER_CHANNEL + 3):
        run_it(driver, RunState.SUCCEEDED)
    assert len(parcels(driver)) == PER_CHANNEL

    driver.ask(a_command(CommandKind.TEST_CHANNEL, "other"))
    driver.advance(0.1)
    assert [one.channel for one in parcels(driver)][PER_CHANNEL:] == ["other"]

    report(driver, parcels(driver)[0])
    assert len(parcels(driver)) == PER_CHANNEL + 2


def test_without_its_channel_a_notification_waits_and_says_so() -> None:
    """A damaged record may be mended."""
    driver = telling("failure")
    driver.store.break_named(CHANNELS, "ops")
    successor = successor_of(driver)
    run_it(successor)

    [one] = successor.store.every_notification()
    assert one.state is NotificationState.PENDING
    assert "there is no channel 'ops'" in (one.last_error or "")
    assert parcels(successor) == []
    assert successor.noted("channel_broken") != []
