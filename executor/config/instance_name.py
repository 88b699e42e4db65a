"""The name of an instance that was given none: after where it runs, and never the same twice."""

from __future__ import annotations

import json
import re
import secrets
import socket
from collections.abc import Mapping

from executor.config.variable import CLOUD_FOUNDRY


def made_up_name(environ: Mapping[str, str]) -> str:
    """Name an instance after where it runs.

    The random part keeps apart an instance and its replacement of the same index: on
    platforms both run for a while.
    """
    place = environ.get("DYNO") or socket.gethostname().partition(".")[0]
    if "CF_INSTANCE_INDEX" in environ:
        place = f"{_application(environ)}-{environ['CF_INSTANCE_INDEX']}"
    safe = re.sub(r"[^A-Za-z0-9._:@-]", "-", place)[:80]
    return f"{safe}-{secrets.token_hex(3)}"


def _application(environ: Mapping[str, str]) -> str:
    """Return the name that Cloud Foundry gave the application."""
    try:
        return str(json.loads(environ[CLOUD_FOUNDRY.marker])["application_name"])
    except (ValueError, TypeError, LookupError):
        return "solocron"
