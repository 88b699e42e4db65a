"""Changes that cannot be undone: somebody is asked once more before they are made."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from web.routes import Call
from web.ui.frame import Visit, carried_out, show


def confirmed(
    visit: Visit,
    handler: Callable[[Call], Response],
    *,
    button: str,
    name: str,
    text: str,
    done: str,
    back: str,
    after: str = "",
) -> Response:
    """Have a *handler* of the API carry out what is asked for, once it was confirmed.

    Args:
        button: the word for it: ``Delete``.
        name: of what it is done to.
        text: what follows from it.
        done, back, after: as :func:`~web.ui.frame.carried_out`; who thinks better of it is led
            *back* too.

    Raises:
        Problem: a refusal that does not concern what *back* shows.
    """
    if visit.text("sure") == "yes":
        return carried_out(handler, visit.call(), done, back, after)
    title = f"{button} {name}?"
    return show(visit, "ui/confirm.html", title=title, text=text, button=button, back=back)
