"""From the end of a run to the outbox, and from there to the courier, whatever gets in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executor.domain.channel import StoredChannel, channel_from_document
from executor.domain.command import CommandKind, ResultStatus
from executor.domain.job import Job
from executor.domain.notification import Notification, NotificationState
from executor.domain.run import Run, RunState
from executor.domain.secret import StoredSecret
from executor.engine.effects import (
    Deliver,
    ReadTallies,
    Record,
    RecordDeliveries,
    SettleFollowUps,
    Tell,
)
from executor.engine.events import Delivered
from executor.engine.timing import PER_CHANNEL
from tests.builders import a_command, a_job, create, trigger
from tests.fakes.fake_clock import START
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs

HOOK = {"kind": "webhook", "url": "https://example.com/hook"}
OPS = StoredChannel(name="ops", channel=channel_from_document(HOOK), revision=1, updated_at=START)
TOKEN = StoredSecret(name="TOKEN", sealed="v1:0123abcd:" + "A" * 44, revision=1, updated_at=START)


def watched(*on: str, **more: Any) -> Job:
    """Return a job on request that tells ``ops`` of these events."""
    rule = {"channel": "ops", "on": list(on), "every": "PT0S"}
    return a_job(**{"notify": [rule], "schedule": None, "retrigger": 0, **more})


def telling(*on: str, **more: Any) -> Driver:
    """Return an executing driver with that job and that channel."""
    store = with_jobs(watched(*on, **more))
    assert store.write_channel(OPS, None) is None
    assert store.write_secret(TOKEN, None) is None
    driver = Driver(store)
    driver.take_over()
    return driver


def run_it(driver: Driver, state: RunState = RunState.FAILED) -> Run:
    """Ask for a run, let it end so, and wait until all that follows is done."""
    known = len(driver.handed_off)
    driver.ask(trigger())
    driver.advance(1)
    run = driver.handed_off[known]
    driver.begin(run)
    driver.end(run, state)
    driver.advance(1)
    return run


def outbox(driver: Driver) -> list[tuple[str, str | None]]:
    """Return what stands in the outbox: events, and of which run."""
    return [(one.event.value, one.run_id) for one in driver.store.every_notification()]


def parcels(driver: Driver) -> list[Notification]:
    """Return what the courier was handed."""
    return [effect.notification for effect in driver.wanted(Deliver)]


def report(driver: Driver, one: Notification, error: str | None = None) -> None:
    """Let the courier say what came of it."""
    driver.tell(Delivered(one.id, driver.clock.now(), error))
    driver.advance(0.1)


def state_of(driver: Driver, one: Notification) -> NotificationState:
    return driver.store.get_notification(one.id).state


# The outbox is filled -------------------------------------------------------------------------


def test_a_failure_is_told_and_then_settled() -> None:
    """In the outbox first; the demand is withdrawn when it is there."""
    driver = telling("failure")
    driver.hold(Tell)
    run = run_it(driver)
    assert driver.row(run).follow_up
    assert driver.called(SettleFollowUps) == []

    driver.release()
    driver.advance(0.1)

    assert outbox(driver) == [("failure", run.id)]
    assert not driver.row(run).follow_up


def test_the_text_has_what_the_target_said() -> None:
    """Error and output are those of the row."""
    driver = telling("failure")
    run_it(driver)
    [one] = driver.store.every_notification()
    assert one.payload["job"] == "backup"
    assert one.payload["failures"] == 1
    assert one.payload["state"] == "failed"


def test_failures_and_recoveries_follow_each_other() -> None:
    """The row of failures is counted across runs, and a success ends it."""
    driver = telling("failure", "recovery")
    states = [RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED, RunState.SUCCEEDED]
    runs = [run_it(driver, state) for state in states]
    assert outbox(driver) == [("failure", runs[0].id), ("recovery", runs[2].id)]


def test_a_success_that_changes_nothing_costs_nothing() -> None:
    """Once the tally is known to be calm, such ends demand nothing and are not counted."""
    driver = telling("failure", "recovery")
    run_it(driver, RunState.SUCCEEDED)
    tellings = len(driver.called(Tell))

    run = run_it(driver, RunState.SUCCEEDED)

    changes = [one for call in driver.called(Record) for one in call.changes]
    assert [one.follow_up for one in changes if one.run_id == run.id and one.finished_at] == [None]
    assert len(driver.called(Tell)) == tellings


def test_a_success_right_after_a_failure_ends_its_row() -> None:
    """Although the failure is not counted yet when it ends."""
    driver = telling("failure", overlap={"policy": "allow"})
    run_it(driver, RunState.SUCCEEDED)
    for _ in range(2):
        driver.ask(trigger())
    driver.advance(1)
    failing, well = driver.handed_off[-2:]
    for run in (failing, well):
        driver.begin(run)
    driver.end(failing, RunState.FAILED)
    driver.end(well, RunState.SUCCEEDED)
    driver.advance(1)

    [tally] = driver.store.read_tallies(["job-backup"])
    assert tally.failures == 0
    assert outbox(driver) == [("failure", failing.id)]


def test_a_retried_failure_is_told_when_nothing_is_tried_any_more() -> None:
    """Of the last attempt, once."""
    driver = telling("failure", retry={"attempts": 1, "delay": "PT1S", "jitter": 0})
    driver.ask(trigger())
    driver.advance(1)
    for _ in range(2):
        run = driver.handed_off[-1]
        driver.begin(run)
        driver.end(run, RunState.FAILED)
        driver.advance(2)
    first, last = driver.handed_off
    assert last.parent_run_id == first.id
    assert outbox(driver) == [("failure", last.id)]


@pytest.mark.parametrize("kind", [ReadTallies, Tell, SettleFollowUps])
@pytest.mark.parametrize("done", [True, False])
def test_a_successor_tells_what_an_executor_left_untold(
    kind: type[ReadTallies | Tell | SettleFollowUps], done: bool
) -> None:
    """Whatever step it died in, and whether the store had done it: one notification, one count."""
    driver = telling("failure", "recovery")
    driver.hold(kind)
    run = run_it(driver)
    if done:
        driver.carry_out(driver.awaited(kind))

    successor = successor_of(driver)
    successor.advance(3)

    assert outbox(successor) == [("failure", run.id)]
    assert not successor.row(run).follow_up
    [tally] = successor.store.read_tallies(["job-backup"])
    assert tally.failures == 1


def test_an_executor_that_was_overtaken_tells_nothing() -> None:
    """Its run may have been declared lost: what it knows of the end is not what is recorded."""
    driver = telling("failure", "success")
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(0.1)
    driver.store.mint_term("another")
    driver.end(run, RunState.SUCCEEDED)
    driver.advance(1)

    assert driver.called(Tell) == []
    assert outbox(driver) == []


def test_a_tally_written_by_somebody_else_is_read_and_counted_on() -> None:
    """A former executor's last write: the run is counted from what stands there."""
    driver = telling("failure", notify=[{"channel": "ops", "on": ["failure"], "after": 2}])
    run_it(driver)
    [tally] = driver.store.read_tallies(["job-backup"])
    [elsewhere] = driver.store.write_tallies(
        [type(tally)(job_id=tally.job_id, revision=tally.revision + 1, failures=4)]
    )
    assert elsewhere

    run = run_it(driver)

    assert outbox(driver) == [("failure", run.id)]
    assert driver.store.read_tallies(["job-backup"])[0].failures == 5


