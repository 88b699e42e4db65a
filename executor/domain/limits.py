"""What a command may use: CPU time, memory, processes, output.

The first three are limits of the kernel (setrlimit(2)), set before the program starts and
inherited by all that it starts.  So ``cpu`` and ``memory`` bind each process by itself,
not all of them together, and ``processes`` binds the user whom they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from executor.domain.fields import CLOSED, PositiveDuration, Size

#: Least address space that can be asked for, bytes: with less nothing starts at all.
_LEAST_MEMORY: Final = 1024**2


def _enough(value: int) -> int:
    if value < _LEAST_MEMORY:
        raise ValueError("must be at least 1MiB; no program starts with less")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a command may use; null sets no limit."""

    __pydantic_config__ = CLOSED

    cpu: PositiveDuration | None = None
    """CPU time of each process, rounded up to whole seconds; beyond it, SIGXCPU ends it."""
    memory: Annotated[Size, AfterValidator(_enough)] | None = None
    """Address space of each process; allocations beyond it fail."""
    processes: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Processes and threads that its user may have at the same time, those outside the run
    included.  The kernel exempts root, so it needs a `user` where the service is root."""
    output: Size | None = None
    """Bytes kept of what it says, half from the start and half from the end; never more than
    the service keeps of any run (64KiB).  What is beyond is read and counted."""
