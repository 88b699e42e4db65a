"""Statuses of HTTP answers as people list them: one status, or a whole class of them.

``204`` is a status and ``2xx`` a class; both are kept as text, in lower case.
"""

from __future__ import annotations

import re
from typing import Final

#: The JSON schema of what :func:`http_status` takes.
HTTP_STATUS: Final = {"type": "string", "pattern": "^[1-5](\\d\\d|xx)$"}


def http_status(value: object) -> object:
    """Return a status or a class of statuses as text.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and re.fullmatch(r"[1-5](\d\d|xx)", value):
        return value
    raise ValueError(f"{value!r} is neither a status (204) nor a class of statuses (2xx)")
