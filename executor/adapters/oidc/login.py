"""The service as a client of the identity provider: authorization code with PKCE.

Rules
-----
1. The ID token says who has logged in, and that it was in this very attempt (``nonce``).  The
   access token says what he may do here, just as if it were sent as a bearer token: there is one
   rule for both.  They must be of the same subject.
2. Neither is kept: a session knows the subject and the rights, and nothing that would let
   anybody act at the provider.
3. Nothing of what the provider was sent or has sent is logged but its own words for errors.

Source: OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636; RFC 9700.
"""

from __future__ import annotations

import hmac
import logging
from typing import Any, Final
from urllib.parse import urlencode

from executor.adapters.oidc.issuer import Issuer
from executor.adapters.oidc.verifier import OidcVerifier
from executor.domain.errors import CredentialsRefused, IssuerUnavailable
from executor.domain.login import Attempt
from executor.openid import FAILURES, Client, Provider, Refused, post
from executor.ports.bearers import Bearer

logger = logging.getLogger(__name__)

#: Refusals that are about a code, not about us.
_OF_THE_CODE: Final = frozenset({"invalid_grant", "access_denied"})


class OidcLogin:
    """A :class:`~executor.ports.login.LoginProvider`.

    Args:
        scopes: what the provider is asked for, ``openid`` among it.
        audience: whom the access token is to be for; providers that need not be told ignore it.
    """

    def __init__(
        self,
        issuer: Issuer,
        verifier: OidcVerifier,
        client: Client,
        *,
        scopes: tuple[str, ...],
        audience: str,
    ) -> None:
        self._issuer, self._verifier, self._client = issuer, verifier, client
        self._scopes, self._audience = scopes, audience

    @property
    def issuer(self) -> str:
        """The provider, as it names itself."""
        return self._issuer.url

    def address(self, attempt: Attempt, back: str, path: str) -> str:
        """Return where to send the browser."""
        endpoint = self._issuer.provider().authorization
        if endpoint is None:
            raise IssuerUnavailable(f"{self._issuer.url} names no https:// address to log in at")
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": back,
            "scope": " ".join(self._scopes),
            "audience": self._audience,
            "state": attempt.state(path),
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def redeem(self, attempt: Attempt, back: str, code: str) -> Bearer:
        """Exchange *code* for tokens, and judge them."""
        tokens = self._exchange(self._issuer.provider(), attempt, back, code)
        claims = self._verifier.claims(_text(tokens, "id_token"), self._client.id)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), attempt.nonce.encode()
        ):
            raise CredentialsRefused("this login is not the one that was begun here")
        if claims.get("azp", self._client.id) != self._client.id:
            raise CredentialsRefused("this login was made for another client")
        bearer = self._granted(_text(tokens, "access_token"))
        if bearer.subject != claims["sub"]:
            raise CredentialsRefused("the identity provider's tokens are of different subjects")
        return bearer

    def _exchange(
        self, provider: Provider, attempt: Attempt, back: str, code: str
    ) -> dict[str, Any]:
        if provider.token is None:
            raise IssuerUnavailable(f"{provider.issuer} names no https:// address of tokens")
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": attempt.verifier,
        }
        try:
            return post(provider.token, provider, self._client, asked)
        except Refused as error:
            if error.code in _OF_THE_CODE:
                raise CredentialsRefused(
                    "the identity provider does not know this login any more"
                ) from error
            self._warn("the identity provider refuses this service", str(error))
            raise IssuerUnavailable(
                f"{provider.issuer} refuses this service as its client ({error.code}); the log of "
                "this instance says more"
            ) from error
        except FAILURES as error:
            self._warn("the identity provider does not exchange a code", str(error))
            raise IssuerUnavailable(f"{provider.issuer} does not answer; try again") from error

    def _granted(self, access_token: str) -> Bearer:
        try:
            return self._verifier.verify(access_token)
        except CredentialsRefused as error:
            # Whoever logs in can do nothing about it; whoever runs the service can.
            self._warn("the identity provider's access tokens do not count here", error.why)
            raise CredentialsRefused(
                f"the identity provider's access token does not count here: {error.why}"
            ) from error

    def _warn(self, sentence: str, why: str) -> None:
        facts = {"action": "login_failed", "issuer": self._issuer.url, "error": why}
        logger.warning(sentence, extra=facts)


def _text(tokens: dict[str, Any], name: str) -> str:
    value = tokens.get(name)
    if not isinstance(value, str):
        raise CredentialsRefused(f"the identity provider has sent no {name.replace('_', ' ')}")
    return value
