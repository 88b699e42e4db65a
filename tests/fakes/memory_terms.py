"""The part of the memory store that keeps the term."""

from datetime import datetime

from executor.domain.errors import StaleTerm
from executor.domain.replacement import replace
from executor.domain.term import HISTORY, FormerTerm, TermRecord
from tests.fakes.memory_part import MemoryPart


class MemoryTerms(MemoryPart):
    """A :class:`~executor.ports.store.TermStore`.

    Not *fenced*, it lets every term clear, as if there were no term at all: a fault for
    tests that must notice it.
    """

    fenced = True
    _record: TermRecord | None = None

    def mint_term(self, holder: str, tzdata: str = "") -> TermRecord:
        """Begin the next term."""
        with self.lock:
            now, old = self.clock.now(), self._record
            previous: tuple[FormerTerm, ...] = ()
            if old is not None:
                former = FormerTerm(
                    term=old.term,
                    holder=old.holder,
                    cleared_until=old.cleared_until,
                    until=now,
                    tzdata=old.tzdata,
                )
                previous = (former, *old.previous)[:HISTORY]
            self._record = TermRecord(
                term=1 if old is None else old.term + 1,
                holder=holder,
                acquired_at=now,
                heartbeat_at=now,
                tzdata=tzdata,
                previous=previous,
            )
            return self._record

    def clear_term(self, term: int, until: datetime) -> None:
        """Clear rows of *term* up to *until*."""
        with self.lock:
            record = self._record
            if record is None or record.term != term:
                if self.fenced:
                    raise StaleTerm(term, 0 if record is None else record.term)
                return
            cleared = record.cleared_until
            self._record = replace(
                record,
                cleared_until=until if cleared is None else max(cleared, until),
                heartbeat_at=self.clock.now(),
            )

    def resign_term(self, term: int) -> None:
        """Mark *term* as given up."""
        with self.lock:
            if self._record is not None and self._record.term == term:
                self._record = replace(self._record, resigned=True)

    def read_term(self) -> TermRecord | None:
        """Return the present term."""
        return self._record
