"""What happened, on its way to the store: in batches, merged, and never on the firing path.

A short run's start and end become one change.  Entries stay here until the store has
answered for them, so nothing is forgotten in an outage; what accumulates meanwhile is
bounded by the work in progress, because nothing new is dispatched then.

An entry that the store does not take (see ``Refused``) rests and comes again, while all
others go on; so a stumble of the store loses nothing.  In the end a change goes without
what may be wrong with it, the texts of its target, and is given up if that fails as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from math import inf

from executor.domain.run import Run, RunChange
from executor.domain.writes import JobProgress
from executor.engine.desk import Call, Desk
from executor.engine.events import Refused
from executor.engine.store_requests import Record, Request
from executor.engine.timing import JOURNAL_DELAY_S, JOURNAL_ROWS, JOURNAL_TRIES, RETRY_S

_Key = tuple[str, int]

#: Longest reason kept in place of what a target said, characters.
_REASON = 500


class Journal:
    """Collects changes of rows and news about jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # By term as well: a row given up in one term may be adopted again in a later one.
        self._changes: dict[_Key, RunChange] = {}
        self._in_hand: Counter[str] = Counter()
        self._runs: dict[str, Run] = {}
        self._progress: dict[str, JobProgress] = {}
        self._resting: list[RunChange | JobProgress] = []
        self._tries: Counter[_Key | str] = Counter()
        self._rest_until = inf
        self._since = inf
        self._call: Call[Record] = Call(desk)
        self.on_durable: Callable[[Run], None] = lambda run: None
        self.on_given_up: Callable[[str, str], None] = lambda job_id, why: None

    def change(self, change: RunChange, run: Run | None = None) -> None:
        """Record a change of one row; *run* is the row as the change leaves it.

        :attr:`on_durable` is called with it if the change leaves a demand (``follow_up``).
        """
        key = change.run_id, change.term
        earlier = self._changes.get(key)
        if earlier is None:
            self._in_hand[change.run_id] += 1
        if run is not None:
            self._runs[run.id] = run
        self._changes[key] = earlier.merged_with(change) if earlier else change
        self._since = min(self._since, self._desk.monotonic)

    def progress(self, news: JobProgress) -> None:
        """Record news about one job."""
        earlier = self._progress.get(news.job_id)
        self._progress[news.job_id] = _merged(earlier, news) if earlier else news
        self._since = min(self._since, self._desk.monotonic)

    def remembers(self, run_id: str) -> bool:
        """Whether a change of this row is not known to be durable yet."""
        return run_id in self._in_hand

    def remembered(self, run: Run) -> Run | None:
        """Return the row with the id of *run* if a change of it is not known to be durable yet.

        As far as it is known here; else *run* itself stands for it.
        """
        return self._runs.get(run.id, run) if self.remembers(run.id) else None

    @property
    def silent_since(self) -> float:
        """Since when (see ``Desk.awake``) the store has not taken a batch, or infinity."""
        return self._call.silent_since

    @property
    def empty(self) -> bool:
        """Whether everything is durable."""
        return not (self._changes or self._progress or self._resting) and self._call.idle

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._call.answered(request):
            return False
        assert isinstance(request, Record)
        assert isinstance(result, tuple)
        changed, advanced = result
        for change, refused in zip(request.changes, changed, strict=True):
            if isinstance(refused, Refused) and self._try_again(change, refused):
                continue
            self._tries.pop((change.run_id, change.term), None)
            run = self._runs.get(change.run_id)
            self._let_go(change.run_id)
            if change.follow_up and run is not None:
                self.on_durable(run)
        for news, refused in zip(request.progress, advanced, strict=True):
            if not (isinstance(refused, Refused) and self._try_again(news, refused)):
                self._tries.pop(news.job_id, None)
        return True

    def _let_go(self, run_id: str) -> None:
        self._in_hand[run_id] -= 1
        if not self._in_hand[run_id]:
            del self._in_hand[run_id]
            self._runs.pop(run_id, None)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._call.failed(request)

    # Entries that the store does not take ---------------------------------------------------

    def _try_again(self, entry: RunChange | JobProgress, refused: Refused) -> bool:
        """Let *entry* rest and come again; False if it is given up instead."""
        key = (entry.run_id, entry.term) if isinstance(entry, RunChange) else entry.job_id
        self._tries[key] += 1
        tries = self._tries[key]
        if tries >= 2 * JOURNAL_TRIES:
            self._give_up(entry, refused.why)
            return False
        if tries >= JOURNAL_TRIES and isinstance(entry, RunChange):
            entry = _plain(entry, refused.why)
        self._resting.append(entry)
        pause = min(RETRY_S[0] * 2 ** (tries - 1), RETRY_S[1])
        self._rest_until = min(self._rest_until, self._desk.monotonic + pause)
        return True

    def _give_up(self, entry: RunChange | JobProgress, why: str) -> None:
        if isinstance(entry, JobProgress):
            job_id, facts = entry.job_id, {"job_id": entry.job_id}
            if entry.last_run is not None:
                facts["run_id"] = entry.last_run.run_id
        else:
            run = self._runs.get(entry.run_id)
            job_id = run.job_id if run else ""
            facts = {"job": run.job if run else "", "job_id": job_id, "run_id": entry.run_id}
            facts["state"] = entry.state.value
        self._desk.note(
            "record_refused",
            "the store does not take what became of a run or a job; it is not recorded",
            "ERROR",
            error=why,
            **facts,
        )
        self.on_given_up(job_id, why)

    def _wake_resting(self) -> None:
        resting, self._resting = self._resting, []
        self._rest_until = inf
        for entry in resting:
            if isinstance(entry, JobProgress):
                later = self._progress.get(entry.job_id)
                self._progress[entry.job_id] = _merged(entry, later) if later else entry
                continue
            key = entry.run_id, entry.term
            newer = self._changes.get(key)
            self._changes[key] = entry.merged_with(newer) if newer else entry
            if newer:
                # Two entries in hand have become one.
                self._let_go(entry.run_id)
        self._since = -inf

    # Acting -------------------------------------------------------------------------------

    def advance(self) -> None:
        """Send a batch if it is full or old enough."""
        if not self._call.idle:
            self._call.advance()
            return
        if self._desk.monotonic < self.wake_at:
            return
        if self._desk.monotonic >= self._rest_until:
            self._wake_resting()
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
        return min(self._since + JOURNAL_DELAY_S, self._rest_until)


def _merged(earlier: JobProgress, later: JobProgress) -> JobProgress:
    # A watermark belongs to its revision; the end of a run may come from an older one.
    newest = earlier if earlier.revision > later.revision else later
    moved, over = newest.next_fire_at, newest.over
    if earlier.revision == later.revision:
        moved, over = moved or earlier.next_fire_at, over or earlier.over
    return JobProgress(
        job_id=later.job_id,
        revision=newest.revision,
        next_fire_at=None if over else moved,
        over=over,
        last_run=later.last_run or earlier.last_run,
    )


def _plain(change: RunChange, why: str) -> RunChange:
    """Return *change* without what its target gave for it, and with the reason if it is an end."""
    reason = ascii(f"the store does not take what the target said: {why}")[1:-1]
    return replace(
        change,
        exit_code=None,
        http_status=None,
        details=None,
        retry_after=None,
        output=None,
        error=None if change.finished_at is None else reason[:_REASON],
    )
