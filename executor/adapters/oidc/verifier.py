"""Judging a bearer token: signature, issuer, audience, time.

Rules
-----
1. The algorithms are ours to choose, never the token's: asymmetric ones only, so neither
   ``none`` nor a signature made with a published key counts.
2. The key is looked up by its id among the issuer's.  What the token says about keys beyond that
   (``jwk``, ``jku``, ``x5u``) is not looked at; extensions that must be understood (``crit``)
   are not understood.
3. ``iss``, ``aud``, ``sub`` and ``exp`` must be there.

Source: RFC 8725 (best current practices for JSON Web Tokens), RFC 9068.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, TypeGuard

from joserfc import jws, jwt
from joserfc.errors import JoseError

from executor.adapters.oidc.issuer import Issuer
from executor.domain.errors import CredentialsRefused, Flaw
from executor.ports.bearers import Bearer
from executor.ports.clock import Clock

#: Signatures that count.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)

#: How far the provider's clock and ours may be apart.
LEEWAY: Final = timedelta(seconds=60)

#: Longest subject, characters.  Source: OpenID Connect Core 1.0, section 2, ``sub``.
LONGEST_SUBJECT: Final = 255

_ANOTHER: Final = "this token is not one of the identity provider's for this service"


class OidcVerifier:
    """A :class:`~executor.ports.bearers.BearerVerifier`.

    Args:
        audience: what must be among a token's ``aud``.
    """

    def __init__(self, issuer: Issuer, audience: str, clock: Clock) -> None:
        self._issuer, self._audience, self._clock = issuer, audience, clock
        # Parameters of a header that we do not know are no harm, as long as none is critical.
        self._registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)

    def verify(self, token: str) -> Bearer:
        """Return whom *token* stands for."""
        claims = self.claims(token, self._audience)
        return Bearer(claims["sub"], _scopes(claims))

    def claims(self, token: str, audience: str) -> dict[str, Any]:
        """Return what *token*, meant for *audience*, says; its ``sub`` is a text.

        Raises:
            CredentialsRefused, IssuerUnavailable: as :meth:`verify`.
        """
        claims = self._signed(token)
        self._check(claims, audience)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
            raise CredentialsRefused("this token names no subject (`sub`)", Flaw.CLAIMS)
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            if header.get("alg") not in ALGORITHMS:
                raise CredentialsRefused("this token's signature is of a kind that does not count")
            key_id = header.get("kid")
            if key_id is not None and not isinstance(key_id, str):
                raise CredentialsRefused(_ANOTHER)
            key = self._issuer.key(key_id)
            if key is None:
                raise CredentialsRefused("this token is signed with a key that is not the issuer's")
            found = jwt.decode(token, key, algorithms=ALGORITHMS, registry=self._registry)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise CredentialsRefused(
                "this token is damaged, or not signed by the issuer"
            ) from error
        return found.claims

    def _check(self, claims: dict[str, Any], audience: str) -> None:
        if claims.get("iss") != self._issuer.url:
            raise CredentialsRefused(_ANOTHER, Flaw.ISSUER)
        meant = claims.get("aud")
        if audience not in (meant if isinstance(meant, list) else [meant]):
            raise CredentialsRefused("this token is meant for another service (`aud`)", Flaw.CLAIMS)
        now, leeway_s = self._clock.now().timestamp(), LEEWAY.total_seconds()
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not _is_time(expires):
            raise CredentialsRefused(
                "this token does not say for how long it is valid (`exp`)", Flaw.NO_EXPIRY
            )
        if not _is_time(begins):
            raise CredentialsRefused(
                "this token does not say from when on it is valid (`nbf`)", Flaw.CLAIMS
            )
        if now >= expires + leeway_s:
            raise CredentialsRefused("this token has expired", Flaw.EXPIRED)
        if now < begins - leeway_s:
            raise CredentialsRefused("this token is not valid yet; is the clock right?")


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scopes(claims: dict[str, Any]) -> tuple[str, ...]:
    """Return what was granted: ``scope`` as of RFC 9068, or ``scp`` as others write it."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found += value.split()
        elif isinstance(value, list):
            found += [one for one in value if isinstance(one, str)]
    return tuple(found)
