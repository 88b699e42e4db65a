"""The pages for people, below ``/ui``: one module for each, over what the API is made of.

``frame`` is what all of them share; ``drawing`` and ``moments`` are for the templates.  The paths
begin with ``/ui`` because ``/jobs`` belongs to another scheduler's protocol (see ``compat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from web.gate import Gate
from web.services import Services
from web.ui import backfill, bulk, docs, frame, job, jobs, overview, run, runs


def install(app: Flask, services: Services, gate: Gate, description: Mapping[str, Any]) -> None:
    """Make *app* serve the pages to whom *gate* lets in; *description* is the API's."""
    frame.prepare(app)
    shelves = (
        overview.pages(),
        jobs.SHELF,
        bulk.SHELF,
        job.SHELF,
        backfill.SHELF,
        runs.SHELF,
        run.SHELF,
        docs.pages(description),
    )
    for shelf in shelves:
        frame.register(app, services, gate, shelf)
