"""The gate: who sends a request?

Credentials come as ``Authorization: Bearer TOKEN``, or as the password of HTTP Basic, for
programs that know nothing else; the user name does not matter.  The token of the environment is
looked for first, then the API tokens, then the identity provider's.  Without such a header the
cookie of a session counts, see ``sign_in``.

Rules
-----
1. Whoever sends credentials that do not count is refused, also where nobody needs any: a client
   that means to be somebody shall not be taken for somebody else.  Only pages that are for
   everybody are shown to him all the same, as to nobody (:meth:`Gate.visitor`).
2. A refusal repeats nothing of what was sent.
3. The identity provider's absence concerns its own tokens only.
4. Failures of an address are limited, whatever was sent: beyond the limit what does not count is
   answered with 429.  What counts is let in all the same, or one client that has it wrong would
   lock out all who share his address.  So whatever can be judged here is judged first: the
   administrator's token by comparing digests, API tokens and sessions that this process has read,
   signatures by the provider's keys, which are fetched seldom (see ``Issuer``).
5. Only the store can tell about an API token or a session that this process has not read.  Anybody
   can make up well-formed ones, so for an address beyond the limit it is asked at a bounded rate,
   which all such addresses share (:data:`LOOKS_AT_ONCE`).  API tokens do not depend on their luck
   there: each look reads all that are in force, and they are read every few seconds anyway.
6. A browser adds the cookie by itself, whoever makes it send a request.  So with a cookie nothing
   is changed unless the browser says that our own page sent the request.
"""

from __future__ import annotations

import hmac
import math
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from flask import Request

from executor.domain.access import EVERYTHING, Caller, known_rights
from executor.domain.api_token import PREFIX, ApiToken, digest_of, is_well_formed
from executor.domain.errors import CredentialsRefused, Flaw, SolocronError
from executor.domain.named import Stored
from web.access import ANYBODY, REALM, Need, NotAccepted
from web.allowance import Allowance, place_of
from web.cookies import Cookie
from web.known_sessions import KnownSessions
from web.known_tokens import KnownTokens
from web.problems import Problem
from web.protection import refuse_without_proof
from web.services import Services
from web.token_uses import TokenUses

#: Who is meant where nobody has to say who he is, and by the token of the environment.
LOCAL: Final = "local"
ADMINISTRATOR: Final = "admin"

#: Longest credentials, characters: a token with very many groups; servers allow little more.
LONGEST: Final = 8_000


#: Failed logins of one address before the limit applies, and how soon, in seconds, another one is
#: answered as such.  Tokens are drawn at random, from 128 bits on, so guessing leads nowhere at any
#: speed; the limit keeps it from costing the store something, and tells a client gone wild to wait.
MOST_FAILURES: Final = 10
FAILURE_EVERY_S: Final = 6.0

#: Looks into the store on behalf of addresses beyond the limit: so many at once, and how soon, in
#: seconds, another one follows; as much for API tokens as for sessions.  So few that the store does
#: not notice, and so many that a browser which this process has not met yet gets through soon.
LOOKS_AT_ONCE: Final = 10
LOOK_EVERY_S: Final = 0.125


