"""Tokens of a real identity provider at the front door: those that count, and how others end."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from executor.adapters.oidc import Issuer, OidcVerifier
from executor.adapters.oidc.issuer import UNKNOWN_EVERY_S
from tests.fakes.fake_clock import FakeClock
from tests.servers.openid_provider import AUDIENCE, OpenIdProvider
from tests.web.guarded import GuardedWorld
from tests.web.world import json_of, problem_of
from web.compat.simple_scheduler_schemas import REFUSED

Token = Callable[[OpenIdProvider], str]


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider() as found:
        yield found


class ProviderWorld(GuardedWorld):
    """A service whose callers come from *provider*, on a clock that is right."""

    def __init__(self, provider: OpenIdProvider) -> None:
        self.theirs = FakeClock()
        self.theirs.step(time.time() - self.theirs.now().timestamp())
        issuer = Issuer(provider.issuer, self.theirs)
        super().__init__(verifier=OidcVerifier(issuer, AUDIENCE, self.theirs))


@pytest.fixture
def world(provider: OpenIdProvider) -> ProviderWorld:
    return ProviderWorld(provider)


def claims(provider: OpenIdProvider, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300}
    return {**usual, "scope": "openid jobs:read runs:read#a", **changes}


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(text).decode().rstrip("=")


def without_signature(provider: OpenIdProvider) -> str:
    header = {"alg": "none", "kid": provider.key.kid}
    return f"{part(header)}.{part(claims(provider))}."


def with_the_public_key(provider: OpenIdProvider) -> str:
    key = provider.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': provider.key.kid})}.{part(claims(provider))}"
    return f"{signed}.{part(hmac.digest(key, signed.encode(), 'sha256'))}"


def without(provider: OpenIdProvider, name: str) -> dict[str, Any]:
    return {key: value for key, value in claims(provider).items() if key != name}


def changed(**changes: Any) -> Token:
    return lambda provider: provider.sign(claims(provider, **changes))


def test_a_token_opens_what_its_scopes_say(provider: OpenIdProvider, world: ProviderWorld) -> None:
    """And names its holder."""
    token = provider.sign(claims(provider))

    assert world.ask(token, "GET", "/v1/jobs").status_code == 200
    assert json_of(world.ask(token, "GET", "/v1/caller")) == {
        "actor": "oidc:alice",
        "scopes": ["jobs:read", "runs:read#a"],
    }


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        (
            changed(iss="https://evil.example"),
            "this token is not one of the identity provider's for this service",
        ),
        (changed(aud="other"), "this token is meant for another service (`aud`)"),
        (without_signature, "this token's signature is of a kind that does not count"),
        (with_the_public_key, "this token's signature is of a kind that does not count"),
        (changed(exp=1), "this token has expired"),
        (changed(nbf=10**11), "this token is not valid yet; is the clock right?"),
        (changed(sub=None), "this token names no subject (`sub`)"),
        (
            lambda provider: provider.sign(claims(provider), kid="unknown"),
            "this token is signed with a key that is not the issuer's",
        ),
    ],
    ids=["issuer", "audience", "none", "HS256", "expired", "not yet", "subject", "key"],
)
def test_a_token_that_does_not_count_is_refused(
    provider: OpenIdProvider, world: ProviderWorld, token: Token, detail: str
) -> None:
    """401 with the reason, for people and for programs, and nothing of the token."""
    text = token(provider)
    response = world.ask(text, "GET", "/v1/jobs")

    assert problem_of(response, 401) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": f"{detail}; send another token",
        "errors": [],
    }
    route = json_of(world.get("/openapi.json"))["paths"]["/v1/jobs"]["get"]["responses"]["401"]
    examples = route["content"]["application/problem+json"]["examples"]
    assert json_of(response) in [one["value"] for one in examples.values()]
    challenge = 'Bearer realm="solocron", error="invalid_token"'
    assert response.headers["WWW-Authenticate"] == challenge
    assert text not in response.text


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (changed(iss="https://evil.example"), "Invalid issuer"),
        (lambda provider: provider.sign(without(provider, "exp")), "Invalid expiration time"),
        (changed(exp=1), "Access token has expired"),
        (changed(aud="other"), "Invalid claims"),
        (lambda provider: provider.sign(without(provider, "sub")), "Invalid claims"),
        (changed(nbf="now"), "Invalid claims"),
        (changed(nbf=10**11), "Invalid access token"),
        (without_signature, "Invalid access token"),
        (with_the_public_key, "Invalid access token"),
        (lambda provider: provider.sign(claims(provider), kid="unknown"), "Invalid access token"),
        (lambda provider: "a.b.c", "Invalid access token"),
    ],
)
def test_simple_schedulers_clients_are_told_in_its_words(
    provider: OpenIdProvider, world: ProviderWorld, token: Token, error: str
) -> None:
    """Well signed or not; the detail says it in ours."""
    response = world.ask(token(provider), "GET", "/api/jobs")

    assert response.status_code == 401
    document = json_of(response)
    assert (list(document), document["error"]) == (["error", "detail"], error)
    assert error in REFUSED


def test_a_token_without_the_scope_is_refused(
    provider: OpenIdProvider, world: ProviderWorld
) -> None:
    """403 with the scope that is missing."""
    response = world.ask(provider.sign(claims(provider)), "DELETE", "/v1/jobs/x")

    assert problem_of(response, 403) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "this needs the scope jobs:write; oidc:alice has jobs:read, runs:read#a",
        "errors": [],
    }
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="solocron", error="insufficient_scope", scope="jobs:write"'
    )


def test_when_the_provider_changes_its_key_nobody_has_to_do_anything(
    provider: OpenIdProvider, world: ProviderWorld
) -> None:
    """Tokens of the new key count at once, those of the former one no more."""
    former = provider.sign(claims(provider))
    assert world.ask(former, "GET", "/v1/jobs").status_code == 200
    provider.rotate("second")
    world.theirs.advance(UNKNOWN_EVERY_S)

    assert world.ask(provider.sign(claims(provider)), "GET", "/v1/jobs").status_code == 200
    assert "not the issuer's" in problem_of(world.ask(former, "GET", "/v1/jobs"), 401)["detail"]
