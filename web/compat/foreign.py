"""What makes a face: its places in the address space, its routes, and how it refuses.

Everything else is the service's: who may do what, the queue of commands, the readers.  A face
reads the requests of another system and writes its answers; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from web.problems import Problem
from web.routes import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One face.

    Attributes:
        place: the beginning of its paths; a refusal of anything below it is in its form, also
            that of a path that does not exist.
        refuse: writes a problem in its form.
        schemas: what its routes take and answer, by the names that they use.
    """

    place: str
    tables: tuple[Table, ...]
    refuse: Callable[[Problem], Response]
    schemas: Mapping[str, dict[str, Any]] = field(default_factory=dict)
