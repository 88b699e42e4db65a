"""*Tokens*: who is let in by an API token, since when and until when, and when it was used last.

A token is shown on the very answer to the form that made it, and never again: it is in no
address, no cookie and no page that could be loaded another time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.access import NARROWS, Scope
from executor.domain.api_token import LIFETIME, TOKENS, token_document
from executor.domain.errors import Fault
from executor.domain.instant import from_text
from web.problems import Problem, unprocessable
from web.tokens import TokenRequest, create_token, delete_token
from web.ui.confirming import confirmed
from web.ui.frame import LATE, Shelf, Visit, led_to, show, tried
from web.ui.refusal import NONE, Refusal, refusal

SHELF: Final = Shelf()

HERE: Final = "/ui/tokens"

#: The fields of the form that faults may belong to.
FIELDS: Final = ("name", "scopes", "lifetime")

#: What each scope is good for.
SCOPES: Final = {
    Scope.JOBS_READ: "see jobs",
    Scope.JOBS_WRITE: "make, change, pause and delete jobs, and see them",
    Scope.RUNS_READ: "see runs and what they say",
    Scope.RUNS_WRITE: "start and cancel runs, and see them",
    Scope.ADMIN: "everything, with tokens and the audit",
}

#: Lifetimes to choose from, by what the form sends; None: for ever.
LIFETIMES: Final[Mapping[str, tuple[str, timedelta | None]]] = {
    "P7D": ("a week", timedelta(days=7)),
    "P30D": ("30 days", timedelta(days=30)),
    "P90D": ("90 days", LIFETIME),
    "P365D": ("a year", timedelta(days=365)),
    "never": ("for ever", None),
}
USUAL: Final = "P90D"


@SHELF.add("GET", HERE)
def list_of_tokens(visit: Visit) -> Response:
    """Show every token, and the form for another one."""
    return _page(visit)


def _page(visit: Visit, refused: Refusal = NONE, made: Mapping[str, str] | None = None) -> Response:
    readers, now = visit.services.readers, visit.services.clock.now()
    uses = readers.token_uses()
    listed = [token_document(token, uses, now) for token in readers.list_named(TOKENS)]
    response = show(
        visit,
        "ui/tokens.html",
        title="Tokens",
        tokens=[_with_instants(token) for token in listed],
        guarded=visit.services.entrance.guarded,
        scopes=SCOPES,
        lifetimes=LIFETIMES,
        chosen=visit.form.getlist("scope") if refused else (),
        lifetime=visit.form.get("lifetime", USUAL) if refused else USUAL,
        refused=refused,
        made=made,
    )
    response.status_code = HTTPStatus.CREATED if made else refused.status
    return response


def _with_instants(token: dict[str, Any]) -> dict[str, Any]:
    """Return the API's form of a token with its texts of instants as instants."""
    return {
        name: from_text(value) if name.endswith("_at") and value else value
        for name, value in token.items()
    }


@SHELF.add("POST", HERE)
def make(visit: Visit) -> Response:
    """Make a token, and show it."""
    try:
        asked = _asked(visit)
    except Problem as problem:
        return _page(visit, refusal(problem, FIELDS))
    outcome = tried(create_token, visit.call(asked))
    if isinstance(outcome, Problem):
        return _page(visit, refusal(outcome, FIELDS))
    if outcome.status_code == HTTPStatus.ACCEPTED:
        return led_to(HERE, f"{LATE} The token itself is lost: revoke it, and make another.", True)
    return _page(replace(visit, said=None), made=outcome.get_json())


def _asked(visit: Visit) -> TokenRequest:
    """Return what the form asks for.

    Raises:
        Problem: a lifetime that is not offered, or no scope.
    """
    chosen, lifetime = visit.form.getlist("scope"), visit.text("lifetime")
    if not chosen:
        raise unprocessable([Fault("scopes", "choose one at least")])
    if lifetime not in LIFETIMES:
        raise unprocessable([Fault("lifetime", "choose one of those that are offered")])
    tags = [tag for part in visit.text("tags").split(",") if (tag := part.strip())]
    narrowed = [f"{scope}{NARROWS}{tag}" for scope in chosen for tag in tags]
    return TokenRequest(
        name=visit.text("name"),
        scopes=tuple(narrowed or chosen),
        lifetime=LIFETIMES[lifetime][1],
    )


@SHELF.add("POST", f"{HERE}/{{token}}/revoke")
def revoke(visit: Visit) -> Response:
    """Let nobody in by a token any more, once somebody has confirmed it."""
    name = visit.services.readers.get_named(TOKENS, visit.path["token"]).name
    return confirmed(
        visit,
        delete_token,
        button="Revoke",
        name=name,
        text="Whoever uses it is refused within seconds, by every instance. "
        "This cannot be undone; a new token has another text.",
        done=f"{name} lets nobody in any more.",
        back=HERE,
    )
