"""Code that is not ours, as the service itself asks it: which jobs there are, and whether to begin.

Whoever answers does so in processes of its own: code that is broken, slow or hostile to its
surroundings harms nobody but itself.
"""

from __future__ import annotations

from typing import Protocol

from executor.domain.declared import Declarations


class JobCode(Protocol):
    """Asks the modules with jobs; the methods may take minutes, and raise nothing."""

    def declarations(self) -> Declarations:
        """Import the modules and return what they declare."""
        ...

    def precondition(self) -> str | None:
        """Ask whether scheduling may begin; None if it may, else why not, for people."""
        ...

    def stop(self) -> None:
        """End what is under way, by force; it is answered as failed.  Any thread may call."""
        ...
