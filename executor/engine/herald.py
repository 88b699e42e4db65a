"""Telling what became of runs: from the durable end of a run to what stands in the outbox.

A run whose end is to be told is recorded with ``follow_up``, like one that others follow; only
when everything about it is in the outbox is that demand settled.  The steps between are

1. *verify* the term: that no newer one existed after the end was written.  Otherwise the row may
   have been declared lost before, the end have changed nothing, and what is told be untrue;
2. *read* the tally of the job, once in a tenure;
3. count the run, decide by the rules of the job whom to tell of it, and *tell*: write the tally
   by compare-and-set, and then the notifications that follow from it.

The tally remembers the decision.  So whoever comes to the same run again, after any interruption,
tells the same; the ids of notifications are derived from the run, so that each is written once.
A tally that somebody else has written meanwhile is read again, and the run counted anew.

Starts are told as they happen, and their telling may get lost with the executor: a late start is
told at the run's end then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from executor.domain.following import failed
from executor.domain.job import Job
from executor.domain.message import facts_of
from executor.domain.notification import Notification, a_message
from executor.domain.ping import ping_of_end, ping_of_start, signal_of_end
from executor.domain.run import Run, RunState
from executor.domain.tally import (
    Tally,
    count_end,
    count_start,
    is_late,
    is_missed,
    start_key,
)
from executor.engine.desk import Call, Desk
from executor.engine.roster import Roster
from executor.engine.store_requests import ReadTallies, Request, Tell, Telling
from executor.engine.timing import TOLD_TOGETHER

#: What rules have to ask for so that a row of failures is counted.
_COUNTING = frozenset({"failure", "recovery", "lost", "missed"})


@dataclass(frozen=True, slots=True)
class _News:
    """A run to be told of; ``then`` is called when it is."""

    run: Run
    then: Callable[[], None]
    started: bool = False
    final: bool = False


@dataclass(slots=True)
class _Draft:
    """What is told together: of one job, or one notification that somebody asked for."""

    before: Tally | None = None
    tally: Tally | None = None
    news: list[_News] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def telling(self) -> Telling:
        """Return it as it is asked of the store."""
        changed = None
        if self.tally is not None and self.before is not None and self.tally != self.before:
            self.tally = replace(self.tally, revision=self.before.revision + 1)
            changed = self.tally
        return Telling(changed, tuple(self.notifications))


class Herald:
    """Fills the outbox; part of a tenure.

    Args:
        verify: calls what it is given once the term is known to stand, from now on.
        url: where people reach the web process, for links; None if that is not known.
    """

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        verify: Callable[[Callable[[], None]], None],
        url: str | None,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._url = url
        self._tallies: dict[str, Tally] = {}
        self._verify = verify
        self._verifying = False
        self._unverified: list[_News] = []
        self._waiting: list[_News] = []
        self._posts: list[_Draft] = []
        self._out: list[_Draft] = []
        self._unsettled: dict[str, set[str]] = {}
        self._read: Call[ReadTallies] = Call(desk)
        self._tell: Call[Tell] = Call(desk)
        self.on_told: Callable[[], None] = lambda: None

    # What is to be told -------------------------------------------------------------------

    def demands(self, run: Run, job: Job, *, final: bool) -> bool:
        """Whether the end of *run* is to be told; from then on that is expected."""
        wanted = self.wants(run, job, final=final)
        if wanted:
            self._unsettled.setdefault(job.id, set()).add(run.id)
        return wanted

    def wants(self, run: Run, job: Job, *, final: bool) -> bool:
        """Whether there is anything to tell, or to count, of the end of *run*."""
        rules = job.definition.notify
        if any(is_late(run, rule) for rule in rules):
            return True
        if not final:
            return False
        if job.definition.ping is not None and signal_of_end(run) is not None:
            return True
        asked = {event for rule in rules for event in rule.on}
        if run.state is RunState.SUCCEEDED:
            return "success" in asked or (bool(asked & _COUNTING) and not self._is_calm(job))
        if failed(run):
            return bool(asked & _COUNTING)
        return is_missed(run) and "missed" in asked

    def _is_calm(self, job: Job) -> bool:
        """Whether a success is certain to change nothing in the job's tally."""
        tally = self._tallies.get(job.id)
        return tally is not None and tally.is_calm and not self._unsettled.get(job.id)

    def started(self, run: Run, at: datetime) -> None:
        """Tell of the start of *run*, if anybody wants to know."""
        job = self._roster.get(run.job_id)
        if job is None or not (job.definition.ping or job.definition.notify):
            return
        run = replace(run, state=RunState.RUNNING, started_at=at)
        if job.definition.ping or any(is_late(run, rule) for rule in job.definition.notify):
            self._unverified.append(_News(run, lambda: None, started=True))

    def take(self, run: Run, then: Callable[[], None], *, final: bool) -> None:
        """Tell of the end of *run*, which is durable; call *then* when that is durable too."""
        self._unsettled.setdefault(run.job_id, set()).add(run.id)
        self._unverified.append(_News(run, then, final=final))

    def post(self, notification: Notification, then: Callable[[], None]) -> None:
        """Put *notification* into the outbox; call *then* when it is durable."""
        self._posts.append(_Draft(notifications=[notification], then=then))

    def _on_verified(self, news: list[_News]) -> Callable[[], None]:
        def verified() -> None:
            self._verifying = False
            self._waiting += news

        return verified

    # Drafting -----------------------------------------------------------------------------

    def _drafts(self, news: list[_News]) -> list[_Draft]:
        drafts: dict[str, _Draft] = {}
        for one in news:
            draft = drafts.setdefault(one.run.job_id, _Draft())
            draft.news.append(one)
            job = self._roster.get(one.run.job_id)
            if job is None:
                continue
            draft.notifications += self._pings(one, job)
            if job.definition.notify:
                if draft.tally is None:
                    draft.before = draft.tally = self._tallies[job.id]
                draft.tally = self._count(one, job, draft.tally, draft)
        return list(drafts.values())

    def _pings(self, news: _News, job: Job) -> list[Notification]:
        url = job.definition.ping
        if url is None or not (news.started or news.final):
            return []
        ping = ping_of_start(url, news.run) if news.started else ping_of_end(url, news.run)
        return [] if ping is None else [ping]

    def _count(self, news: _News, job: Job, tally: Tally, draft: _Draft) -> Tally:
        run, rules = news.run, job.definition.notify
        if news.started:
            key, counted = start_key(run), count_start(tally, run, rules)
        else:
            key, counted = run.id, count_end(tally, run, rules, final=news.final)
        at = (run.started_at if news.started else run.finished_at) or run.created_at
        draft.notifications += [
            a_message(
                tiding.event,
                tiding.channel,
                job_id=job.id,
                job=job.name,
                run_id=run.id,
                about=run.id,
                at=at,
                payload=facts_of(tiding, run, job, self._url),
            )
            for tiding in counted.decided(key) or ()
        ]
        return counted

    # Store --------------------------------------------------------------------------------

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if self._read.answered(request):
            assert isinstance(request, ReadTallies)
            assert isinstance(result, list)
            self._tallies.update((one, Tally(job_id=one)) for one in request.job_ids)
            self._tallies.update((tally.job_id, tally) for tally in result)
        elif self._tell.answered(request):
            assert isinstance(result, list)
            self._on_told(result)
        else:
            return False
        return True

    def _on_told(self, stands: list[bool]) -> None:
        drafts, self._out = self._out, []
        again: list[_News] = []
        for draft, told in zip(drafts, stands, strict=True):
            if not told:
                # Somebody else, of a former term, has counted meanwhile.
                again += draft.news
                self._forget(draft)
                continue
            if draft.tally is not None:
                self._tallies[draft.tally.job_id] = draft.tally
            for one in draft.news:
                self._settled(one)
                one.then()
            draft.then()
        self._waiting = again + self._waiting
        self.on_told()

    def _forget(self, draft: _Draft) -> None:
        if draft.tally is not None:
            self._tallies.pop(draft.tally.job_id, None)

    def _settled(self, news: _News) -> None:
        expected = self._unsettled.get(news.run.job_id)
        if expected is not None and not news.started:
            expected.discard(news.run.id)
            if not expected:
                del self._unsettled[news.run.job_id]

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._read.failed(request) or self._tell.failed(request)

    def advance(self) -> None:
        """Take the next step, if the one before is done."""
        self._read.advance()
        self._tell.advance()
        if self._unverified and not self._verifying:
            self._verifying = True
            self._verify(self._on_verified(self._unverified))
            self._unverified = []
        if not (self._read.idle and self._tell.idle and (self._waiting or self._posts)):
            return
        news = self._waiting[:TOLD_TOGETHER]
        unknown = {one.run.job_id for one in news if self._is_unknown(one.run.job_id)}
        if unknown:
            self._read.send(ReadTallies(tuple(sorted(unknown))))
            return
        del self._waiting[:TOLD_TOGETHER]
        self._out = self._drafts(news) + self._posts
        self._posts = []
        self._tell.send(Tell(tuple(draft.telling() for draft in self._out)))

    def _is_unknown(self, job_id: str) -> bool:
        job = self._roster.get(job_id)
        return job is not None and bool(job.definition.notify) and job_id not in self._tallies

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next repetition."""
        return min(self._read.wake_at, self._tell.wake_at)
