"""An executor with a job that tells a channel, and what became of it."""

from __future__ import annotations

from typing import Any

from executor.domain.channel import CHANNELS, channel_from_document
from executor.domain.job import Job
from executor.domain.named import NamedWrite, Stored
from executor.domain.notification import Notification, NotificationState
from executor.domain.run import Run, RunState
from executor.domain.secret import SECRETS
from executor.engine.effects import Deliver
from executor.engine.events import Delivered
from tests.builders import a_job, trigger
from tests.fakes.fake_clock import START
from tests.unit.desk_driver import Driver, with_jobs

HOOK = {"kind": "webhook", "url": "https://example.com/hook"}
OPS = Stored(name="ops", value=channel_from_document(HOOK), revision=1, updated_at=START)
TOKEN = Stored(name="TOKEN", value="v1:0123abcd:" + "A" * 44, revision=1, updated_at=START)


def watched(*on: str, **more: Any) -> Job:
    """Return a job on request that tells ``ops`` of these events."""
    rule = {"channel": "ops", "on": list(on), "every": "PT0S"}
    return a_job(**{"notify": [rule], "schedule": None, "retrigger": 0, **more})


def telling(*on: str, **more: Any) -> Driver:
    """Return an executing driver with that job and that channel."""
    store = with_jobs(watched(*on, **more))
    assert store.write_named(NamedWrite(CHANNELS, OPS, None)) is None
    assert store.write_named(NamedWrite(SECRETS, TOKEN, None)) is None
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
