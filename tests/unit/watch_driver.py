"""An executor with watched jobs, for tests of what pings do."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.job import Job
from executor.domain.run import Output, Run
from executor.domain.watch import Ping, Signal, arguments_of
from executor.engine.events import CommandReceived, RunHandedOver
from tests.builders import a_command, a_job, every
from tests.unit.desk_driver import Driver, executing

#: Seconds of grace of the jobs here, which are due once a minute.
GRACE_S = 20

_TAGS = count(1)


def a_watched_job(name: str = "backup", **fields: Any) -> Job:
    """Return a job that is expected once a minute."""
    target = {"kind": "watched", "grace": f"PT{GRACE_S}S"}
    return a_job(name, **{"target": target, "schedule": every(60), "timeout": "PT5M", **fields})


def watching(**fields: Any) -> Driver:
    """Return an executor that watches one job."""
    return executing(a_watched_job(**fields))


def expect(driver: Driver, instant: datetime) -> Run:
    """Let time pass until *instant*; return the run that is expected then, as it stands."""
    driver.advance_to(instant)
    let_go(driver)
    return driver.row(driver.handed_off[-1])


def let_go(driver: Driver) -> None:
    """Let the launcher hand over what it was handed, as that of watched jobs does at once."""
    for run in driver.handed_off:
        driver.tell(RunHandedOver(run.id, driver.clock.now(), False))
    driver.advance(0.1)


def a_ping(
    driver: Driver,
    signal: Signal = Signal.SUCCESS,
    *,
    sent_at: datetime | None = None,
    said: str = "",
    name: str = "backup",
    **told: Any,
) -> Command:
    """Return the command that a ping becomes."""
    at = sent_at or driver.clock.now()
    output = Output(head=said, size=len(said)) if said else None
    ping = Ping(signal=signal, at=at, output=output, **told)
    return a_command(CommandKind.PING_JOB, name, sent_at=at, repeatable=False, **arguments_of(ping))


def ping(driver: Driver, signal: Signal = Signal.SUCCESS, **told: Any) -> CommandResult:
    """Ping, and let it become durable; return the answer, which nobody waits for."""
    return deliver(driver, a_ping(driver, signal, **told))


def deliver(driver: Driver, command: Command, *, first: bool = True) -> CommandResult:
    """Hand a ping over; *first*: nobody was handed it before."""
    tag = next(_TAGS)
    driver.tell(CommandReceived(tag, command, first))
    driver.advance(0.1)
    return driver.answers[tag]
