"""The frame of every page: who visits, what he may see, and how a page is answered.

A page is a function from :class:`Visit` to HTML.  It reads what its visitor may read, through the
same readers as the API, and changes something only by having a handler of the API carry it out.

Rules
-----
1. Who is nobody is led to the login, or offered it on a page that is for everybody; what else
   goes wrong is a page that says so, with its status.  Programs get problems as everywhere.
2. A form is sent by our own page, or by a program with a token; see ``protection``.
3. Each page has at most one part that is kept up to date: it asks for itself again, with a digest
   of what it shows, and is answered with nothing (204) while that is the same.
4. After a change the browser is led back to a page (303), which says once what came of it.  That
   is remembered in a cookie for the moment between: no link can make a page say something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlencode

from flask import Flask, Response, make_response, render_template, request
from markupsafe import Markup
from werkzeug.datastructures import Headers, MultiDict

from executor.domain.access import Caller, Scope
from executor.domain.errors import SolocronError
from executor.ports.store import InvalidCursor
from web.access import narrowed, need_of, permits
from web.cookies import Cookie
from web.gate import Gate
from web.problems import RETRY_AFTER_S, Problem, bad_request, problem_of, with_headers
from web.protection import refuse_without_proof
from web.routes import Call
from web.services import Services
from web.sign_in import login_address, login_page, sentence

#: For how long a page that one is led back to may say what came of a change, seconds.
_SAID_S: Final = 60

#: Characters of that, and of it as it is written in the cookie: browsers keep 4,096.
_LONGEST_SAID: Final = 600
_LONGEST_COOKIE: Final = 3_000

#: What the header says by which htmx asks for a part of a page.
_PART: Final = "true"

#: Refusals that are said on the page on which something was asked for.
_SAID_THERE: Final = frozenset(
    {
        HTTPStatus.CONFLICT,
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request for a page.

    Attributes:
        services: with readers that show what the visitor may see.
        within: the tags he is narrowed to; None: to none.
        signed_in: by a session, which he may end.
        path: the variable parts of the address.
        query, form: what a link or a form says; unknown names are ignored.
        said: what came of the change that led here, and whether it is bad.
    """

    services: Services
    caller: Caller
    within: tuple[str, ...] | None
    signed_in: bool
    address: str
    path: Mapping[str, str]
    query: MultiDict[str, str]
    form: MultiDict[str, str]
    is_part: bool
    said: tuple[str, bool] | None = None

    def may(self, scope: str) -> bool:
        """Whether the visitor has *scope*, be it for some jobs only."""
        return self.caller.has(Scope(scope))

    def reaches(self, route: str) -> bool:
        """Whether the visitor may use *route*, written as in ``access``: ``GET /ui/audit``."""
        method, _, path = route.partition(" ")
        return permits(self.caller, need_of(method, path))

    def text(self, name: str) -> str:
        """Return what the query or the form says for *name*, as one line; empty if nothing."""
        given = self.form.get(name) or self.query.get(name) or ""
        return re.sub(r"[\x00-\x1f\x7f]+", " ", given).strip()

    def lines(self, name: str) -> str:
        """Return what the form says for *name* as it was typed; browsers send CR LF for a line."""
        return self.form.get(name, "").replace("\r\n", "\n")

    def call(self, document: Any = None, *, revision: str = "", **path: str) -> Call:
        """Return what a handler of the API is called with to do something for the visitor.

        Args:
            revision: what is to be changed must still be at this one; empty: any.
        """
        return Call(
            services=self.services,
            caller=self.caller,
            within=self.within,
            method="POST",
            url=self.address,
            path={**self.path, **path},
            query={},
            document=document,
            headers=Headers({"If-Match": f'"{revision}"'} if revision else {}),
        )


Page = Callable[[Visit], Response]


class Link(NamedTuple):
    """A page of the navigation; ``here``: it is the one that is shown, or of its kind."""

    address: str
    name: str
    here: bool


