"""Keys: what seals and opens secrets.

Two faces.  Web is given a :class:`Sealer`: it cannot read what it has sealed, but has it replaced
where others repeat it.  Launchers are given an :class:`Opener`.  Checked by
``tests/contract/test_keyring.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from executor.domain.redaction import Redaction

#: Which key a value is sealed with: the one that seals now, the one before, one that is not here.
KeyAge = Literal["current", "former", "unknown"]


class Sealer(Protocol):
    """Turns values into texts that say nothing to who has no key; any thread may call."""

    def seal(self, name: str, value: str) -> str:
        """Return *value* sealed as that of the secret *name*; another text each time."""
        ...

    def key_of(self, sealed: str) -> KeyAge:
        """Return which key *sealed* was sealed with, by what it says itself; nothing is opened."""
        ...

    def redaction(self, sealed: Mapping[str, str]) -> Redaction:
        """Return what replaces the values of these secrets, given sealed and by name.

        Raises:
            SecretUnreadable: one of them does not open; see :meth:`Opener.open`.
        """
        ...


class Opener(Protocol):
    """Turns sealed texts into values again; any thread may call."""

    def open(self, name: str, sealed: str) -> str:
        """Return what was sealed as the value of the secret *name*.

        Raises:
            SecretUnreadable: it was sealed with a key that is not here, is damaged, or belongs
                to another name.  The message tells which of the first two, and no value.
        """
        ...
