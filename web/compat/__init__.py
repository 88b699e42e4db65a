"""The faces of other schedulers: their clients go on working, on the jobs and runs of this one.

Each is a few thin modules over the services that the native API uses; the rest of the program
knows nothing of them.  ``SOLOCRON_FACES`` says which are spoken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from executor.domain.faces import Face
from web.compat import ha_jobs, simple_scheduler
from web.compat.foreign import Foreign
from web.compat.kala import KALA

#: Every face that there is.
FACES: Final[Mapping[Face, Foreign]] = {
    Face.KALA: KALA,
    Face.SIMPLE_SCHEDULER: simple_scheduler.FACE,
    Face.HA_JOBS: ha_jobs.FACE,
}


def spoken(faces: Collection[Face]) -> list[Foreign]:
    """Return those of *faces* that there are."""
    return [foreign for face, foreign in FACES.items() if face in faces]
