"""Sessions: who is signed in with a browser, and what is kept of that.

A browser holds a random text, 256 bits, in a cookie.  Its SHA-256 is all that is stored, as of an
API token, and is the session's name.

Rules
-----
1. A session ends when its holder signs out, and at its expiry; it is never prolonged.
2. Of a session that was opened with an API token only the token's digest counts: what its holder
   may do is asked of the token, at every request.  So it ends with the token, too.
3. Of one that the identity provider vouched for, the rights are those that it granted then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from executor.domain.access import Right, right_from_text
from executor.domain.api_token import check_digest, check_expiry, check_scopes
from executor.domain.errors import Fault, InvalidInput
from executor.domain.instant import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that is signed in.

    Attributes:
        digest: SHA-256 of the cookie's value, hexadecimal.
        actor: as the audit names its holder: ``oidc:SUBJECT``, ``token:NAME``, ``admin``.
        scopes: his rights, as they were written; empty if a token says them.
        token: SHA-256 of the token that it was opened with; empty: of the identity provider's.
        expires_at: from then on it does not count.
    """

    digest: str
    actor: str
    scopes: tuple[str, ...]
    token: str
    expires_at: datetime

    @property
    def rights(self) -> frozenset[Right]:
        """What the identity provider has granted."""
        return frozenset(map(right_from_text, self.scopes))

    def is_expired(self, now: datetime) -> bool:
        """Whether it has ended at *now* because of its age."""
        return self.expires_at <= now


def arguments_of(session: Session) -> dict[str, Any]:
    """Return the arguments of the command that opens *session*; subject and actor say the rest."""
    return {
        "scopes": list(session.scopes),
        "token": session.token,
        "expires_at": to_text(session.expires_at),
    }


def session_from(digest: object, actor: str, arguments: Mapping[str, Any]) -> Session:
    """Read what :func:`arguments_of` wrote, as commands and records hold it.

    Raises:
        InvalidInput: it cannot be read.
    """
    token, scopes = arguments.get("token"), arguments.get("scopes")
    if not isinstance(scopes, list):
        raise InvalidInput([Fault("scopes", "is required: a list of texts")])
    expires_at = check_expiry(arguments.get("expires_at"))
    if expires_at is None:
        raise InvalidInput([Fault("expires_at", "is required: no session is for ever")])
    return Session(
        digest=check_digest(digest),
        actor=actor,
        # Whom the provider grants nothing is somebody all the same, and may be told so.
        scopes=check_scopes(scopes) if scopes else (),
        token=check_digest(token) if token else "",
        expires_at=expires_at,
    )
