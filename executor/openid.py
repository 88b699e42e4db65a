"""What an identity provider is asked over HTTP: its configuration, and its endpoints for tokens.

Used by the service and by the command line; standard library only.

Rules
-----
1. The configuration is found where OpenID Connect Discovery says, and must name the very issuer
   that it was asked for.
2. Nothing is asked where somebody in between could change the answer: of HTTPS, or this machine.
3. Redirects are not followed: keys and tokens come from where the issuer says, or not at all.
4. Proxies of the environment are used, but never to this machine.

What can go wrong is OSError, HTTPException or ValueError (:data:`FAILURES`), as it is; a refusal
by the provider in so many words is :class:`Refused`.

Source: OpenID Connect Discovery 1.0, section 4; RFC 8414; RFC 6749, sections 2.3 and 5.2.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from executor.domain.loopback import is_loopback

#: How asking can fail.
FAILURES: Final = (OSError, HTTPException, ValueError)

#: Longest silence of the provider within one request, seconds.
TIMEOUT_S: Final = 3.0

#: Longest answer that is read, bytes; the keys of large providers have some ten thousand.
LONGEST: Final = 1_000_000

_DISCOVERY: Final = "/.well-known/openid-configuration"


class Refused(Exception):
    """The provider refuses: *code* is a word of OAuth's, *description* its own."""

    def __init__(self, code: str, description: str = "") -> None:
        self.code, self.description = code, description
        super().__init__(f"{code}: {description}" if description else code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An identity provider, as it describes itself; an endpoint that it has not is None.

    Attributes:
        keys: where its keys are.
        scopes: what it says that one may ask for; it may know more.
        basic: whether clients may show their secrets as HTTP Basic does, rather than in the form.
    """

    issuer: str
    keys: str
    authorization: str | None = None
    token: str | None = None
    device: str | None = None
    revocation: str | None = None
    scopes: tuple[str, ...] = ()
    basic: bool = True


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the client's id with the provider, and its secret if it has one."""

    id: str
    secret: str | None = None


def discover(issuer: str) -> Provider:
    """Return the provider whose issuer is *issuer*."""
    base = issuer.removesuffix("/")
    found = get(f"{base}{_DISCOVERY}")
    if found.get("issuer") != issuer:
        raise ValueError(
            f"{base}{_DISCOVERY} names the issuer {found.get('issuer')!r}; "
            "set SOLOCRON_OIDC_ISSUER to just that"
        )
    keys = _endpoint(found, "jwks_uri")
    if keys is None:
        raise ValueError(f"{base}{_DISCOVERY} names no https:// address of keys")
    methods = found.get("token_endpoint_auth_methods_supported")
    return Provider(
        issuer=issuer,
        keys=keys,
        authorization=_endpoint(found, "authorization_endpoint"),
        token=_endpoint(found, "token_endpoint"),
        device=_endpoint(found, "device_authorization_endpoint"),
        revocation=_endpoint(found, "revocation_endpoint"),
        scopes=_texts(found.get("scopes_supported")),
        basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _endpoint(configuration: Mapping[str, Any], name: str) -> str | None:
    address = configuration.get(name)
    return address if isinstance(address, str) and is_protected(address) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def is_protected(url: str) -> bool:
    """Whether nobody in between can change what comes from *url*: HTTPS, or this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    except ValueError:
        return False


def get(url: str) -> dict[str, Any]:
    """Return the JSON object at *url*."""
    with _opener(url).open(url, timeout=TIMEOUT_S) as response:
        return _object(url, response.read(LONGEST))


def post(url: str, provider: Provider, client: Client, fields: Mapping[str, str]) -> dict[str, Any]:
    """Send *fields* as a form to an endpoint of *provider*, as *client*; return what it answers.

    An empty answer, as revocation has, is an empty object.

    Raises:
        Refused: the provider says no.
    """
    sent, headers = dict(fields), {"Accept": "application/json"}
    if client.secret is not None and provider.basic:
        shown = f"{quote_plus(client.id)}:{quote_plus(client.secret)}".encode()
        headers["Authorization"] = f"Basic {b64encode(shown).decode()}"
    else:
        sent["client_id"] = client.id
        if client.secret is not None:
            sent["client_secret"] = client.secret
    request = Request(url, urlencode(sent).encode(), headers)
    try:
        with _opener(url).open(request, timeout=TIMEOUT_S) as response:
            text = response.read(LONGEST)
    except HTTPError as error:
        raise _refusal(error) from None
    return _object(url, text) if text.strip() else {}


def _refusal(error: HTTPError) -> Exception:
    """Return what *error* says in OAuth's words; *error* itself if it uses none."""
    try:
        with error:
            document = json.loads(error.read(LONGEST))
        return Refused(str(document["error"]), str(document.get("error_description", "")))
    except (*FAILURES, LookupError, TypeError, AttributeError):
        return error


def _object(url: str, text: bytes) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"{url} holds no JSON object")
    return document


class _NoRedirects(HTTPRedirectHandler):
    """Stays where it was sent."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing."""


def _opener(url: str) -> OpenerDirector:
    proxies = [ProxyHandler({})] if is_loopback(urlsplit(url).hostname) else []
    return build_opener(_NoRedirects, *proxies)
