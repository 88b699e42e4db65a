"""*Secrets*: which there are, when they were put, and who uses them.  Never a value.

A value that was typed is on no page: not on one that a mistake leads back to either.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.named import Broken, Stored
from executor.domain.secret import LONGEST, SECRETS, SHORTEST
from web.problems import Problem
from web.secrets import SecretValue, delete_secret, put_secret
from web.ui.confirming import confirmed
from web.ui.frame import LATE, Shelf, Visit, led_to, show, tried
from web.ui.refusal import NONE, Refusal, refusal
from web.ui.users import users_of

SHELF: Final = Shelf()

HERE: Final = "/ui/secrets"

#: The fields of the form that faults may belong to.
FIELDS: Final = ("name", "value")

PUT: Final = "POST /ui/secrets"


@SHELF.add("GET", HERE)
def list_of_secrets(visit: Visit) -> Response:
    """Show every secret by name, and the form for another one."""
    return _list(visit)


def _list(visit: Visit, refused: Refusal = NONE) -> Response:
    found = visit.services.readers.list_named(SECRETS)
    response = show(
        visit,
        "ui/secrets.html",
        title="Secrets",
        secrets=[_row(visit, one) for one in found],
        **_form(visit, refused),
    )
    response.status_code = refused.status
    return response


def _form(visit: Visit, refused: Refusal) -> dict[str, Any]:
    return {
        "may_write": visit.reaches(PUT),
        "sealing": visit.services.sealer is not None,
        "refused": refused,
        "shortest": SHORTEST,
        "longest": LONGEST,
    }


def _row(visit: Visit, secret: Stored[str] | Broken) -> dict[str, Any]:
    if isinstance(secret, Broken):
        return {"name": secret.name, "error": secret.error}
    sealer = visit.services.sealer
    return {
        "name": secret.name,
        "updated_at": secret.updated_at,
        "by": secret.last_command.actor if secret.last_command else "",
        "key": "unknown" if sealer is None else sealer.key_of(secret.value),
    }


@SHELF.add("GET", f"{HERE}/{{secret}}")
def one_secret(visit: Visit) -> Response:
    """Show what is known of one secret."""
    return _one(visit, visit.path["secret"])


def _one(visit: Visit, name: str, refused: Refusal = NONE) -> Response:
    secret = visit.services.readers.get_named(SECRETS, name)
    response = show(
        visit,
        "ui/secret.html",
        title=secret.name,
        secret=_row(visit, secret),
        users=users_of(visit.services.readers, SECRETS, secret.name),
        **_form(visit, refused),
    )
    response.status_code = refused.status
    return response


@SHELF.add("POST", HERE)
def put(visit: Visit) -> Response:
    """Make a secret, or give one another value."""
    name, back = visit.text("name"), visit.text("back")
    outcome = tried(put_secret, visit.call(SecretValue(value=visit.lines("value")), secret=name))
    if isinstance(outcome, Problem):
        refused = refusal(outcome, FIELDS)
        return _one(visit, name, refused) if back == "one" else _list(visit, refused)
    if outcome.status_code == HTTPStatus.ACCEPTED:
        return led_to(HERE, LATE)
    done = "was made" if outcome.status_code == HTTPStatus.CREATED else "has another value"
    said = f"{name} {done}; jobs use it from their next run on."
    return led_to(f"{HERE}/{name}" if back == "one" else HERE, said)


@SHELF.add("POST", f"{HERE}/{{secret}}/delete")
def delete(visit: Visit) -> Response:
    """Delete a secret that nothing uses, once somebody has confirmed it."""
    name = visit.services.readers.get_named(SECRETS, visit.path["secret"]).name
    return confirmed(
        visit,
        delete_secret,
        button="Delete",
        name=name,
        text="Its value is gone then, for everybody: nobody can read it back. "
        "It is refused while jobs or channels use it.",
        done=f"{name} was deleted.",
        back=f"{HERE}/{name}",
        after=HERE,
    )
