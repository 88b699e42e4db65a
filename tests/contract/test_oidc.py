"""Tokens of an identity provider: real keys, real signatures, a provider that can be away."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

from executor.adapters.oidc import Issuer, OidcVerifier
from executor.adapters.oidc.issuer import FRESH_S, RETRY_S, STALE_S, UNKNOWN_EVERY_S
from executor.domain.errors import CredentialsRefused, IssuerUnavailable
from executor.ports.bearers import Bearer
from tests.fakes.fake_clock import FakeClock
from tests.fakes.identity_provider import IdentityProvider

#: Seconds for which tokens of these tests are valid.
VALID_S = 300


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as found:
        yield found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def verifier(provider: IdentityProvider, clock: FakeClock) -> OidcVerifier:
    return OidcVerifier(Issuer(provider.url, clock), "solocron", clock)


@pytest.fixture
def claims(provider: IdentityProvider, clock: FakeClock) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    return {
        "iss": provider.url,
        "aud": "solocron",
        "sub": "alice",
        "iat": now,
        "nbf": now,
        "exp": now + VALID_S,
        "scope": "openid jobs:read",
    }


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(text).decode().rstrip("=")


def refused(verifier: OidcVerifier, token: str) -> str:
    with pytest.raises(CredentialsRefused) as caught:
        verifier.verify(token)
    assert token not in caught.value.why
    return caught.value.why


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_a_token_of_the_issuer_counts(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], kind: str
) -> None:
    """Whatever kind of key signs; the keys are fetched once for many tokens."""
    provider.rotate("k", kind)
    for _ in range(3):
        assert verifier.verify(provider.sign(claims)) == Bearer("alice", ("openid", "jobs:read"))

    assert provider.fetches == 1


@pytest.mark.parametrize(
    ("granted", "scopes"),
    [
        ({"scope": "a b"}, ("a", "b")),
        ({"scope": None, "scp": ["a", "b", 7]}, ("a", "b")),
        ({"scope": None, "scp": "a b"}, ("a", "b")),
        ({"scope": "a", "scp": ["b"]}, ("a", "b")),
        ({"scope": None}, ()),
        ({"scope": {"a": 1}}, ()),
    ],
)
def test_scopes_are_read_in_every_usual_form(
    provider: IdentityProvider,
    verifier: OidcVerifier,
    claims: dict[str, Any],
    granted: dict[str, Any],
    scopes: tuple[str, ...],
) -> None:
    """A text, a list, under either name; what is neither grants nothing."""
    assert verifier.verify(provider.sign({**claims, **granted})).scopes == scopes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": "https://evil.example"}, "not one of the identity provider's"),
        ({"iss": None}, "not one of the identity provider's"),
        ({"aud": "other"}, "another service"),
        ({"aud": ["other"]}, "another service"),
        ({"aud": None}, "another service"),
        ({"aud": "solocron.evil"}, "another service"),
        ({"exp": None}, "for how long"),
        ({"exp": "2099"}, "for how long"),
        ({"exp": True}, "for how long"),
        ({"exp": 1}, "has expired"),
        ({"nbf": 10**11}, "not valid yet"),
        ({"nbf": "now"}, "from when on"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
    ],
)
def test_a_token_for_others_or_for_another_time_is_refused(
    provider: IdentityProvider,
    verifier: OidcVerifier,
    claims: dict[str, Any],
    change: dict[str, Any],
    words: str,
) -> None:
    """Well signed as it is."""
    wrong = {name: value for name, value in {**claims, **change}.items() if value is not None}

    assert words in refused(verifier, provider.sign(wrong))


def test_clocks_may_differ_by_a_minute(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """And not by more."""
    token = provider.sign({**claims, "aud": ["other", "solocron"]})
    clock.advance(VALID_S + 59)
    assert verifier.verify(token).subject == "alice"

    clock.advance(1)
    assert "has expired" in refused(verifier, token)


def test_a_token_without_a_signature_is_refused(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """``alg: none``, in every spelling, with and without something in the signature's place."""
    for algorithm in ("none", "None", "NONE", "", None):
        for signature in ("", part(b"x")):
            token = f"{part({'alg': algorithm, 'kid': 'first'})}.{part(claims)}.{signature}"
            refused(verifier, token)


