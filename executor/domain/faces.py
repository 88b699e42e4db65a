"""The faces: protocols of other schedulers that this service speaks besides its own.

Whoever has a client of one of them goes on using it.  A face is another form of the same
service: its jobs are jobs like all others.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: Written where no face is wanted: a variable that is set to nothing counts as not set.
NO_FACES: Final = "none"


class Face(StrEnum):
    """What is spoken; the values are what operators write."""

    KALA = "kala"
    SIMPLE_SCHEDULER = "simple-scheduler"
    HA_JOBS = "ha-jobs"


ALL_FACES: Final = tuple(Face)


def faces_from_text(text: str) -> tuple[Face, ...]:
    """Read names of faces, separated by commas.

    Raises:
        ValueError: one of them is none.

    >>> faces_from_text("ha-jobs, kala")
    (<Face.KALA: 'kala'>, <Face.HA_JOBS: 'ha-jobs'>)
    """
    wanted = {name.strip().lower() for name in text.split(",") if name.strip()}
    if wanted == {NO_FACES}:
        return ()
    if unknown := sorted(wanted - set(Face)):
        shown = ", ".join(map(repr, unknown))
        raise ValueError(f"{shown} is no face; use {', '.join(Face)}, or {NO_FACES}")
    return tuple(face for face in Face if face in wanted)
