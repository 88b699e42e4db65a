"""The pages for people, at ``/`` and below ``/ui``: one module for each, over the API's own parts.

``frame`` is what all of them share; ``drawing`` and ``moments`` are for the ``templates``.  The
paths begin with ``/ui`` because ``/jobs`` belongs to another scheduler's protocol (see ``compat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from web.gate import Gate
from web.services import Services
from web.ui import (
    audit,
    backfill,
    bulk,
    calendars,
    channels,
    docs,
    edit,
    frame,
    job,
    jobs,
    notifications,
    overview,
    run,
    runs,
    secrets,
    settings,
    templates,
    tokens,
    workers,
)

#: The pages that need no memory of their own.
_SHELVES = tuple(
    page.SHELF
    for page in (
        *(jobs, bulk, job, edit, backfill, runs, run, calendars, channels, notifications, secrets),
        *(workers, tokens, audit, settings),
    )
)


def install(app: Flask, services: Services, gate: Gate, description: Mapping[str, Any]) -> None:
    """Make *app* serve the pages to whom *gate* lets in; *description* is the API's."""
    templates.prepare(app)
    for shelf in (overview.pages(), *_SHELVES, docs.pages(description)):
        frame.register(app, services, gate, shelf)
