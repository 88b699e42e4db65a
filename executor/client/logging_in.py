"""Getting an access token from a service's identity provider, for somebody at a command line.

Two ways: with a browser on this machine, which comes back to a port here (authorization code with
PKCE, RFC 8252), or with one anywhere, into which a short code is typed (RFC 8628).

The service says which provider, and as which client.  The ID token is not looked at: the access
token comes straight from the provider, and the service judges that.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from executor.client.connection import Connection, NoAnswer
from executor.client.logins import Login, login_of
from executor.client.way_back import ADDRESS, WayBack
from executor.domain.login import RANDOM_BYTES, Attempt
from executor.openid import FAILURES, Client, Provider, Refused, discover, is_protected, post

#: How long somebody may take to log in, seconds.
PATIENCE_S: Final = 300.0

#: Pause between two questions whether a device was let in, seconds, and what is added to it when
#: the provider finds us too eager.  Source: RFC 8628, section 3.5.
_INTERVAL_S: Final = 5.0
_SLOWER_S: Final = 5.0

#: What is asked for so that a login outlasts its access token.
_LASTING: Final = "offline_access"

_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What a service says of how one logs in to it."""

    url: str
    provider: Provider
    client: Client
    scopes: str
    audience: str


def ask(connection: Connection) -> Announced:
    """Ask a service how one logs in to it.

    Raises:
        NoAnswer: it does not say, or nobody can.
    """
    url, answer = connection.url, connection.get("/v1/login")
    if not isinstance(answer, dict) or "guarded" not in answer:
        raise NoAnswer(f"{url} is no Solocron, or an older one")
    if not answer["guarded"]:
        raise NoAnswer(f"{url} asks nobody who he is; there is no need to log in")
    about = answer.get("provider")
    if about is None:
        raise NoAnswer(f"{url} knows API tokens only; set SOLOCRON_TOKEN to one of it")
    issuer = str(about["issuer"])
    if not is_protected(issuer):
        raise NoAnswer(f"{url} names the identity provider {issuer}, which has no https:// URL")
    try:
        provider = discover(issuer)
    except FAILURES as error:
        raise NoAnswer(f"the identity provider {issuer} does not answer ({error})") from error
    lasting = (_LASTING,) if _LASTING in provider.scopes else ()
    return Announced(
        url=url,
        provider=provider,
        client=Client(str(about["client_id"])),
        scopes=" ".join((*map(str, about["scopes"]), *lasting)),
        audience=str(about["audience"]),
    )


def by_browser(
    announced: Announced, show: Callable[[str], None], patience_s: float = PATIENCE_S
) -> Login:
    """Log in with a browser on this machine.

    Args:
        show: is given the address to go to.

    Raises:
        NoAnswer: nobody came back in time, or not well.
    """
    provider, attempt = announced.provider, Attempt(secrets.token_urlsafe(RANDOM_BYTES))
    if provider.authorization is None or provider.token is None:
        raise NoAnswer(f"{provider.issuer} has no address to log in at")
    asked = {
        "response_type": "code",
        "client_id": announced.client.id,
        "redirect_uri": ADDRESS,
        "scope": announced.scopes,
        "audience": announced.audience,
        "state": attempt.state(),
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    with WayBack(lambda answer: _belongs(answer, attempt, provider)) as way:
        joint = "&" if "?" in provider.authorization else "?"
        show(f"{provider.authorization}{joint}{urlencode(asked)}")
        answer = way.await_answer(patience_s)
    if answer is None:
        raise NoAnswer(f"nobody has logged in within {patience_s:g} s")
    if "code" not in answer:
        raise NoAnswer(f"{provider.issuer} has not logged you in ({answer.get('error')})")
    exchange = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": ADDRESS,
        "code_verifier": attempt.verifier,
    }
    return _login(announced, lambda: _tokens(announced, exchange))


def _belongs(answer: Mapping[str, str], attempt: Attempt, provider: Provider) -> bool:
    """Whether *answer* is the provider's to *attempt*; others go on being waited for."""
    known = attempt.destination(answer.get("state", "")) is not None
    return known and answer.get("iss", provider.issuer) == provider.issuer


def by_device(
    announced: Announced,
    show: Callable[[str, str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Login:
    """Log in with a browser anywhere.

    Args:
        show: is given the address to go to, and the code to type there.
        pause: lets so many seconds pass between two questions.

    Raises:
        NoAnswer: nobody let this device in.
    """
    provider = announced.provider
    if provider.device is None:
        raise NoAnswer(f"{provider.issuer} lets no devices in; log in without --device")
    asked = {"scope": announced.scopes, "audience": announced.audience}
    try:
        begun = post(provider.device, provider, announced.client, asked)
        code, user_code = str(begun["device_code"]), str(begun["user_code"])
        address = str(begun.get("verification_uri_complete") or begun["verification_uri"])
        interval_s = max(float(begun.get("interval") or _INTERVAL_S), 0.1)
        left_s = min(float(begun.get("expires_in") or PATIENCE_S), 2 * PATIENCE_S)
    except (Refused, *FAILURES, LookupError, TypeError) as error:
        raise NoAnswer(f"{provider.issuer} lets this device not in ({error})") from error
    show(address, user_code)
    wanted = {"grant_type": _DEVICE, "device_code": code}
    while left_s > 0:
        pause(interval_s)
        left_s -= interval_s
        try:
            return _login(announced, lambda: _tokens(announced, wanted))
        except _Waiting as waiting:
            interval_s += _SLOWER_S if waiting.slower else 0.0
    raise NoAnswer("nobody has let this device in, and its code has expired; begin again")


class _Waiting(NoAnswer):
    """Nobody has decided yet; *slower*: do not ask so often."""

    def __init__(self, slower: bool) -> None:
        self.slower = slower
        super().__init__("nobody has decided yet")


def _login(announced: Announced, get_tokens: Callable[[], dict[str, Any]]) -> Login:
    began = time.time()
    provider = announced.provider
    return login_of(announced.url, provider.issuer, announced.client.id, get_tokens(), began)


def _tokens(announced: Announced, asked: Mapping[str, str]) -> dict[str, Any]:
    provider = announced.provider
    try:
        return post(provider.token or "", provider, announced.client, asked)
    except Refused as error:
        if error.code in {"authorization_pending", "slow_down"}:
            raise _Waiting(error.code == "slow_down") from None
        raise NoAnswer(f"{provider.issuer} has not logged you in ({error})") from error
    except FAILURES as error:
        raise NoAnswer(f"{provider.issuer} does not answer ({error})") from error
