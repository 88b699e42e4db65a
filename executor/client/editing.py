"""A job as a text to edit: YAML with comments that explain, and what was wrong with it.

Pure.  What is the default stands in the text as a comment, with what the field is for: whoever
wants something else takes the mark away.  Comments are not part of the job, and none is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from executor.client.slim import slim_document
from executor.client.source import Place
from executor.domain.job import definition_from_document, definition_to_document
from executor.domain.yaml_text import to_yaml

#: Begins a line that says what is wrong; such lines are written anew each time.
_FAULT: Final = "#! "

#: What each field is for, in a few words.
ABOUT: Final[Mapping[str, str]] = {
    "name": "unique among all jobs",
    "target": "what a run does: http, command, python, message or watched",
    "schedule": 'when: "30 2 * * *", R/2026-12-01T00:00:00Z/PT10S, or kind and fields',
    "description": "for people",
    "owner": "for people and filters",
    "tags": "for filters and rights",
    "labels": "texts by name, for programs",
    "enabled": "false: nothing is run by the schedule",
    "misfire": "fire times that were missed: once, skip, all or latest",
    "overlap": "while an earlier run goes on: forbid, allow, replace or queue",
    "retry": "how often a failed run is tried again, and after which time",
    "timeout": "longest time of a run",
    "start_timeout": "longest time that a run may wait once it is due",
    "heartbeat_timeout": "longest silence of whoever a run was handed over to",
    "retrigger": "how often a run is repeated whose executor died",
    "lock": "jobs with the same lock never run at the same time",
    "after": "jobs after which this one is run",
    "on_failure": "the job to run when the last attempt has failed",
    "calendars": "when nothing is begun",
    "notify": "who is told of what",
    "ping": "where a monitor is told of starts and ends",
    "keep_runs": "how many runs are kept",
    "keep_for": "how long runs are kept",
}


def text_of(document: Mapping[str, Any], url: str) -> str:
    """Return the definition *document* as a text to edit; *url*: of its service.

    Raises:
        InvalidJob: it is none that this version knows; a newer service may have sent it.
    """
    slim = slim_document(document)
    full = definition_to_document(definition_from_document(document))
    usual = {name: value for name, value in full.items() if name not in slim}
    head = [
        f"# The job {document['name']!r} of {url}.",
        "# Save and leave the editor to change it; leave the text as it is, or empty, to change",
        "# nothing.  What is not given is the default, as it stands at the end.  Every field is",
        f"# described at {url}/openapi.json",
        "",
    ]
    foot = ["", "# The defaults of everything else; take the mark away to change one:"]
    for name, value in usual.items():
        foot += ["#", f"## {ABOUT.get(name, '')}".rstrip()]
        foot += [f"# {line}" for line in to_yaml([{name: value}]).splitlines()]
    return "\n".join([*head, *to_yaml([slim]).splitlines(), *foot, ""])


def with_faults(text: str, faults: Sequence[Place]) -> str:
    """Return *text* with *faults* on top of it, instead of those of the last time."""
    said = [f"{one.field}: {one.message}" if one.field else one.message for one in faults]
    lines = [f"{_FAULT}{' '.join(one.split())}\n" for one in said]
    return "".join(lines) + without_faults(text)


def without_faults(text: str) -> str:
    """Return *text* as it was written, without what was put on top of it."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_FAULT))


def is_empty(text: str) -> bool:
    """Whether nothing is left of *text* but comments."""
    lines = (line.strip() for line in text.splitlines())
    return not any(line and not line.startswith("#") for line in lines)