#: The pages that are asked for now and then: address and name, the most usual first.
MORE: Final = (
    ("/ui/calendars", "Calendars"),
    ("/ui/channels", "Channels"),
    ("/ui/notifications", "Notifications"),
    ("/ui/secrets", "Secrets"),
    ("/ui/workers", "Workers"),
    ("/ui/tokens", "Tokens"),
    ("/ui/audit", "Audit"),
    ("/ui/settings", "Settings"),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pages of one module, collected by :meth:`add`."""

    pages: list[tuple[str, str, Page]] = field(default_factory=list)

    def add(self, method: str, path: str) -> Callable[[Page], Page]:
        """Return a decorator that lists its function as the page of *method* at *path*."""

        def listed(page: Page) -> Page:
            self.pages.append((method, path, page))
            return page

        return listed


def more_pages(visit: Visit) -> list[Link]:
    """Return the pages that are asked for now and then, those alone that *visit* may see."""
    return [
        Link(address, name, f"{visit.address}/".startswith((f"{address}/", f"{address[:-1]}/")))
        for address, name in MORE
        if visit.reaches(f"GET {address}")
    ]


def register(app: Flask, services: Services, gate: Gate, shelf: Shelf) -> None:
    """Make *app* serve the pages of *shelf* to whom *gate* lets in."""
    doorman = _Doorman(services, gate)
    for method, path, page in shelf.pages:
        app.add_url_rule(
            re.sub(r"{(\w+)}", r"<\1>", path),
            endpoint=f"{method} {path}",
            view_func=doorman.view(method, path, page),
            methods=[method],
        )


class _Doorman:
    """Makes visits of requests, and answers of what goes wrong; one for all threads."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services, self._gate = services, gate
        self._said = Cookie("solocron-said", services.entrance.url, longest=_LONGEST_COOKIE)

    def view(self, method: str, path: str, page: Page) -> Callable[..., Response]:
        """Return the view function of *page*."""

        def shown(**variables: str) -> Response:
            try:
                visit = self._visit(method, path, variables)
            except SolocronError as error:
                return self._turned_away(problem_of(error))
            except Problem as problem:
                return self._turned_away(problem)
            try:
                return self._with_said(visit, page(visit))
            except InvalidCursor:
                return self._failed(visit, bad_request([]))
            except SolocronError as error:
                return self._failed(visit, problem_of(error))
            except Problem as problem:
                return self._failed(visit, problem)

        return shown

    def _visit(self, method: str, path: str, variables: dict[str, str]) -> Visit:
        need, guarded = need_of(method, path), self._services.entrance.guarded
        caller = self._gate.visitor(request) if need.public else self._gate.caller(request, need)
        seen, within = narrowed(self._services, caller, need)
        if "Authorization" not in request.headers:
            refuse_without_proof(request)
        is_part = request.headers.get("HX-Request") == _PART
        return Visit(
            services=seen,
            caller=caller,
            within=within,
            signed_in=bool(guarded and caller.actor and self._gate.cookie.read(request)),
            address=request.path,
            path=variables,
            query=request.args,
            form=request.form,
            is_part=is_part,
            said=None if is_part or method != "GET" else self._read_said(),
        )

    def _read_said(self) -> tuple[str, bool] | None:
        kind, _, text = unquote(self._said.read(request)).partition(" ")
        return (text, kind == "bad") if text else None

    def _with_said(self, visit: Visit, response: Response) -> Response:
        """Have the browser remember what *response* has to say, or forget what was said."""
        if isinstance(response, Leading):
            self._said.give(request, response, response.says[:_LONGEST_COOKIE], _SAID_S)
        elif visit.said is not None:
            self._said.take_back(request, response)
        return response

    def _failed(self, visit: Visit, problem: Problem) -> Response:
        if not _wants_html() and not visit.is_part:
            raise problem
        response = show(
            visit,
            "ui/problem.html",
            title=problem.status.phrase,
            words_=sentence(problem.detail),
            faults=problem.faults,
        )
        response.status_code = problem.status
        return with_headers(response, problem)

    def _turned_away(self, problem: Problem) -> Response:
        return turned_away(self._services, self._gate, problem)


def turned_away(services: Services, gate: Gate, problem: Problem) -> Response:
    """Lead a person to the login, or say what his rights lack.

    Raises:
        Problem: *problem*, if no person asks.
    """
    if not _wants_html():
        raise problem
    if problem.status is HTTPStatus.UNAUTHORIZED and "Authorization" not in request.headers:
        path = request.full_path.rstrip("?") if request.method == "GET" else "/"
        response = Response(status=HTTPStatus.SEE_OTHER)
        response.headers["Location"] = login_address(services, path)
        return response
    leave = bool(gate.cookie.read(request))
    page = login_page(services, fault=sentence(problem.detail), leave=leave)
    return with_headers(make_response(page, problem.status), problem)


def _wants_html() -> bool:
    return "text/html" in request.headers.get("Accept", "")


def show(visit: Visit, template: str, *, title: str, **facts: Any) -> Response:
    """Answer with a whole page."""
    page = render_template(
        template,
        visit=visit,
        services=visit.services,
        caller=visit.caller if visit.signed_in else None,
        login=None if visit.caller.actor else login_address(visit.services, visit.address),
        title=title,
        **facts,
    )
    return make_response(page)


def _live(visit: Visit, template: str, facts: Mapping[str, Any]) -> tuple[Markup, str]:
    """Return the live part of a page, written by *template*, and its digest."""
    body = Markup(render_template(template, visit=visit, **facts))
    tag = sha256(body.encode()).hexdigest()[:16]
    query = [(name, text) for name, text in visit.query.items(multi=True) if name != "seen"]
    address = f"{visit.address}?{urlencode([*query, ('seen', tag)])}"
    return Markup(render_template("ui/_live.html", body=body, address=address)), tag


def show_live(
    visit: Visit, page: str, part: str, *, title: str, status: int = 200, **facts: Any
) -> Response:
    """Answer with the page *page* around its live part *part*, or with that part alone.

    A part that the visitor's browser shows already is answered with 204.
    """
    shown, tag = _live(visit, part, facts)
    if not visit.is_part:
        response = show(visit, page, title=title, live=shown, **facts)
    elif visit.query.get("seen") == tag:
        return Response(status=HTTPStatus.NO_CONTENT)
    else:
        response = make_response(shown)
    response.status_code = status
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


class Leading(Response):
    """Leads the browser to a page; ``says`` is what is said there, as the cookie holds it."""

    says = ""


def led_to(address: str, text: str, bad: bool = False) -> Leading:
    """Lead the browser to *address*, which then says *text*."""
    response = Leading(status=HTTPStatus.SEE_OTHER)
    response.headers["Location"] = address
    response.says = quote(f"{'bad' if bad else 'good'} {text[:_LONGEST_SAID]}")
    return response


#: Said of a change that is neither done nor refused yet.
LATE: Final = "Accepted, but the executor has not answered yet; it shows here once it is done."


def tried(handler: Callable[[Call], Response], call: Call) -> Response | Problem:
    """Have a *handler* of the API carry out *call*; return its answer, or why it refuses.

    Args:
        done: what is said then, or what makes that of the answer, with whether it is bad.

    Raises:
        Problem: a refusal that does not concern what a form asked for, or is for a program.
    """
    try:
        return handler(call)
    except SolocronError as error:
        problem = problem_of(error)
    except Problem as refusal:
        problem = refusal
    if problem.status not in _SAID_THERE or not _wants_html():
        raise problem
    return problem


def carried_out(
    handler: Callable[[Call], Response],
    call: Call,
    done: str | Callable[[Any], str],
    back: str,
    after: str | Callable[[Any], str] = "",
) -> Response:
    """Have a *handler* of the API carry out *call*, and lead to *back*, which says how that went.

    Args:
        done: what is said if it went well, or what makes that of the API's answer.
        after: where to lead instead once it is done, or what makes that of the answer.

    Raises:
        Problem: a refusal that does not concern what *back* shows.
    """
    outcome = tried(handler, call)
    if isinstance(outcome, Problem):
        return led_to(back, sentence(outcome.detail), bad=True)
    if outcome.status_code == HTTPStatus.ACCEPTED:
        return led_to((after if isinstance(after, str) else "") or back, LATE)
    there = after if isinstance(after, str) else after(outcome.get_json())
    return led_to(there or back, done if isinstance(done, str) else done(outcome.get_json()))
