"""One attempt to log in by way of an identity provider: what has to come back from it as it went.

Words
-----
secret
    A random text, 256 bits, that only who began the attempt has: a browser in a cookie, a command
    line in its memory.
state, nonce, verifier
    Derived from the secret, each for its own purpose, so that nothing needs to be kept here.  The
    provider is shown the state and the nonce, and of the verifier only a hash until the end.

Rules
-----
1. An answer counts only with the state of the attempt: another's cannot be foisted on anybody.
2. The state carries where to go afterwards, proved by the secret: nobody else can have put it in.
3. No randomness here: whoever begins brings the secret.

Source: RFC 7636 (PKCE), section 4; RFC 9700, sections 2.1 and 4.7; OpenID Connect Core 1.0, 3.1.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

#: Random bytes of a secret.
RANDOM_BYTES: Final = 32

#: Where one goes whom nobody has sent anywhere.
HOME: Final = "/"

#: Longest address, characters, that one is sent back to; states travel in URLs.
LONGEST: Final = 1_000

#: A path of this service, with a query perhaps.  ``//host`` and ``/\\host`` are other hosts to
#: browsers, and so is what becomes one of them when control characters are dropped.
_OWN: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)


def own_path(text: str | None) -> str:
    """Return *text* if it is a path of this service, else :data:`HOME`.

    >>> own_path("/?q=a"), own_path("//evil.example/"), own_path("https://evil.example/")
    ('/?q=a', '/', '/')
    """
    return text if text and len(text) <= LONGEST and _OWN.fullmatch(text) else HOME


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to log in; *secret* has to be kept from everybody else."""

    secret: str = field(repr=False)

    def state(self, path: str = HOME) -> str:
        """Return the state of an attempt that is to lead to *path*."""
        written = urlsafe_b64encode(own_path(path).encode()).decode().rstrip("=")
        return f"{written}.{self._derived(f'state {written}')}"

    def destination(self, state: str) -> str | None:
        """Return the path that *state* leads to; None if it is not of this attempt."""
        written, _, proof = state.partition(".")
        ours = self._derived(f"state {written}")
        if not state.isascii() or not hmac.compare_digest(proof, ours):
            return None
        return own_path(urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode())

    @property
    def nonce(self) -> str:
        """What has to be in the ID token."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What proves, at the end, that it is the same one who began."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The hash of the verifier, as method ``S256`` has it."""
        return _base64(sha256(self.verifier.encode()).digest())

    def _derived(self, purpose: str) -> str:
        return _base64(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
