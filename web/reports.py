"""``POST /v1/runs/{run}/status``: a service that goes on with a run calls back about it.

Whoever calls proves by a token that he was given this very run, and needs no other right.  A
wrong token is refused here, before anybody else is asked; the run's secrets are replaced in what
is told; whether it fits is for the executor to say.  The same end told twice is answered alike,
so that a service may repeat a call of which it got no answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from flask import Response
from pydantic import ConfigDict, Field

from executor.domain.callback import is_token
from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.errors import Fault
from executor.domain.fields import Text
from executor.domain.report import Report, ReportStatus, Verdict, says_the_same
from executor.domain.run import Reason
from web.bodies import object_reader
from web.commands import answer, command, send
from web.documents import json_response, run_document
from web.problems import Problem, unprocessable
from web.redacted import without_secrets
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: Longest details, characters of JSON text: they are shown with the run, and replaced often.
MOST_DETAILS: Final = 65_536

#: What a service says -> the report's status, and what kind of success it was.
_STATES: Final[dict[str, tuple[ReportStatus, Reason | None]]] = {
    "running": (ReportStatus.RUNNING, None),
    "succeeded": (ReportStatus.COMPLETED, None),
    "warning": (ReportStatus.COMPLETED, Reason.WARNING),
    "no_action_needed": (ReportStatus.COMPLETED, Reason.NO_ACTION_NEEDED),
    "skipped": (ReportStatus.COMPLETED, Reason.SKIPPED),
    "failed": (ReportStatus.FAILED, None),
    "cancelled": (ReportStatus.CANCELLED, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is: so much of so much, in units of its own; null: nobody knows."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    done: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    total: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    message: Annotated[Text, Field(max_length=1_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a service tells of a run that it goes on with; everything may be left out.

    ``warning``, ``no_action_needed`` and ``skipped`` are kinds of success.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    state: (
        Literal[
            "running",
            "succeeded",
            "warning",
            "no_action_needed",
            "skipped",
            "failed",
            "cancelled",
        ]
        | None
    ) = None
    details: dict[str, Any] | None = None
    """Any JSON; replaces what was told before."""
    progress: Progress | None = None
    """Shown as `progress` among the details."""
    error: Annotated[Text, Field(max_length=10_000)] | None = None


_read_report: Final = object_reader(RunReport)


@TABLE.add(
    "POST",
    "/v1/runs/{run}/status",
    summary="Report about a run",
    description="For services that have answered a run's request with 202.  The token came with "
    "that request, in `X-Solocron-Token`; send it under the same name or as "
    "`Authorization: Bearer`.  Every report is a heartbeat.  409: the run is over, and not as "
    "reported.",
    tag="runs",
    body=Body(schema="RunReport", read=dict, required=False),
    writes=True,
    token=True,
    answers={HTTPStatus.OK: Answer(schema="Run", description="The run as it is now.")},
)
def report_run(call: Call) -> Response:
    """Pass on what is reported, once it is clear that it may be."""
    run_id = call.path["run"]
    _check_token(call, run_id)
    report = _report(call, run_id, _read_report(call.document))
    readers = call.services.readers
    report = without_secrets(report, readers.get_run(run_id), readers, call.services.sealer)
    arguments = {
        "status": report.status,
        "details": report.details,
        "error": report.error,
        "reason": report.reason,
    }
    asked = command(call, CommandKind.REPORT_RUN, run_id, arguments)
    result = send(call, asked)
    if result is not None and _is_repeated(call, report, result):
        return _show(call, run_id)
    return answer(asked, result, lambda _: _show(call, run_id))


def _check_token(call: Call, run_id: str) -> None:
    scheme, _, bearer = call.headers.get("Authorization", "").partition(" ")
    token = call.headers.get("X-Solocron-Token") or (bearer if scheme.lower() == "bearer" else "")
    if not is_token(call.services.readers.callback_key(), run_id, token.strip()):
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "this needs the token that came with the run's request, as X-Solocron-Token or as "
            "Authorization: Bearer",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _report(call: Call, run_id: str, told: RunReport) -> Report:
    status, reason = _STATES[told.state] if told.state is not None else (None, None)
    details = told.details
    if told.progress is not None:
        progress = {
            "done": told.progress.done,
            "total": told.progress.total,
            "message": told.progress.message,
        }
        details = {**(details or {}), "progress": progress}
    if details is not None and len(json.dumps(details)) > MOST_DETAILS:
        longest = f"are longer than {MOST_DETAILS:,} characters of JSON; keep the rest elsewhere"
        raise unprocessable([Fault("details", longest)])
    return Report(
        run_id=run_id,
        status=status,
        details=details,
        error=told.error,
        reason=reason,
        at=call.services.clock.now(),
    )


def _is_repeated(call: Call, report: Report, result: CommandResult) -> bool:
    """Whether the report came late because it had come before."""
    if result.status is not ResultStatus.CONFLICT or result.facts.get("report") != Verdict.LATE:
        return False
    return says_the_same(report, call.services.readers.get_run(report.run_id))


def _show(call: Call, run_id: str) -> Response:
    return json_response(run_document(call.services.readers.get_run(run_id)))
