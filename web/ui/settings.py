"""*Settings*: what is in force in this instance, where it comes from, and what it means.

Read-only: settings are the environment's, read once at the start.  Secrets are masked before web
is handed them.
"""

from __future__ import annotations

from typing import Final

from flask import Response
from markupsafe import Markup, escape

from web.ui.frame import Shelf, Visit, show

SHELF: Final = Shelf()


@SHELF.add("GET", "/ui/settings")
def settings(visit: Visit) -> Response:
    """Show every setting; those that somebody has set come first."""
    every = visit.services.settings
    return show(
        visit,
        "ui/settings.html",
        title="Settings",
        chosen=[one for one in every if not one.origin.startswith("default")],
        usual=[one for one in every if one.origin.startswith("default")],
        notes=visit.services.notes,
        with_code=with_code,
    )


def with_code(text: str) -> Markup:
    """Return *text* as HTML, with what stands between backticks as code.

    >>> with_code("set `A<B`")
    Markup('set <code>A&lt;B</code>')
    """
    parts = (escape(part) for part in text.split("`"))
    marked = (Markup("<code>%s</code>") % part if n % 2 else part for n, part in enumerate(parts))
    return Markup("").join(marked)
