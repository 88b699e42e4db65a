"""What is about to be overwritten, and has to be kept first.

A former revision belongs to the job's history.  And a record remembers one command only,
the one that made its revision: before that is forgotten, the answer to it is saved, so
that the command is known when it comes again, and its entry of the audit is appended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executor.domain.audit import Change, change_of_job, change_of_named
from executor.domain.command import CommandResult
from executor.domain.job import Job
from executor.domain.kinds import KINDS
from executor.engine.batch import Batch
from executor.engine.decisions import implied_result
from executor.engine.desk import Desk
from executor.engine.named_decisions import implied_named_result
from executor.engine.store_requests import KeepFormer


class Former:
    """Knows which answers are saved already, for the revisions of this term."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        #: By what has revisions, the command that made the present one and whose answer is saved.
        self._answered: dict[str, str] = {}

    def request(self, batch: Batch) -> KeepFormer | None:
        """Return what is to be kept before the writes of *batch*; None if there is nothing."""
        if not (batch.writes or batch.named):
            return None
        now = self._desk.now
        writes = [one for write in batch.writes.values() for one in (write, *write.first)]
        jobs = tuple(one.former for one in writes if one.former is not None)
        results = [implied_result(job, now) for job in jobs]
        results += [
            implied_named_result(one.write.kind, one.former, now)
            for one in batch.named.values()
            if one.former
        ]
        unanswered = tuple(result for result in results if result and not self._is_saved(result))
        if not (unanswered or jobs):
            return None
        return KeepFormer(unanswered, jobs, tuple(self._changes(batch, jobs)))

    def _changes(self, batch: Batch, jobs: Iterable[Job]) -> Iterator[Change]:
        """Yield the audit's entries for what is overwritten, unless they are known to be there.

        They are as soon as the answer is, which is saved after them.
        """
        for job in jobs:
            result = implied_result(job, self._desk.now)
            if result is None or not self._is_saved(result):
                yield from filter(None, [change_of_job(job)])
        for one in batch.named.values():
            if one.former is None:
                continue
            kind = one.write.kind
            result = implied_named_result(kind, one.former, self._desk.now)
            if result is None or not self._is_saved(result):
                yield from filter(None, [change_of_named(kind, one.former)])

    def _is_saved(self, result: CommandResult) -> bool:
        return self._answered.get(_subject(result)) == result.command_id

    def note_answered(self, results: Iterable[CommandResult]) -> None:
        """Note that these answers are saved."""
        for result in results:
            if result.run_id is None and _subject(result):
                self._answered[_subject(result)] = result.command_id


def _subject(result: CommandResult) -> str:
    """Return a key for the job or named thing that *result* is about; empty for others."""
    if result.job_id is not None:
        return result.job_id
    words = (kind.word for kind in KINDS if kind.word in result.facts)
    return next((f"{word} {result.facts[word]}" for word in words), "")
