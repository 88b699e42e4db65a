"""Workers: whoever has runs in hand that were handed over, and reports about them.

Checked by ``tests/contract/workers_contract.py`` on every adapter.  One thread of the
adapter's own delivers; what is delivered stays with the broker until it is settled, so
whatever an executor has not made durable before it dies is delivered to its successor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from executor.domain.report import Report


@dataclass(frozen=True, slots=True, eq=False)
class ReportDelivery:
    """A report, and what the adapter needs to find it again; compared by identity."""

    report: Report
    tag: object = None


class WorkerReports(Protocol):
    """The executor's end of what workers report."""

    def start(self, on_report: Callable[[ReportDelivery], None]) -> None:
        """Begin; *on_report* is called on the adapter's thread, returns at once, never raises."""
        ...

    def attend(self, jobs: frozenset[str]) -> None:
        """Take reports about exactly these jobs, by name, from now on.

        Returns at once; any thread may call.  What was delivered about others and is not settled
        goes back to the broker, and so does everything when *jobs* is empty.  An outage of the
        broker is the adapter's to overcome: it attends again as soon as it can.
        """
        ...

    def settle(self, delivery: ReportDelivery) -> None:
        """Forget *delivery*: what it says is durable, or was refused.

        Returns at once; any thread may call.  Does nothing for one that went back meanwhile.
        """
        ...

    def stop(self) -> None:
        """Give back what is not settled, and end the threads.  Safe to repeat."""
        ...
