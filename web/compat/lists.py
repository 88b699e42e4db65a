"""Whole lists, for protocols that know no pages.

They are read part by part, so that who needs the first items only does not read the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from executor.domain.job import Job
from executor.domain.run import Run
from executor.domain.writes import BrokenJob
from executor.ports.store import JobFilter, Page, Readers, RunFilter
from web.parameters import MAX_LIMIT

Item = TypeVar("Item")


def all_jobs(readers: Readers) -> Iterator[Job | BrokenJob]:
    """Return every job, by name."""
    return _everything(lambda cursor: readers.list_jobs(JobFilter(), MAX_LIMIT, cursor))


def all_runs(readers: Readers, which: RunFilter, part: int = MAX_LIMIT) -> Iterator[Run]:
    """Return every run that *which* asks for, newest first; *part* of them are read at once."""
    return _everything(lambda cursor: readers.list_runs(which, part, cursor))


def _everything(read: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield from page.items
        if page.next is None:
            return
        cursor = page.next
