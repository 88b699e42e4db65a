"""Pings: the signals of a job to a monitor that misses them, as healthchecks.io and its like.

The protocol: ``POST <url>/start`` when a run begins, ``<url>`` when it has succeeded, and
``<url>/<exit code>`` or ``<url>/fail`` when it has failed for good, each with ``rid``, an id that
is the same for the start and the end, and at the end with the last of the output as the body.

Rules
-----
1. ``rid`` is the id of the first run of a chain of repetitions, as a UUID: the monitor sees one
   undertaking, from its first start to its final end.
2. What was cancelled is neither: the monitor finds out that nothing came.  If it had begun, it
   is told what was said until then, as ``<url>/log``, which changes nothing there.

Source: healthchecks.io/docs/http_api, "Pinging API".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from executor.domain.following import failed
from executor.domain.identity import notification_id
from executor.domain.instant import TICK
from executor.domain.notification import START_TRIED_FOR, TRIED_FOR, Notification
from executor.domain.notify import Event
from executor.domain.run import Run, RunState

#: Bytes of the output that go along, its last ones: as many as healthchecks.io keeps by default.
MOST_OUTPUT: Final = 10_000

#: The signal of a start.
START: Final = "start"

#: The signal of what is only to be noted.
LOG: Final = "log"


def ping_of_start(url: str, run: Run) -> Notification:
    """Return the ping that *run* has begun."""
    at = run.started_at or run.created_at
    return _ping(url, run, START, at, START_TRIED_FOR, "")


def signal_of_end(run: Run) -> str | None:
    """Return what the final end of *run* is to a monitor; None: nothing."""
    if run.state is RunState.SUCCEEDED:
        return ""
    if failed(run):
        return str(run.exit_code) if run.exit_code in range(1, 256) else "fail"
    return LOG if run.state is RunState.CANCELLED and run.started_at is not None else None


def ping_of_end(url: str, run: Run) -> Notification | None:
    """Return the ping of the final end of *run*; None if it says nothing to a monitor."""
    signal = signal_of_end(run)
    if signal is None:
        return None
    # Later than the start of the shortest run, so that its end is the newest.
    at = (run.finished_at or run.created_at) + TICK
    return _ping(url, run, signal, at, TRIED_FOR, last_output(run))


def last_output(run: Run) -> str:
    """Return the last of what the target of *run* said, or else why it failed."""
    output = run.output
    text = "" if output is None else (output.tail or output.head)
    if run.error:
        text = f"{text.rstrip()}\n{run.error}" if text.strip() else run.error
    return text.encode(errors="replace")[-MOST_OUTPUT:].decode(errors="ignore")


def address_of(payload: Mapping[str, Any]) -> str:
    """Return where a ping goes; a template, if the job's ping is one."""
    base, mark, query = str(payload["url"]).partition("?")
    signal = str(payload["signal"])
    path = f"{base.rstrip('/')}/{signal}" if signal else base
    return f"{path}?rid={payload['rid']}" + (f"&{query}" if mark and query else "")


def _ping(
    url: str, run: Run, signal: str, at: datetime, tried_for: timedelta, output: str
) -> Notification:
    return Notification(
        id=notification_id(run.id, START if signal == START else "end", Event.PING),
        job_id=run.job_id,
        job=run.job,
        event=Event.PING,
        channel="",
        run_id=run.id,
        created_at=at,
        due_at=at,
        expires_at=at + tried_for,
        payload={"url": url, "signal": signal, "rid": _rid(run), "output": output},
    )


def _rid(run: Run) -> str:
    first = run.trigger_id or run.id
    try:
        return str(UUID(first))
    except ValueError:
        # Not an id that this version makes; any text of 32 digits will do.
        return str(UUID(notification_id(first, "", "rid")))
