"""Jobs, runs and races for the store contract.

Everything here has a fixed time of its own, far from today: a store that compared
these instants with its clock, where the contract does not say so, would fail.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from executor.domain.api_token import REVOKED, ApiToken
from executor.domain.audit import Change
from executor.domain.calendar import Calendar, calendar_from_document
from executor.domain.channel import Channel, channel_from_document
from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.job import Job, LastCommand, LastRun, definition_from_document
from executor.domain.named import Stored
from executor.domain.notification import Notification
from executor.domain.notify import Event
from executor.domain.run import Cause, Run, RunState

Item = TypeVar("Item")
Value = TypeVar("Value")

#: Seconds a fact may take that needs nothing but a store at work.
PATIENCE_S = 10.0

#: A lease that is over soon, seconds.
SHORT_LEASE_S = 0.1

#: A lease that outlives every test, seconds.
LONG_LEASE_S = 600.0

#: The instant around which everything happens; with milliseconds, which must survive.
NOON = datetime(2031, 3, 30, 12, 0, 0, 123_000, tzinfo=UTC)

#: Text that a careless store would interpret, escape or cut.
AWKWARD = "$term ${x} %s 'quoted' \"double\" \\ a.b _%_ é ﬁ 日本 😀 \n\t end "

ENDS = (
    RunState.SUCCEEDED,
    RunState.FAILED,
    RunState.TIMED_OUT,
    RunState.CANCELLED,
    RunState.LOST,
)


def noon(seconds: float = 0) -> datetime:
    """Return NOON and so many seconds."""
    return NOON + timedelta(seconds=seconds)


def slot(number: int = 0) -> datetime:
    """Return the fire time of minute *number* after noon: whole seconds."""
    return NOON.replace(microsecond=0) + timedelta(minutes=number)


def a_job(name: str = "backup", **changes: Any) -> Job:
    """Return a job; ``definition`` is a document merged into a small valid one."""
    document = {"name": name, "target": {"kind": "command", "argv": ["true"]}}
    definition = definition_from_document({**document, **changes.pop("definition", {})})
    fields: dict[str, Any] = {
        "id": f"job-{name}",
        "definition": definition,
        "revision": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Job(**{**fields, **changes})


def made_by(command_id: str) -> LastCommand:
    """Return what a record remembers of an update with this id."""
    return LastCommand(id=command_id, kind=CommandKind.UPDATE_JOB, digest=f"digest {command_id}")


def a_run(run_id: str = "run", **changes: Any) -> Run:
    """Return a pending row without a slot."""
    fields: dict[str, Any] = {
        "id": run_id,
        "job_id": "job-backup",
        "job": "backup",
        "cause": Cause.MANUAL,
        "state": RunState.PENDING,
        "term": 1,
        "clear_at": NOON,
        "created_at": NOON,
    }
    return Run(**{**fields, **changes})


def a_claim(run_id: str = "claim", fire_at: datetime | None = None, **changes: Any) -> Run:
    """Return a pending row that is a slot."""
    fields: dict[str, Any] = {
        "cause": Cause.SCHEDULE,
        "scheduled": True,
        "fire_at": slot() if fire_at is None else fire_at,
    }
    return a_run(run_id, **{**fields, **changes})


def a_last_run(run_id: str = "run", seconds: float = 0, state: str = "succeeded") -> LastRun:
    """Return the summary of a run that finished *seconds* after noon."""
    return LastRun(run_id=run_id, state=state, finished_at=noon(seconds))


def a_calendar(name: str = "holidays", **changes: Any) -> Stored[Calendar]:
    """Return a calendar's record; ``definition`` is a document merged into a small valid one."""
    document = {"name": name, "dates": [{"from": "2031-12-24", "to": "2031-12-26"}]}
    calendar = calendar_from_document({**document, **changes.pop("definition", {})})
    fields: dict[str, Any] = {"name": name, "value": calendar, "revision": 1, "updated_at": NOON}
    return Stored(**{**fields, **changes})


def a_secret(name: str = "TOKEN", **changes: Any) -> Stored[str]:
    """Return a secret's record; its sealed value is nobody's."""
    sealed = "" if changes.get("deleted") else f"v1:0123abcd:{'A' * 44}"
    fields: dict[str, Any] = {"name": name, "value": sealed, "revision": 1, "updated_at": NOON}
    return Stored(**{**fields, **changes})


def a_channel(name: str = "ops", **changes: Any) -> Stored[Channel]:
    """Return a channel's record: a webhook, unless ``definition`` says otherwise."""
    definition = changes.pop("definition", {"kind": "webhook", "url": "https://example.com/hook"})
    channel = channel_from_document(definition)
    fields: dict[str, Any] = {"name": name, "value": channel, "revision": 1, "updated_at": NOON}
    return Stored(**{**fields, **changes})


def a_notification(name: str = "note", **changes: Any) -> Notification:
    """Return a pending notification about a failure, due at noon."""
    fields: dict[str, Any] = {
        "id": name,
        "job_id": "job-backup",
        "job": "backup",
        "event": Event.FAILURE,
        "channel": "ops",
        "created_at": NOON,
        "due_at": NOON,
        "expires_at": noon(86_400),
        "run_id": "run",
        "payload": {"event": "failure", "job": "backup", "failures": 1},
    }
    return Notification(**{**fields, **changes})


def a_ping(name: str = "ping", seconds: float = 0, **changes: Any) -> Notification:
    """Return a pending ping of the job, made *seconds* after noon."""
    payload = {"url": "https://monitor.example/1", "signal": "", "rid": name, "output": ""}
    ping = {
        "event": Event.PING,
        "channel": "",
        "created_at": noon(seconds),
        "payload": payload,
    }
    return a_notification(name, **{**ping, **changes})


def a_token(name: str = "ci", **changes: Any) -> Stored[ApiToken]:
    """Return a token's record; nobody holds the token."""
    standing = ApiToken(
        digest=changes.pop("digest", "a" * 64),
        scopes=changes.pop("scopes", ("jobs:read",)),
        expires_at=changes.pop("expires_at", None),
    )
    value = REVOKED if changes.get("deleted") else standing
    fields: dict[str, Any] = {"name": name, "value": value, "revision": 1, "updated_at": NOON}
    return Stored(**{**fields, **changes})


def a_change(change_id: str = "job:j:1", **changes: Any) -> Change:
    """Return an entry of the audit."""
    fields: dict[str, Any] = {
        "id": change_id,
        "at": NOON,
        "actor": "token:ci",
        "address": "192.0.2.1",
        "action": CommandKind.UPDATE_JOB,
        "subject": "backup",
    }
    return Change(**{**fields, **changes})


def by(actor: str, made: LastCommand) -> LastCommand:
    """Return *made* as if *actor* had asked for it."""
    return replace(made, actor=actor, address="2001:db8::1")


def an_answer(command_id: str = "command", **changes: Any) -> CommandResult:
    """Return the answer to a command that created a job."""
    fields: dict[str, Any] = {
        "command_id": command_id,
        "kind": CommandKind.CREATE_JOB,
        "digest": "d1",
        "status": ResultStatus.CREATED,
        "finished_at": NOON,
    }
    return CommandResult(**{**fields, **changes})


def race(step: Callable[[Item], Value], items: Sequence[Item]) -> list[Value]:
    """Take *step* for all items at the same moment, each on a thread; return what they return."""
    start = threading.Barrier(len(items))

    def run(item: Item) -> Value:
        start.wait(PATIENCE_S)
        return step(item)

    with ThreadPoolExecutor(len(items)) as threads:
        return list(threads.map(run, items))
