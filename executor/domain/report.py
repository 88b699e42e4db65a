"""Reports: what whoever has a run tells of it, when its work goes on elsewhere.

Such a run is *remote*: its launcher has let go of it, and only reports say how it goes on.
They come from workers over the broker, or from a service by a call-back over HTTP; how they
look there is the adapters' business.

Rules
-----
1. Reports may come twice, late, in another order than they were sent, and before the launcher
   has said that it let go of the run.
2. Every report about a run that is not over is a sign of life (a *beat*), whatever it says.
3. A report that does not fit changes nothing; it is counted, see :class:`Verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from executor.domain.run import Outcome, Output, Reason, Run, RunState


class ReportStatus(StrEnum):
    """What the work has come to, in the words of the protocol of workers."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What became of a report.

    ``late``: the run is over, or nobody knows of it any more.  ``illegal``: it cannot be true:
    the run was never handed to anybody who reports, or it is of another job.
    """

    APPLIED = "applied"
    LATE = "late"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is told of one run.

    Attributes:
        job: the name of the run's job, as the sender knows it; None if it says none.
        status: None: only that it goes on, perhaps with ``details``.
        details: replace those told before; None: those stay.
        reason: what kind of success it was, or why it was cancelled.
        at: when it was received, by the receiver's clock: those of senders are not trusted.
    """

    run_id: str
    job: str | None = None
    status: ReportStatus | None = None
    details: Mapping[str, Any] | None = None
    error: str | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    output: Output | None = None
    at: datetime

    @property
    def is_end(self) -> bool:
        """Whether it says that the work is over."""
        return self.status in _ENDS


_ENDS: Final = {
    ReportStatus.COMPLETED: RunState.SUCCEEDED,
    ReportStatus.FAILED: RunState.FAILED,
    ReportStatus.CANCELLED: RunState.CANCELLED,
}


def outcome_of(report: Report) -> Outcome:
    """Return how a run ends by *report*, which is an end."""
    assert report.status is not None
    return Outcome(
        state=_ENDS[report.status],
        reason=report.reason,
        exit_code=report.exit_code,
        error=report.error,
        details=report.details,
        output=report.output,
    )


def as_asked(outcome: Outcome, cancelling: Reason | None) -> Outcome:
    """Return the end of a run whose end was asked for, and why (None: it was not).

    Work that got done all the same has succeeded; anything else that ends because its time was
    over has timed out.
    """
    if cancelling is None or outcome.state is RunState.SUCCEEDED:
        return outcome
    if cancelling is Reason.TIMEOUT:
        return replace(outcome, state=RunState.TIMED_OUT, reason=None)
    if outcome.state is RunState.CANCELLED:
        return replace(outcome, reason=cancelling)
    return outcome


def unconfirmed(run: Run, asked: Reason, error: str | None) -> Outcome:
    """Return the end of *run* that was *asked* for, and which nobody has confirmed."""
    if asked is Reason.TIMEOUT:
        return Outcome(state=RunState.TIMED_OUT, error=error)
    if asked is not Reason.START_TIMEOUT:
        return Outcome(state=RunState.CANCELLED, reason=asked, error=error)
    if run.started_at is None:
        return Outcome(state=RunState.SKIPPED, reason=asked)
    return Outcome(state=RunState.LOST, error="nobody took it when it was sent again")


def says_the_same(report: Report, run: Run) -> bool:
    """Whether *run*, as recorded, has ended just as *report* says: it tells nothing new."""
    if report.status not in _ENDS or run.is_live:
        return False
    return _ENDS[report.status] is run.state and report.reason in (None, run.reason)
