"""What happened, on its way to the store: in batches, merged, and never on the firing path.

A short run's start and end become one change.  Entries stay here until the store has
answered for them, so nothing is forgotten in an outage; what accumulates meanwhile is
bounded by the work in progress, because nothing new is dispatched then.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from math import inf

from executor.domain.run import RunChange
from executor.domain.writes import JobProgress
from executor.engine.desk import Call, Desk
from executor.engine.effects import Record, Request
from executor.engine.timing import JOURNAL_DELAY_S, JOURNAL_ROWS


class Journal:
    """Collects changes of rows and news about jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # By term as well: a row given up in one term may be adopted again in a later one.
        self._changes: dict[tuple[str, int], RunChange] = {}
        self._in_hand: Counter[str] = Counter()
        self._progress: dict[str, JobProgress] = {}
        self._since = inf
        self._call: Call[Record] = Call(desk)

    def change(self, change: RunChange) -> None:
        """Record a change of one row."""
        key = change.run_id, change.term
        earlier = self._changes.get(key)
        if earlier is None:
            self._in_hand[change.run_id] += 1
        self._changes[key] = earlier.merged_with(change) if earlier else change
        self._since = min(self._since, self._desk.monotonic)

    def progress(self, news: JobProgress) -> None:
        """Record news about one job."""
        earlier = self._progress.get(news.job_id)
        if earlier is not None:
            # A watermark belongs to its revision; the end of a run may come from an older one.
            newest = earlier if earlier.revision > news.revision else news
            moved = newest.next_fire_at
            if moved is None and earlier.revision == news.revision:
                moved = earlier.next_fire_at
            news = JobProgress(
                job_id=news.job_id,
                revision=newest.revision,
                next_fire_at=moved,
                last_run=news.last_run or earlier.last_run,
            )
        self._progress[news.job_id] = news
        self._since = min(self._since, self._desk.monotonic)

    def remembers(self, run_id: str) -> bool:
        """Whether a change of this row is not known to be durable yet."""
        return run_id in self._in_hand

    @property
    def empty(self) -> bool:
        """Whether everything is durable."""
        return self._call.idle and not self._changes and not self._progress

    def answered(self, request: Request) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._call.answered(request):
            return False
        assert isinstance(request, Record)
        for change in request.changes:
            self._in_hand[change.run_id] -= 1
            if not self._in_hand[change.run_id]:
                del self._in_hand[change.run_id]
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._call.failed(request)

    def advance(self) -> None:
        """Send a batch if it is full or old enough."""
        self._call.advance()
        if not self._call.idle or self._desk.monotonic < self.wake_at:
            return
        changes = [self._changes.pop(key) for key in list(islice(self._changes, JOURNAL_ROWS))]
        progress = [self._progress.pop(job) for job in list(islice(self._progress, JOURNAL_ROWS))]
        self._since = self._desk.monotonic if self._changes or self._progress else inf
        self._call.send(Record(tuple(changes), tuple(progress)))

    @property
    def wake_at(self) -> float:
        """Monotonic time at which the next batch or repetition is due."""
        if not self._call.idle:
            return self._call.wake_at
        if len(self._changes) + len(self._progress) >= JOURNAL_ROWS:
            return -inf
        return self._since + JOURNAL_DELAY_S
