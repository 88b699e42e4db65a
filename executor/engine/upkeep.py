"""Chores: the instance's own heartbeat, and retention.

Retention looks first at jobs that have finished runs since the last time, then at a
few of all the others in turn, so that the runs of a resting job age out as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from math import inf
from typing import Final

from executor.domain.writes import Instance, Retention
from executor.engine.desk import Call, Desk
from executor.engine.roster import Roster
from executor.engine.store_requests import Beat, Prune, Request
from executor.engine.timing import (
    BEAT_S,
    DELETED_KEPT_S,
    NOTIFICATIONS_KEPT_S,
    OUTPUT_REST_S,
    UPKEEP_ROWS,
    UPKEEP_S,
    Options,
)

#: Jobs looked at in one step: those that ran, and those whose turn it is.
_RAN: Final = 200
_IN_TURN: Final = 50

#: Deleted jobs removed in one step, each with all its runs.
_PURGED: Final = 10

#: Seconds until the next step when there is more to remove than one may.
_AT_ONCE_S: Final = 0.5


class Heartbeat:
    """Keeps the record of this process fresh; lives as long as the process."""

    def __init__(self, desk: Desk, options: Options) -> None:
        self._desk = desk
        self._options = options
        self._call: Call[Beat] = Call(desk)
        self._next = -inf
        self._said = ("", "")

    def answered(self, request: Request) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        return self._call.answered(request)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence: the next beat says it anew."""
        return self._call.answered(request)

    def advance(self, role: str, detail: str, reports: Mapping[str, int]) -> None:
        """Beat if it is time or there is something new to say: a role, or what ails it.

        *reports*, how many were taken, are told with the next beat.
        """
        news = role, detail
        if not self._call.idle or (news == self._said and self._desk.monotonic < self._next):
            return
        options = self._options
        self._said = news
        self._next = self._desk.monotonic + BEAT_S
        self._call.send(
            Beat(
                Instance(
                    id=options.instance,
                    host=options.host,
                    version=options.version,
                    role=role,
                    seen_at=self._desk.now,
                    detail=detail,
                    tzdata=options.tzdata,
                    reports=dict(reports),
                )
            )
        )

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next beat."""
        return self._next if self._call.idle else inf


class Upkeep:
    """Removes what the jobs' retention allows to remove; part of a tenure."""

    def __init__(self, desk: Desk, roster: Roster, options: Options) -> None:
        self._desk = desk
        self._rest_s = options.retention_rest_s
        self._audit_kept = options.audit_kept
        self._roster = roster
        self._call: Call[Prune] = Call(desk)
        self._next = desk.monotonic + UPKEEP_S
        self._turn: list[str] = []

    def answered(self, request: Request, removed: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._call.answered(request):
            return False
        assert isinstance(removed, int)
        if removed >= UPKEEP_ROWS or len(self._roster.finished_since_prune) > _RAN:
            self._next = self._desk.monotonic + _AT_ONCE_S
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence: the next step does it anew."""
        return self._call.answered(request)

    def advance(self) -> None:
        """Take the next step if it is time."""
        if not self._call.idle or self._desk.monotonic < self._next:
            return
        self._next = self._desk.monotonic + UPKEEP_S
        ran = self._roster.finished_since_prune
        chosen = set(islice(ran, _RAN))
        ran -= chosen
        if not self._turn:
            self._turn = self._roster.ids()
        chosen.update(self._turn[-_IN_TURN:])
        del self._turn[-_IN_TURN:]
        self._call.send(
            Prune(
                tuple(map(self._retention, sorted(chosen & set(self._roster.ids())))),
                self._desk.now - timedelta(seconds=DELETED_KEPT_S),
                self._desk.now - self._audit_kept,
                self._desk.now - timedelta(seconds=NOTIFICATIONS_KEPT_S),
                self._desk.now,
                UPKEEP_ROWS,
                _PURGED,
                OUTPUT_REST_S,
            )
        )

    def _retention(self, job_id: str) -> Retention:
        job = self._roster.get(job_id)
        assert job is not None
        return Retention(
            job_id=job_id,
            keep_runs=job.definition.keep_runs,
            older_than=self._desk.now - job.definition.keep_for,
            spare_since=self._desk.now - timedelta(seconds=self._rest_s),
        )

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next step."""
        return self._next if self._call.idle else inf
