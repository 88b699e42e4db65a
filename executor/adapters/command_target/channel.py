"""What the code of a run may tell its launcher while it runs, and when it ends.

A plain program tells nothing but its output and its exit status.  Other kinds of targets
that are processes as well (``python_target``) have a channel beside these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from executor.domain.run import Outcome


class Channel(Protocol):
    """Our end of it; belongs to one thread at a time."""

    @property
    def fd(self) -> int:
        """Readable when there is news, or nobody left to send any."""
        ...

    def read(self) -> bool:
        """Take what has been sent; return True once nothing can follow."""
        ...

    def news(self) -> Mapping[str, Any] | None:
        """Return the newest details that were not returned before; None if there are none."""
        ...

    def judge(self, outcome: Outcome, *, by_itself: bool) -> Outcome:
        """Return *outcome* with what was told of the end.

        Args:
            outcome: how the process ended, as for any program.
            by_itself: nobody ended it; then what was told decides.
        """
        ...

    def close(self) -> None:
        """Close our end.  Once."""
        ...
