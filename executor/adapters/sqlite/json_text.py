"""Documents as JSON text, the form they have inside a row.

Instants become milliseconds since 1970, which is how ``documents.py`` reads them back.
"""

from __future__ import annotations

import json
from typing import Final

from executor.adapters.documents import milliseconds

#: One for all: to make an encoder takes longer than to write a run.  ASCII only, so that even
#: half a surrogate pair in somebody's text is no obstacle.
_ENCODER: Final = json.JSONEncoder(default=milliseconds, separators=(",", ":"))


def to_json(value: object) -> str:
    """Write a document, a part of one, or a list of texts."""
    return _ENCODER.encode(value)