def test_missed_slots_are_told_once_for_a_gap() -> None:
    """Of the newest; the others are in the list of runs."""
    rule = {"channel": "ops", "on": ["missed"], "every": "PT0S"}
    job = a_job(notify=[rule], misfire={"policy": "skip"})
    store = with_jobs(job)
    store.write_channel(OPS, None)
    store.clock.advance(60)  # type: ignore[attr-defined]
    driver = Driver(store)
    driver.take_over()
    driver.advance(1)

    missed = [run for run in driver.rows() if run.state is RunState.SKIPPED]
    assert len(missed) > 1
    assert outbox(driver) == [("missed", missed[-1].id)]
    assert not any(driver.row(run).follow_up for run in missed)


def test_a_late_start_is_told_when_it_happens() -> None:
    """Not hours later, when the run has ended; and not again then."""
    rule = {"channel": "ops", "on": ["late"], "late_by": "PT5S", "every": "PT0S"}
    driver = executing(a_job(notify=[rule]))
    driver.store.write_channel(OPS, None)
    driver.advance(10)
    [run] = driver.handed_off
    driver.advance(6)
    driver.begin(run)
    driver.advance(1)
    assert outbox(driver) == [("late", run.id)]

    driver.end(run, RunState.SUCCEEDED)
    driver.advance(1)
    assert outbox(driver) == [("late", run.id)]


def test_a_lost_run_is_told_by_whoever_finds_it() -> None:
    """When its lease is over and nothing repeats it."""
    driver = telling("lost")
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(1)

    successor = successor_of(driver)
    successor.advance(15)

    assert successor.row(run).state is RunState.LOST
    assert outbox(successor) == [("lost", run.id)]


def test_pings_tell_of_starts_and_final_ends() -> None:
    """In that order, one after the other."""
    driver = executing(a_job(schedule=None, ping="https://monitor/id"))
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(1)
    [start] = parcels(driver)
    driver.end(run, RunState.FAILED)
    driver.advance(1)
    assert parcels(driver) == [start], "its start is still under way"

    report(driver, start)
    signals = [one.payload["signal"] for one in parcels(driver)]
    assert signals == ["start", "fail"]
    assert not driver.row(run).follow_up


# And emptied ----------------------------------------------------------------------------------


def test_what_is_told_is_delivered_at_once_and_recorded() -> None:
    """With its channel; what has arrived is not delivered again."""
    driver = telling("failure")
    run_it(driver)
    [one] = parcels(driver)
    assert driver.wanted(Deliver)[0].channel == OPS.channel

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
    other = StoredChannel(name="other", channel=OPS.channel, revision=1, updated_at=START)
    driver.ask(a_command(CommandKind.PUT_CHANNEL, other.name, channel=HOOK))
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
    driver.store.break_channel("ops")
    successor = successor_of(driver)
    run_it(successor)

    [one] = successor.store.every_notification()
    assert one.state is NotificationState.PENDING
    assert "there is no channel 'ops'" in (one.last_error or "")
    assert parcels(successor) == []
    assert successor.noted("channel_broken") != []


# Commands -------------------------------------------------------------------------------------


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

    driver.ask(a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=TOKEN.sealed))
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
