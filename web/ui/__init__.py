"""The pages for people, at ``/`` and below ``/ui``: one module for each, over the API's own parts.

``frame`` is what all of them share; ``drawing`` and ``moments`` are for the templates.  The paths
begin with ``/ui`` because ``/jobs`` belongs to another scheduler's protocol (see ``compat``).
"""

from __future__ import annotations

from flask import Flask

from web.gate import Gate
from web.services import Services
from web.ui import channels, edit, frame, job, jobs, overview, run, runs


def install(app: Flask, services: Services, gate: Gate) -> None:
    """Make *app* serve the pages to whom *gate* lets in."""
    frame.prepare(app)
    app.jinja_env.filters["coded"] = edit.coded
    for shelf in (
        overview.pages(),
        jobs.SHELF,
        job.SHELF,
        edit.SHELF,
        runs.SHELF,
        run.SHELF,
        channels.SHELF,
    ):
        frame.register(app, services, gate, shelf)