def test_a_published_key_is_no_password(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """HS256 with the public key, in the forms in which it is published, is refused."""
    provider.rotate("rsa", "RSA")
    key = provider.keys["rsa"]
    assert isinstance(key, RSAKey)
    texts = [
        key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(key.as_dict(private=False)).encode(),
    ]
    for algorithm in ("HS256", "RS256"):
        for text in texts:
            signed = f"{part({'alg': algorithm, 'kid': 'rsa'})}.{part(claims)}"
            signature = hmac.digest(text, signed.encode(), "sha256")
            refused(verifier, f"{signed}.{part(signature)}")


def test_a_secret_key_that_is_published_signs_nothing(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """A provider's mistake must not become ours."""
    provider.extra = [{"kty": "oct", "kid": "shared", "k": part(b"s" * 32), "alg": "HS256"}]
    signed = f"{part({'alg': 'HS256', 'kid': 'shared'})}.{part(claims)}"
    signature = hmac.digest(b"s" * 32, signed.encode(), "sha256")

    refused(verifier, f"{signed}.{part(signature)}")


def test_a_token_does_not_bring_its_own_key(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """Neither in its header nor by an address there, which nobody asks."""
    verifier.verify(provider.sign(claims))
    with IdentityProvider() as forger:
        forger.rotate("first")
        own = forger.keys["first"].as_dict(private=False)
        for header in (
            {},
            {"jwk": own},
            {"jku": f"{forger.url}/keys"},
            {"kid": None, "jwk": own},
            {"kid": "unknown", "jwk": own},
        ):
            refused(verifier, forger.sign(claims, **header))
        assert forger.asked == []


@pytest.mark.parametrize("key_id", ["../../etc/passwd", "' OR 1=1 --", "x" * 5_000, "", "\x00"])
def test_the_name_of_a_key_is_only_looked_up(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], key_id: str
) -> None:
    """Whatever it looks like."""
    header = part({"alg": "ES256", "kid": key_id})

    refused(verifier, f"{header}.{part(claims)}.{part(bytes(64))}")
    assert set(provider.asked) <= {"/realm/.well-known/openid-configuration", "/realm/keys"}


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "é.é.é",
        f"{part({'alg': 'ES256', 'kid': ['first']})}.{part({})}.",
        f"{part([])}.{part({})}.{part(b'x')}",
        f"{part({'alg': 'ES256', 'kid': 'first'})}.{part([])}.{part(bytes(64))}",
        f"{part({'alg': 'ES256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.{part({})}.{part(b'x')}",
        f"{part(b'[' * 5_000)}.{part({})}.{part(b'x')}",
    ],
)
def test_what_is_no_token_is_refused(verifier: OidcVerifier, token: str) -> None:
    """With words, not with an error in the service."""
    refused(verifier, token)


