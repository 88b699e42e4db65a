"""The API tokens of one tenure: which names are taken, and what made them so.

The engine lets nobody in; it only decides who may be let in.
"""

from __future__ import annotations

from executor.domain.api_token import StoredToken
from executor.domain.writes import BrokenToken


class Tokens:
    """What is known of every token."""

    def __init__(self) -> None:
        self._records: dict[str, StoredToken | BrokenToken] = {}

    def put(self, record: StoredToken | BrokenToken) -> None:
        """Add a token's record, or replace the one of that name by a newer one."""
        former = self._records.get(record.name)
        if former is None or former.revision <= record.revision:
            self._records[record.name] = record

    def record(self, name: str) -> StoredToken | BrokenToken | None:
        """Return what is known of a token, deleted or not."""
        return self._records.get(name)
