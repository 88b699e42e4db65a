"""Logging in and out with a browser: ``/login`` and ``/logout``.

``GET /login`` is a page for people: it leads to the identity provider, and takes an API token.
``/login/start`` sends the browser to the provider, ``/login/callback`` is where it comes back to.
All ways end in a session: a random text in a cookie, whose digest the executor makes known to
every instance.

Rules
-----
1. Where one goes afterwards is a path of this service, whatever the request says.
2. Nobody can be logged in without wanting it: a token is taken from our own page only, and an
   answer of the provider only from the browser that asked for it, by the cookie of its attempt.
3. Each login makes a session of its own; no value that was there before becomes one.
4. What goes wrong is said on the page, in words, with the status that it has.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, make_response, render_template, request

from executor.domain.access import Caller, known_rights
from executor.domain.api_token import digest_of
from executor.domain.command import Command, CommandKind
from executor.domain.errors import CredentialsRefused, SolocronError
from executor.domain.login import HOME, RANDOM_BYTES, Attempt, own_path
from executor.domain.session import Session, arguments_of
from executor.ports.login import LoginProvider
from web.access import ANYBODY
from web.bodies import read_form
from web.commands import check_refusal
from web.cookies import Cookie
from web.gate import Gate
from web.problems import RETRY_AFTER_S, Problem, problem_of
from web.protection import refuse_without_proof
from web.services import Services

#: Seconds that one may take at the provider.
ATTEMPT_S: Final = 600

#: Where the provider sends browsers back to.
CALLBACK: Final = "/login/callback"


def install(app: Flask, services: Services, gate: Gate) -> None:
    """Make *app* serve these pages; where nobody has to log in they lead to the page."""
    door = _Door(services, gate)
    for method, path, view in (
        ("GET", "/login", door.show),
        ("POST", "/login", door.take_token),
        ("GET", "/login/start", door.start),
        ("GET", CALLBACK, door.come_back),
        ("POST", "/logout", door.leave),
    ):
        endpoint = f"{method} {path}"
        app.add_url_rule(path, endpoint=endpoint, view_func=door.told(view), methods=[method])


def login_address(services: Services, path: str) -> str:
    """Return where a browser is sent that nobody is logged in with, and that wants *path*."""
    begin = "/login" if services.entrance.login is None else "/login/start"
    return begin if path == HOME else f"{begin}?{urlencode({'next': path})}"


def login_page(
    services: Services, *, fault: str = "", note: str = "", path: str = HOME, leave: bool = False
) -> str:
    """Return the page on which one logs in.

    Args:
        fault, note: say what has just happened.
        path: where one goes then.
        leave: somebody is logged in, and may log out.
    """
    login = services.entrance.login
    return render_template(
        "login.html",
        services=services,
        provider=None if login is None else urlsplit(login.issuer).hostname,
        start=login_address(services, path),
        path=path,
        fault=fault,
        note=note,
        leave=leave,
    )


class _Door:
    """The handlers; one for all threads."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services, self._gate = services, gate
        self._attempts = Cookie("solocron-login", services.entrance.url)
        self._back = f"{services.entrance.url or ''}{CALLBACK}"

    def told(self, view: Callable[[], Response]) -> Callable[[], Response]:
        """Return *view*, which says on the page what goes wrong."""

        @wraps(view)
        def shown() -> Response:
            if not self._services.entrance.guarded:
                return _on(HOME)
            try:
                return view()
            except SolocronError as error:
                return self._failed(problem_of(error))
            except Problem as problem:
                return self._failed(problem)

        return shown

    def show(self) -> Response:
        """Show the page, or go on if somebody is logged in."""
        path = own_path(request.args.get("next"))
        if self._is_signed_in():
            return _on(path)
        note = "You are logged out." if "left" in request.args else ""
        response = make_response(login_page(self._services, note=note, path=path))
        if self._gate.cookie.read(request):
            self._gate.cookie.take_back(request, response)
        return response

    def take_token(self) -> Response:
        """Log in whoever holds the token of the form."""
        refuse_without_proof(request)
        form = read_form(request)
        text = form.get("token", "").strip()
        caller = self._gate.holder(text, self._gate.address(request))
        return self._let_in(caller, digest_of(text), own_path(form.get("next")))

    def start(self) -> Response:
        """Send the browser to the identity provider."""
        # Several windows at once share the attempt, so that each of them comes back well.
        secret = self._attempts.read(request) or secrets.token_urlsafe(RANDOM_BYTES)
        path = own_path(request.args.get("next"))
        response = _on(self._provider().address(Attempt(secret), self._back, path))
        self._attempts.give(request, response, secret, ATTEMPT_S)
        return response

    def come_back(self) -> Response:
        """Log in whom the provider vouches for."""
        attempt, state = Attempt(self._attempts.read(request)), request.args.get("state", "")
        path = attempt.destination(state) if attempt.secret else None
        if path is None:
            if self._is_signed_in():
                return _on(HOME)
            raise CredentialsRefused(
                "this login was not begun with this browser, or too long ago; begin again"
            )
        code = request.args.get("code")
        if code is None or request.args.get("iss", self._issuer) != self._issuer:
            # The provider's own words are not shown: anybody could have written them.
            raise CredentialsRefused("the identity provider has not logged you in; try again")
        address = self._gate.address(request)
        with self._gate.redeeming(address):
            bearer = self._provider().redeem(attempt, self._back, code)
        caller = Caller(
            actor=f"oidc:{bearer.subject}", address=address, rights=known_rights(bearer.scopes)
        )
        response = self._let_in(caller, "", path)
        self._attempts.take_back(request, response)
        return response

    def leave(self) -> Response:
        """Close the session; the browser forgets it in any case."""
        refuse_without_proof(request)
        try:
            self._close(self._gate.cookie.read(request))
            response = _on("/login?left=1")
        except SolocronError as error:
            words = f"this browser has forgotten its session, but {error}; it ends at its expiry"
            response = self._failed(Problem(problem_of(error).status, words))
        self._gate.cookie.take_back(request, response)
        return response

    def _close(self, cookie: str) -> None:
        caller = self._caller() if cookie else None
        if caller is not None:
            self._ask(caller, CommandKind.CLOSE_SESSION, digest_of(cookie), {})
        self._gate.sessions.forget(digest_of(cookie))

    def _let_in(self, caller: Caller, token: str, path: str) -> Response:
        """Open a session; *token*: digest of the one that it is opened with, or empty."""
        entrance, now = self._services.entrance, self._services.clock.now()
        cookie = secrets.token_urlsafe(RANDOM_BYTES)
        session = Session(
            digest=digest_of(cookie),
            actor=caller.actor,
            scopes=() if token else tuple(sorted(map(str, caller.rights))),
            token=token,
            expires_at=now + timedelta(seconds=entrance.session_s),
        )
        self._ask(caller, CommandKind.OPEN_SESSION, session.digest, arguments_of(session))
        response = _on(path)
        self._gate.cookie.give(request, response, cookie, entrance.session_s)
        return response

    def _ask(
        self, caller: Caller, kind: CommandKind, digest: str, arguments: dict[str, object]
    ) -> None:
        command = Command(
            id=uuid.uuid4().hex,
            kind=kind,
            subject=digest,
            arguments=arguments,
            sent_at=self._services.clock.now(),
            repeatable=False,
            actor=caller.actor,
            address=caller.address,
        )
        result = self._services.sender.send(command, self._services.command_timeout_s)
        if result is None:
            late = "the executor has not answered in time; try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, late)
        check_refusal(result)

    def _caller(self) -> Caller | None:
        try:
            return self._gate.caller(request, ANYBODY)
        except Problem as problem:
            if problem.status is HTTPStatus.UNAUTHORIZED:
                return None
            raise

    def _is_signed_in(self) -> bool:
        return bool(self._gate.cookie.read(request)) and self._caller() is not None

    def _provider(self) -> LoginProvider:
        found = self._services.entrance.login
        if found is None:
            raise CredentialsRefused("no identity provider is known here; use an API token")
        return found

    @property
    def _issuer(self) -> str:
        return self._provider().issuer

    def _failed(self, problem: Problem) -> Response:
        page = login_page(self._services, fault=sentence(problem.detail))
        response = make_response(page, problem.status)
        response.headers.update(
            {name: text for name, text in problem.headers.items() if name == "Retry-After"}
        )
        if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response


def _on(address: str) -> Response:
    response = Response(status=HTTPStatus.SEE_OTHER)
    response.headers["Location"] = address
    return response


def sentence(text: str) -> str:
    """Return *text*, as problems have it, with a capital and a full stop."""
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