def test_a_changed_token_is_refused(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """The signature belongs to what was signed."""
    header, _, signature = provider.sign(claims).split(".")

    refused(verifier, f"{header}.{part({**claims, 'scope': 'admin'})}.{signature}")


def test_a_critical_extension_is_not_understood(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """What must be understood and is not makes the token void; other parameters do not matter."""
    provider.rotate("rsa", "RSA")
    assert verifier.verify(provider.sign(claims, nonce="x", typ="at+jwt")).subject == "alice"

    key = provider.keys["rsa"]
    assert isinstance(key, RSAKey)
    header = {"alg": "RS256", "kid": "rsa", "crit": ["binding"], "binding": "x"}
    signed = f"{part(header)}.{part(claims)}"
    signature = key.private_key.sign(signed.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
    refused(verifier, f"{signed}.{part(signature)}")


def test_a_new_key_is_found_when_it_is_used(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """Providers change keys without telling; tokens of the former one are refused then."""
    former = provider.sign(claims)
    verifier.verify(former)
    clock.advance(UNKNOWN_EVERY_S)
    provider.rotate("second")

    assert verifier.verify(provider.sign(claims)).subject == "alice"
    assert "not the issuer's" in refused(verifier, former)


def test_unknown_keys_do_not_make_the_provider_busy(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """Anybody can name them; the keys are asked for at most so often."""
    verifier.verify(provider.sign(claims))
    clock.advance(UNKNOWN_EVERY_S)
    for number in range(20):
        refused(verifier, provider.sign(claims, kid=f"unknown-{number}"))
    assert provider.fetches == 2

    clock.advance(UNKNOWN_EVERY_S)
    refused(verifier, provider.sign(claims, kid="unknown"))
    assert provider.fetches == 3


def test_known_keys_are_fetched_again_in_time(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """A key that is not published any more does not count for ever."""
    claims["exp"] += 10 * STALE_S
    token = provider.sign(claims)
    verifier.verify(token)
    provider.rotate("second")
    clock.advance(FRESH_S)

    refused(verifier, token)


def test_while_the_provider_is_away_known_keys_count_for_a_while(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """Then nobody can judge its tokens; once it is back they count again."""
    claims["exp"] += 10 * STALE_S
    token = provider.sign(claims)
    verifier.verify(token)
    provider.away = True
    clock.advance(STALE_S - 1)
    assert verifier.verify(token).subject == "alice"

    clock.advance(RETRY_S)
    with pytest.raises(IssuerUnavailable, match="API tokens work meanwhile"):
        verifier.verify(token)
    provider.away = False
    clock.advance(RETRY_S)
    assert verifier.verify(token).subject == "alice"


def test_a_provider_that_was_never_there_is_not_asked_by_every_request(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any], clock: FakeClock
) -> None:
    """Nobody waits for the same silence twice in a row."""
    provider.away = True
    for _ in range(5):
        with pytest.raises(IssuerUnavailable):
            verifier.verify(provider.sign(claims))
    assert len(provider.asked) == 1

    clock.advance(RETRY_S)
    provider.away = False
    assert verifier.verify(provider.sign(claims)).subject == "alice"


@pytest.mark.parametrize(
    ("discovery", "words"),
    [
        ({"issuer": "https://evil.example"}, "names the issuer"),
        ({"jwks_uri": "http://evil.example/keys"}, "no https:// address"),
        ({"jwks_uri": "file:///etc/passwd"}, "no https:// address"),
        ({"jwks_uri": None}, "no https:// address"),
    ],
)
def test_a_discovery_document_that_leads_elsewhere_is_not_believed(
    provider: IdentityProvider,
    verifier: OidcVerifier,
    claims: dict[str, Any],
    discovery: dict[str, Any],
    words: str,
) -> None:
    """The message says what is wrong with it."""
    provider.discovery = discovery

    with pytest.raises(IssuerUnavailable, match=words):
        verifier.verify(provider.sign(claims))


def test_a_key_that_cannot_be_read_spoils_no_other(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """Kinds of tomorrow, keys for encryption, and nonsense."""
    own = next(iter(provider.keys.values())).as_dict(private=False)
    provider.extra = [{"kty": "PQ", "kid": "x"}, "x", {}, {**own, "use": "enc", "kid": "e"}]

    assert verifier.verify(provider.sign(claims)).subject == "alice"
    assert "not the issuer's" in refused(verifier, provider.sign(claims, kid="e"))


def test_an_only_key_needs_no_name(
    provider: IdentityProvider, verifier: OidcVerifier, claims: dict[str, Any]
) -> None:
    """Small providers give none; with several keys a token must say which."""
    assert verifier.verify(provider.sign(claims, kid=None)).subject == "alice"
    with IdentityProvider() as other:
        provider.extra = [next(iter(other.keys.values())).as_dict(private=False, kid="other")]
        fresh = OidcVerifier(Issuer(provider.url, FakeClock()), "solocron", FakeClock())
        refused(fresh, provider.sign(claims, kid=None))
