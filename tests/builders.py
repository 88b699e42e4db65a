"""Jobs, rows and commands for tests that need some and do not care which.

Everything is derived from a job's name and from :data:`~tests.fakes.fake_clock.START`,
so that two calls with the same arguments mean the same thing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from executor.domain.command import Command, CommandKind
from executor.domain.identity import slot_run_id
from executor.domain.job import Definition, Job, definition_from_document
from executor.domain.run import Cause, Run, RunState
from executor.domain.schedule import for_job, next_after
from tests.fakes.fake_clock import START

_NUMBERS = count(1)


def at(seconds: float) -> datetime:
    """Return the instant so many seconds after the start of every fake clock."""
    return START + timedelta(seconds=seconds)


def every(seconds: int) -> dict[str, Any]:
    """Return a schedule that is due at the seconds of a minute divisible by *seconds* (1 to 60)."""
    expression = f"{'0' if seconds == 60 else f'*/{seconds}'} * * * * *"
    return {"kind": "cron", "expression": expression, "dialect": "cron6s"}


def a_document(name: str = "backup", **fields: Any) -> dict[str, Any]:
    """Return a job as its user writes it: due every ten seconds, unless *fields* say otherwise."""
    small = {"target": {"kind": "command", "argv": ["true"]}, "schedule": every(10)}
    return {"name": name, **small, **fields}


def a_definition(name: str = "backup", **fields: Any) -> Definition:
    """Return a valid definition; *fields* are parts of its document."""
    return definition_from_document(a_document(name, **fields))


def a_job(name: str = "backup", now: datetime = START, **fields: Any) -> Job:
    """Return a job created at *now*, with the watermark that this gives it.

    *fields* are the service's part of the job or, where there is none of that name, the
    definition's.
    """
    own = {key: fields.pop(key) for key in list(fields) if key in Job.__slots__}
    definition = own.pop("definition", None) or a_definition(name, **fields)
    schedule = definition.schedule
    given: dict[str, Any] = {
        "id": f"job-{name}",
        "definition": definition,
        "revision": 1,
        "created_at": now,
        "updated_at": now,
    }
    if schedule is not None and "next_fire_at" not in own:
        given["next_fire_at"] = next_after(for_job(schedule, f"job-{name}"), now)
    return Job(**{**given, **own})


def a_run(job: Job, term: int = 1, **fields: Any) -> Run:
    """Return a pending row of *job* without a slot; it waits for a clearance up to START."""
    given: dict[str, Any] = {
        "id": f"run-{next(_NUMBERS)}",
        "job_id": job.id,
        "job": job.name,
        "cause": Cause.MANUAL,
        "state": RunState.PENDING,
        "term": term,
        "clear_at": START,
        "created_at": START,
        "revision": job.revision,
    }
    run = {**given, **fields}
    return Run(**{"trigger_id": run["id"], **run})


def a_claim(job: Job, fire_at: datetime, term: int = 1, **fields: Any) -> Run:
    """Return the pending row for one slot of *job*."""
    given: dict[str, Any] = {
        "id": slot_run_id(job.id, fire_at),
        "cause": Cause.SCHEDULE,
        "scheduled": True,
        "fire_at": fire_at,
        "clear_at": fire_at,
        "created_at": fire_at - timedelta(seconds=0.4),
    }
    return a_run(job, term, **{**given, **fields})


def a_command(kind: CommandKind, subject: str, **fields: Any) -> Command:
    """Return a command with an id of its own; what is no field of a command is its argument."""
    own = {key: fields.pop(key) for key in list(fields) if key in Command.__slots__}
    given: dict[str, Any] = {"id": f"command-{next(_NUMBERS)}", "sent_at": START}
    return Command(**{**given, "kind": kind, "subject": subject, "arguments": fields, **own})


def create(name: str = "backup", command_id: str | None = None, **fields: Any) -> Command:
    """Return the command that creates the job of :func:`a_document`."""
    return _with_definition(CommandKind.CREATE_JOB, name, command_id, fields)


def update(name: str = "backup", command_id: str | None = None, **fields: Any) -> Command:
    """Return the command that makes the job what :func:`a_document` says."""
    return _with_definition(CommandKind.UPDATE_JOB, name, command_id, fields)


def _with_definition(
    kind: CommandKind, name: str, command_id: str | None, fields: dict[str, Any]
) -> Command:
    own = {} if command_id is None else {"id": command_id}
    return a_command(kind, name, definition=a_document(name, **fields), **own)


def trigger(name: str = "backup", **fields: Any) -> Command:
    """Return the command that asks for a run now."""
    return a_command(CommandKind.TRIGGER_JOB, name, **fields)


def cancel(run: Run | str) -> Command:
    """Return the command that ends *run*."""
    return a_command(CommandKind.CANCEL_RUN, run if isinstance(run, str) else run.id)
