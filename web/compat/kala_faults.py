"""What is wrong, said of the fields that Kala's clients wrote.

A job of theirs is judged as a job of ours, by its own rules and by the executor.  The faults that
come back name our fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from executor.domain.errors import Fault

#: Our field, or what it begins with -> Kala's.  The first that fits counts.
_KALAS: Final[Mapping[str, str]] = {
    "schedule": "schedule",
    "target.command": "command",
    "target.expect": "remote_properties.expected_response_codes",
    "target.headers": "remote_properties.headers",
    "target": "remote_properties",
    "after": "parent_jobs",
    "on_failure": "on_failure_job",
    "retry.window": "epsilon",
    "retry": "retries",
    "misfire": "resume_at_next_scheduled_time",
}

#: Of which the rest of the path says nothing to a client of Kala.
_WHOLE: Final = frozenset(_KALAS) - {"target", "target.headers"}


def in_kalas_words(faults: Sequence[Fault]) -> str:
    """Return *faults* as one sentence.

    >>> in_kalas_words([Fault("target.url", "is missing"), Fault("after.jobs.0", "is unknown")])
    'remote_properties.url: is missing; parent_jobs: is unknown'
    """
    return "; ".join(
        f"{field}: {fault.message}" if (field := _field(fault.field)) else fault.message
        for fault in faults
    )


def _field(path: str) -> str:
    for ours, kalas in _KALAS.items():
        if path == ours or path.startswith(f"{ours}."):
            return kalas if ours in _WHOLE else f"{kalas}{path.removeprefix(ours)}"
    return path
