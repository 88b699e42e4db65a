"""A web process whose callers must say who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from executor.domain.api_token import TOKENS, ApiToken, digest_of, written
from executor.domain.errors import CredentialsRefused, IssuerUnavailable
from executor.domain.login import Attempt
from executor.domain.named import NamedWrite, Stored
from executor.domain.proxies import TrustedProxies
from executor.ports.bearers import Bearer
from tests.web.world import World
from web.services import Entrance

#: The administrator's token, from the environment.
ADMIN = "a" * 32


class FakeVerifier:
    """A :class:`~executor.ports.bearers.BearerVerifier` that knows two tokens, and can be away."""

    away = False

    def verify(self, token: str) -> Bearer:
        """Judge a token by its text."""
        if self.away:
            raise IssuerUnavailable("the keys cannot be fetched")
        if not token.startswith("good."):
            raise CredentialsRefused("this token is damaged")
        return Bearer("alice", ("openid", "jobs:read", "runs:read#a"))


class FakeLogin:
    """A :class:`~executor.ports.login.LoginProvider` that vouches for whoever has a good code.

    Attributes:
        redeemed: what it was asked to redeem: verifiers, addresses and codes.
        scopes: what it grants.
    """

    issuer = "https://id.example/realm"

    def __init__(self) -> None:
        self.redeemed: list[tuple[str, str, str]] = []
        self.scopes: tuple[str, ...] = ("openid", "jobs:write", "runs:read")
        self.away = False

    def address(self, attempt: Attempt, back: str, path: str) -> str:
        """Return an address with a state."""
        if self.away:
            raise IssuerUnavailable("the provider does not answer")
        return f"https://id.example/authorize?{urlencode({'state': attempt.state(path)})}"

    def redeem(self, attempt: Attempt, back: str, code: str) -> Bearer:
        """Judge a code by its text."""
        self.redeemed.append((attempt.verifier, back, code))
        if self.away:
            raise IssuerUnavailable("the provider does not answer")
        if not code.startswith("good"):
            raise CredentialsRefused("the provider does not know this login any more")
        return Bearer("alice", self.scopes)


class GuardedWorld(World):
    """A :class:`World` behind a gate; requests carry *token* unless told otherwise.

    With *login*, browsers can log in at an identity provider.
    """

    def __init__(self, *, login: bool = False, url: str | None = None, **entrance: Any) -> None:
        self.verifier = FakeVerifier()
        self.login = FakeLogin()
        usual = {
            "guarded": True,
            "admin_token_digest": digest_of(ADMIN),
            "verifier": self.verifier,
            "login": self.login if login else None,
            "url": url,
            "proxies": TrustedProxies(count=1),
        }
        super().__init__(entrance=Entrance(**{**usual, **entrance}))
        self.drawn = 0

    def token(
        self, *scopes: str, name: str = "", expires_at: datetime | None = None, **facts: Any
    ) -> str:
        """Put a token with these scopes into the store; return it."""
        self.drawn += 1
        text = written(self.drawn.to_bytes(32))
        record: dict[str, Any] = {
            "name": name or f"t{self.drawn}",
            "value": ApiToken(digest=digest_of(text), scopes=scopes, expires_at=expires_at),
            "revision": 1,
            "updated_at": self.clock.now(),
        }
        stored: Stored[ApiToken] = Stored(**{**record, **facts})
        assert self.store.write_named(NamedWrite(TOKENS, stored, None)) is None
        return text

    def ask(
        self, token: str | None, method: str, url: str, document: Any = None, **headers: str
    ) -> TestResponse:
        """Send a request with *token*, if any."""
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return self.send(method, url, document, **headers)
