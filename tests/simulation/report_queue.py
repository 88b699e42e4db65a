"""A model of the queues that workers report by: durable, at least once, in any order.

Whatever is not settled comes again once its taker's link breaks or attends other jobs; the
broker may go down with everything that was handed out, or be wiped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from math import inf

from executor.domain.report import Report
from tests.simulation.world import World


@dataclass(eq=False, slots=True)
class ReportLink:
    """One instance's end; ``jobs``: those it attends."""

    on_report: Callable[[object, Report], None]
    clock: Callable[[], datetime]
    up: bool = True
    jobs: frozenset[str] = frozenset()
    unsettled: dict[object, Report] = field(default_factory=dict)


class ReportQueue:
    """Reports wait here until an executor has settled them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._links: list[ReportLink] = []
        self._waiting: list[Report] = []
        self._tags = iter(range(10**9))
        self.running = True
        self.up_since = 0.0

    def publish(self, report: Report) -> bool:
        """Queue a report durably; False if the broker is down."""
        if not self.running:
            return False
        self._waiting.append(report)
        self._world.after(0.001, self._pump)
        return True

    def connect(self, link: ReportLink) -> None:
        """Be there."""
        self._links.append(link)

    def drop(self, link: ReportLink, broker_notices: float) -> None:
        """Break a link; what it holds is delivered again once the broker notices."""
        if link.up:
            link.up = False
            self._world.after(broker_notices, partial(self._reap, link))

    def _reap(self, link: ReportLink) -> None:
        if link in self._links:
            self._links.remove(link)
        self._requeue(link, frozenset())

    def attend(self, link: ReportLink, jobs: frozenset[str]) -> None:
        """Deliver reports about *jobs*; unsettled ones about others go back."""
        link.jobs = jobs
        if link.up:
            self._requeue(link, jobs)

    def _requeue(self, link: ReportLink, but: frozenset[str]) -> None:
        for tag, report in list(link.unsettled.items()):
            if report.job not in but:
                del link.unsettled[tag]
                self._waiting.append(report)
        self._world.after(0.001, self._pump)

    def settle(self, link: ReportLink, tag: object) -> Report | None:
        """Forget a report, if the link still stands; return it if it was forgotten."""
        if not link.up or not self.running:
            return None
        return link.unsettled.pop(tag, None)

    def stop(self, wipe: bool) -> None:
        """Go down with the broker; a wipe loses everything."""
        self.running, self.up_since = False, inf
        for link in self._links:
            self._requeue(link, frozenset())
        if wipe:
            self._waiting.clear()

    def start(self) -> None:
        """Come back."""
        self.running, self.up_since = True, self._world.time
        self._pump()

    def _pump(self) -> None:
        if not self.running:
            return
        left = []
        for report in self._waiting:
            takers = [link for link in self._links if link.up and report.job in link.jobs]
            if not takers:
                left.append(report)
                continue
            taker, tag = self._world.random.choice(takers), next(self._tags)
            taker.unsettled[tag] = report
            self._world.after(self._world.delay(0.003), partial(self._deliver, taker, tag))
        self._waiting = left

    def _deliver(self, taker: ReportLink, tag: object) -> None:
        report = taker.unsettled.get(tag)
        if report is not None and taker.up:
            taker.on_report(tag, replace(report, at=taker.clock()))
