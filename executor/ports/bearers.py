"""Bearer tokens of an identity provider: what says whose they are.

Checked by ``tests/contract/test_oidc.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom the identity provider has vouched for: its *subject*, and the scopes granted to it."""

    subject: str
    scopes: tuple[str, ...]


class BearerVerifier(Protocol):
    """Judges tokens; any thread may call.  Answers within seconds."""

    def verify(self, token: str) -> Bearer:
        """Return whom *token* stands for.

        Raises:
            CredentialsRefused: it is not from our issuer, not for us, not valid now, or no token.
            IssuerUnavailable: the issuer's keys are not known and cannot be fetched.
        """
        ...
