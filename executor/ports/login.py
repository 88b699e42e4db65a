"""Logging in by way of an identity provider: a browser goes there and comes back with a code.

Checked by ``tests/contract/test_oidc_login.py``.
"""

from __future__ import annotations

from typing import Protocol

from executor.domain.login import Attempt
from executor.ports.bearers import Bearer


class LoginProvider(Protocol):
    """Any thread may call.  Answers within seconds."""

    @property
    def issuer(self) -> str:
        """The provider, as it names itself."""
        ...

    def address(self, attempt: Attempt, back: str, path: str) -> str:
        """Return the provider's address that a browser is to be sent to.

        Args:
            back: our own address, whole, that the provider sends it back to.
            path: where it is to go in the end, for the state.

        Raises:
            IssuerUnavailable: the provider does not say how it is asked.
        """
        ...

    def redeem(self, attempt: Attempt, back: str, code: str) -> Bearer:
        """Return whom *code* stands for, which came back with the state of *attempt*.

        Raises:
            CredentialsRefused: the provider does not take it, or not for this attempt, or vouches
                for nobody here.
            IssuerUnavailable: it cannot be asked.
        """
        ...
