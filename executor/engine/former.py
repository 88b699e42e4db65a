"""What is about to be overwritten, and has to be kept first.

A former revision belongs to the job's history.  And a record remembers one command only,
the one that made its revision: before that is forgotten, the answer to it is saved, so
that the command is known when it comes again.
"""

from __future__ import annotations

from collections.abc import Iterable

from executor.domain.command import CommandResult
from executor.domain.kinds import KINDS
from executor.engine.batch import Batch
from executor.engine.decisions import implied_result
from executor.engine.desk import Desk
from executor.engine.effects import KeepFormer
from executor.engine.named_decisions import implied_named_result


class Former:
    """Knows which answers are saved already, for the revisions of this term."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        #: By job or other thing, the command that made its revision and whose answer is saved.
        self._answered: dict[str, str] = {}

    def request(self, batch: Batch) -> KeepFormer | None:
        """Return what is to be kept before the writes of *batch*; None if there is nothing."""
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
        return KeepFormer(unanswered, jobs) if unanswered or jobs else None

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