class Gate:
    """Tells callers apart; one for all threads.

    Attributes:
        sessions, cookie: how browsers are known that are logged in.
    """

    def __init__(self, services: Services) -> None:
        self._entrance = services.entrance
        self._clock = services.clock
        self._tokens = KnownTokens(services.readers, services.clock)
        self._failures = Allowance(MOST_FAILURES, FAILURE_EVERY_S)
        self._codes = Allowance(MOST_FAILURES, FAILURE_EVERY_S)
        self._looks = Allowance(LOOKS_AT_ONCE, LOOK_EVERY_S)
        self._uses = TokenUses(services, self._tokens)
        self.sessions = KnownSessions(services.readers, services.clock)
        self.cookie = Cookie("solocron", self._entrance.url)

    def caller(self, request: Request, need: Need) -> Caller:
        """Return who sent *request*.

        Raises:
            Problem: 401, he does not say so, or what he says does not count; 429, too often.
            IssuerUnavailable, StoreUnavailable: nobody can tell.
        """
        address = self.address(request)
        if need.public:
            return Caller(actor="", address=address)
        if not self._entrance.guarded:
            return Caller(actor=LOCAL, address=address, rights=EVERYTHING)
        try:
            if "Authorization" in request.headers:
                return self._identify(_credentials(request), address)
            if cookie := self.cookie.read(request):
                refuse_without_proof(request)
                return self._signed_in(digest_of(cookie), address)
        except CredentialsRefused as error:
            # Whoever comes with an old cookie is to be led to the login, so he gets no 429.  What
            # limits guesses of sessions is how often the store is asked about them.
            self._note_failure(address, limited="Authorization" in request.headers)
            raise NotAccepted(error) from None
        raise _unauthorized("send a token, as `Authorization: Bearer TOKEN`")

    def visitor(self, request: Request) -> Caller:
        """Return who reads what is for everybody: nobody, where that cannot be told.

        What is shown is not a matter of rights, so nothing keeps anybody from it: neither a session
        that has ended nor a store that is down.
        """
        try:
            return self.caller(request, ANYBODY)
        except (Problem, SolocronError):
            return Caller(actor="", address=self.address(request))

    def holder(self, text: str, address: str) -> Caller:
        """Return who holds the token *text*: the administrator's, or an API token.

        Raises:
            CredentialsRefused: it is none.
            Problem: 429, too often.
            StoreUnavailable: nobody can tell.
        """
        try:
            ours = self._administrator(digest_of(text), address)
            return ours or self._holder(text, address)
        except CredentialsRefused:
            self._note_failure(address)
            raise

    @contextmanager
    def redeeming(self, address: str) -> Iterator[None]:
        """Have *address* redeem a code within; it is its failure if that is refused.

        The provider is asked about every code, so beyond the limit it is not asked at all.  Codes
        are counted on their own: who sends wrong tokens keeps nobody from logging in.

        Raises:
            Problem: 429, too often.
        """
        place, now = place_of(address), self._clock.monotonic()
        _check(self._codes, place, now)
        try:
            yield
        except CredentialsRefused:
            self._codes.note(place, now)
            raise

    def _note_failure(self, address: str, *, limited: bool = True) -> None:
        """Count a failure of *address*.

        Raises:
            Problem: 429, that was too often; only if it is *limited*.
        """
        place, now = place_of(address), self._clock.monotonic()
        if limited:
            _check(self._failures, place, now)
        self._failures.note(place, now)

    def _check_looks(self, what: str, address: str) -> None:
        """Spare the store a question about *what* that *address* has: it had too many failures.

        Raises:
            Problem: 429, too many such questions come from such addresses.
        """
        now = self._clock.monotonic()
        if self._failures.wait_s(place_of(address), now) > 0:
            _check(self._looks, what, now)
            self._looks.note(what, now)

    def address(self, request: Request) -> str:
        """Return the client's address, as far as trusted proxies tell it."""
        forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
        return self._entrance.proxies.client(request.remote_addr or "", forwarded)

    def _identify(self, text: str, address: str) -> Caller:
        ours = self._administrator(digest_of(text), address)
        if ours is not None:
            return ours
        if text.startswith(PREFIX):
            return self._holder(text, address)
        if self._entrance.verifier is None or text.count(".") != 2:
            raise CredentialsRefused("this is no token that is known here")
        bearer = self._entrance.verifier.verify(text)
        rights = known_rights(bearer.scopes)
        return Caller(actor=f"oidc:{bearer.subject}", address=address, rights=rights)

    def _holder(self, text: str, address: str) -> Caller:
        if not is_well_formed(text):
            raise CredentialsRefused("this token is incomplete or misspelt: its checksum is wrong")
        return self._by_digest(digest_of(text), address)

    def _administrator(self, digest: str, address: str) -> Caller | None:
        ours = self._entrance.admin_token_digest
        if ours is None or not hmac.compare_digest(digest, ours):
            return None
        return Caller(actor=ADMINISTRATOR, address=address, rights=EVERYTHING)

    def _signed_in(self, digest: str, address: str) -> Caller:
        session = self.sessions.known(digest)
        if session is None:
            self._check_looks("session", address)
            session = self.sessions.look_up(digest)
        if session is None or session.is_expired(self._clock.now()):
            raise CredentialsRefused("this session has ended; log in again")
        if not session.token:
            return Caller(actor=session.actor, address=address, rights=session.rights)
        ours = self._administrator(session.token, address)
        return ours or self._by_digest(session.token, address)

    def _by_digest(self, digest: str, address: str) -> Caller:
        token = self._tokens.known(digest)
        if token is None:
            self._check_looks("token", address)
            token = self._tokens.look_up(digest)
        if token is None:
            raise CredentialsRefused("this token was revoked or never made")
        return self._admit(token, address)

    def _admit(self, token: Stored[ApiToken], address: str) -> Caller:
        now = self._clock.now()
        if token.value.is_expired(now):
            raise CredentialsRefused(f"token {token.name!r} has expired", Flaw.EXPIRED)
        caller = Caller(actor=f"token:{token.name}", address=address, rights=token.value.rights)
        self._uses.note(token.name, caller, now)
        return caller


def _check(allowance: Allowance, place: str, now: float) -> None:
    """Let nothing more come from *place* for now if *allowance* has none left.

    Raises:
        Problem: 429.
    """
    wait_s = allowance.wait_s(place, now)
    if wait_s > 0:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too many tokens that do not count have come from this address; wait",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )


def _credentials(request: Request) -> str:
    """Return the token in *request*'s header.

    Raises:
        Problem: 401, there is none.
        CredentialsRefused: it is longer than any.
    """
    header = request.headers["Authorization"]
    scheme, _, text = header.partition(" ")
    text = text.strip()
    if len(header) > LONGEST:
        raise CredentialsRefused("this token is too long")
    if scheme.lower() == "basic":
        text = _password(text)
    elif scheme.lower() != "bearer":
        text = ""
    if not text:
        raise _unauthorized("send a token, as `Authorization: Bearer TOKEN`")
    return text


def _password(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _unauthorized(detail: str, error: str = "") -> Problem:
    challenge = f'Bearer realm="{REALM}"' + (f', error="{error}"' if error else "")
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
