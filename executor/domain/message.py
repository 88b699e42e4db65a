"""What a message says: the facts, kept with the notification, and their words.

The facts are written down when the notification is made, from the run and its job as they are
then; so a message that is delivered hours later tells what happened, not how things stand.

Rules
-----
1. Output and error come from the run's row, where secrets are replaced already; of the output
   the last lines go along.
2. Times are given in UTC and on the clock of the job's schedule.
3. Texts are cut, never refused: a long message is better than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from executor.domain.duration import format_duration
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.notify import Event
from executor.domain.run import Reason, Run
from executor.domain.tally import Tiding

#: The last lines of an output that go along, and the characters of them: a screenful.
LINES: Final = 20
CHARACTERS: Final = 2_000

Facts = Mapping[str, Any]


def facts_of(tiding: Tiding, run: Run, job: Job, url: str | None) -> dict[str, Any]:
    """Return the facts, JSON-ready.

    Args:
        url: where people reach the web process, if that is known.
    """
    at = run.finished_at or run.started_at or run.created_at
    late = None
    if run.started_at is not None and run.due is not None:
        late = format_duration(max(run.started_at - run.due, run.due - run.due))
    return {
        "event": tiding.event.value,
        "job": job.name,
        "job_id": job.id,
        "run_id": run.id,
        "state": run.state.value,
        "reason": None if run.reason is None else run.reason.value,
        "attempt": run.attempt,
        "fire_at": None if run.fire_at is None else to_text(run.fire_at),
        "started_at": None if run.started_at is None else to_text(run.started_at),
        "at": to_text(at),
        "local": _local(at, job),
        "late_by": late,
        "failures": tiding.count,
        "held_back": tiding.held,
        "exit_code": run.exit_code,
        "http_status": run.http_status,
        "error": _sound(run.error),
        "output": _sound(_last_lines(run)),
        "link": None if url is None else f"{url.rstrip('/')}/v1/runs/{run.id}",
    }


def bare(facts: Facts) -> dict[str, Any]:
    """Return *facts* without the texts that came from outside."""
    return {name: value for name, value in facts.items() if name not in {"error", "output"}}


def facts_of_test(channel: str, at: datetime) -> dict[str, Any]:
    """Return the facts of a test of *channel*, asked for at *at*."""
    return {"event": Event.TEST.value, "channel": channel, "at": to_text(at)}


def subject(facts: Facts) -> str:
    """Return one line that says what happened."""
    job = facts.get("job", "")
    failures = facts.get("failures", 0)
    match Event(facts["event"]):
        case Event.TEST:
            return f"Solocron: a test of channel {facts.get('channel', '')}"
        case Event.FAILURE:
            return f"{job} failed" + (f", {failures} times in a row" if failures > 1 else "")
        case Event.RECOVERY:
            return f"{job} is well again, after {_times(failures, 'failure')}"
        case Event.SUCCESS:
            return f"{job} succeeded"
        case Event.LATE:
            return f"{job} began late, by {facts.get('late_by')}"
        case Event.LOST:
            return f"{job} was lost: its executor died, and how it ended is unknown"
        case Event.MISSED if facts.get("reason") == Reason.NO_PING:
            return f"{job} was not heard of: {facts.get('error')}"
        case Event.MISSED:
            return f"{job} missed fire times, the latest {facts.get('fire_at')}"
        case _:
            return f"{job}: {facts['event']}"


def text(facts: Facts) -> str:
    """Return the whole message, the subject first."""
    if facts["event"] == Event.TEST:
        return f"{subject(facts)}\n\nIf you read this, the channel works.\n"
    lines = [subject(facts), ""]
    lines += [
        f"{label}: {value}"
        for label, value in (
            ("Job", facts.get("job")),
            ("Run", facts.get("run_id")),
            ("Fire time", facts.get("fire_at")),
            ("When", _when(facts)),
            ("State", facts.get("state")),
            ("Exit code", facts.get("exit_code")),
            ("HTTP status", facts.get("http_status")),
            ("Error", facts.get("error")),
            ("Look", facts.get("link")),
        )
        if value is not None
    ]
    if facts.get("held_back"):
        lines.append(f"Held back since the last message: {facts['held_back']}")
    if facts.get("output"):
        lines += ["", "The last of its output:", "", str(facts["output"])]
    return "\n".join(lines) + "\n"


def _when(facts: Facts) -> str:
    at, local = facts.get("at"), facts.get("local")
    return f"{at}" if local is None else f"{at} ({local})"


def _times(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _local(at: datetime, job: Job) -> str | None:
    schedule = job.definition.schedule
    clock = UTC if schedule is None else schedule.clock()
    return None if clock is UTC else at.astimezone(clock).isoformat(timespec="seconds")


def _last_lines(run: Run) -> str:
    if run.output is None:
        return ""
    lines = (run.output.tail or run.output.head).rstrip().splitlines()[-LINES:]
    return "\n".join(lines)[-CHARACTERS:]


def _sound(text: str | None) -> str | None:
    """Return *text* as every store and every mail can take it."""
    if text is None:
        return None
    return text[-CHARACTERS:].encode(errors="replace").decode().replace("\x00", " ")
