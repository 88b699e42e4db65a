"""Logging in at a real OpenID Connect provider: what it sends, and what is not believed of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from executor.adapters.oidc import Issuer, OidcLogin, OidcVerifier
from executor.adapters.oidc.issuer import UNKNOWN_EVERY_S
from executor.domain.errors import CredentialsRefused, IssuerUnavailable
from executor.domain.login import Attempt
from executor.openid import Client
from tests.fakes.fake_clock import FakeClock
from tests.servers.openid_person import Person
from tests.servers.openid_provider import AUDIENCE, CLIENT, SECRET, OpenIdProvider

BACK = "http://127.0.0.1:1/login/callback"
SCOPES = ("openid", "jobs:read", "jobs:write", "runs:read")


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider() as found:
        yield found


def claims(provider: OpenIdProvider, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300}
    return {**usual, "scope": "jobs:read", **changes}


class Service:
    """This service as a client of a provider, on a clock that is right and can be moved."""

    def __init__(self, provider: OpenIdProvider, **changes: Any) -> None:
        self.clock = FakeClock()
        self.clock.step(time.time() - self.clock.now().timestamp())
        issuer = Issuer(provider.issuer, self.clock)
        self.verifier = OidcVerifier(issuer, changes.get("audience", AUDIENCE), self.clock)
        client = changes.get("client", Client(CLIENT, SECRET))
        self.login = OidcLogin(issuer, self.verifier, client, scopes=SCOPES, audience=AUDIENCE)
        self.attempt = Attempt("secret of the attempt")

    def code_for(self, name: str) -> str:
        """Have somebody log in at the provider; return the code that he comes back with."""
        sent_to = Person(name).follow(self.login.address(self.attempt, BACK, "/?q=a"), to=BACK)
        answer = parse_qs(urlsplit(sent_to).query)
        assert self.attempt.destination(answer["state"][0]) == "/?q=a"
        assert answer["iss"] == [self.login.issuer]
        return answer["code"][0]

    def refusal(self, attempt: Attempt, code: str, back: str = BACK) -> str:
        """Return why *code* is refused."""
        with pytest.raises(CredentialsRefused) as caught:
            self.login.redeem(attempt, back, code)
        assert code not in caught.value.why
        return caught.value.why


@pytest.fixture
def service(provider: OpenIdProvider) -> Service:
    return Service(provider)


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("admin", {"jobs:read", "jobs:write", "runs:read"}),
        ("alice", {"jobs:read", "runs:read"}),
        ("nobody", set()),
    ],
)
def test_who_logs_in_gets_what_the_provider_grants(
    service: Service, name: str, scopes: set[str]
) -> None:
    """Of what was asked for, and no more."""
    bearer = service.login.redeem(service.attempt, BACK, service.code_for(name))

    assert bearer.subject == name
    assert set(bearer.scopes) == scopes


def test_a_code_counts_once(service: Service) -> None:
    """Whoever finds it in a log has nothing."""
    code = service.code_for("alice")
    service.login.redeem(service.attempt, BACK, code)

    assert "does not know this login" in service.refusal(service.attempt, code)


def test_a_code_without_its_verifier_is_worth_nothing(service: Service) -> None:
    """PKCE: who has stolen it lacks the secret of the attempt."""
    assert "does not know" in service.refusal(Attempt("another"), service.code_for("alice"))


def test_a_code_is_for_the_address_that_it_was_sent_to(service: Service) -> None:
    """Another one of ours does not do."""
    back = "http://127.0.0.1:1/other"
    assert "does not know" in service.refusal(service.attempt, service.code_for("alice"), back)


def test_an_id_token_of_another_attempt_is_refused(service: Service) -> None:
    """The nonce ties it to the browser that began."""

    class Swapped(Attempt):
        """The right verifier, and another's nonce."""

        @property
        def nonce(self) -> str:
            return "another"

    swapped = Swapped(service.attempt.secret)
    assert "not the one that was begun" in service.refusal(swapped, service.code_for("alice"))


def test_a_wrong_secret_is_the_operators_matter(provider: OpenIdProvider) -> None:
    """503 for who logs in, with the provider's word for it."""
    service = Service(provider, client=Client(CLIENT, "wrong"))
    with pytest.raises(IssuerUnavailable, match="invalid_client"):
        service.login.redeem(service.attempt, BACK, service.code_for("alice"))


def test_an_access_token_for_others_lets_nobody_in(provider: OpenIdProvider) -> None:
    """The same rule as for bearer tokens, and the same words."""
    service = Service(provider, audience="another service")

    assert "meant for another service" in service.refusal(
        service.attempt, service.code_for("alice")
    )


def test_after_a_rotation_the_new_key_is_found(provider: OpenIdProvider) -> None:
    """The first login with it asks for the keys again; tokens of the old one are refused."""
    service = Service(provider)
    former = provider.sign(claims(provider))
    assert service.verifier.verify(former).subject == "alice"
    provider.rotate("second")
    service.clock.advance(UNKNOWN_EVERY_S)

    assert service.login.redeem(service.attempt, BACK, service.code_for("alice")).subject == "alice"
    with pytest.raises(CredentialsRefused, match="not the issuer's"):
        service.verifier.verify(former)


def test_a_provider_that_has_gone_is_away(service: Service) -> None:
    """Nobody can be judged; the words say whom we waited for."""
    with OpenIdProvider() as other:
        gone = Service(other)
        code = gone.code_for("alice")
        other.kill()
        with pytest.raises(IssuerUnavailable, match="does not answer"):
            gone.login.redeem(gone.attempt, BACK, code)
