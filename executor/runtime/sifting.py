"""Batches that the store does not take: which of their entries are to blame?

A store answers, or is silent (``StoreUnavailable``), or has been overtaken (``StaleTerm``).
Whatever else a call raises comes from what it was given, a text or a number that cannot
be stored, and giving it the same once more would block everything beside it for ever.  So
such a batch is given in halves, and these in halves, until the entries to blame are alone.
Entries are written twice by this at most, which every write of the store allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from executor.domain.errors import StaleTerm, StoreUnavailable
from executor.engine.events import Refused

Entry = TypeVar("Entry")
Result = TypeVar("Result")


def sift(
    call: Callable[[Sequence[Entry]], Iterable[Result]], batch: Sequence[Entry]
) -> list[Result | Refused]:
    """Make *call* for *batch*, in as many portions as it takes.

    Args:
        call: returns one result for each entry it is given, in their order.

    Returns:
        The result of each entry, in their order; :class:`Refused` for one that cannot be
        written even alone.

    Raises:
        StaleTerm, StoreUnavailable: the store's own; some portions may be written.
    """
    try:
        return list(call(batch))
    except (StaleTerm, StoreUnavailable):
        raise
    except Exception as error:  # Whatever one entry brings about must not stop the others.
        if len(batch) == 1:
            return [Refused(error)]
    middle = len(batch) // 2
    return sift(call, batch[:middle]) + sift(call, batch[middle:])


def sift_writes(
    write: Callable[[Sequence[Entry]], None], batch: Sequence[Entry]
) -> list[Refused | None]:
    """As :func:`sift`, for a call that answers nothing: None stands for what is written."""

    if not batch:
        return []

    def call(entries: Sequence[Entry]) -> Iterable[None]:
        write(entries)
        return [None] * len(entries)

    return sift(call, batch)
