"""Runs and changes to runs as documents (the rules are in ``documents.py``).

Details are kept as JSON text: their keys are the target's own, and no store's business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from executor.adapters.documents import (
    UNREADABLE,
    Document,
    Undecodable,
    instant,
    text,
    truth,
    whole,
)
from executor.domain.run import Cause, Output, Reason, Run, RunChange, RunState

#: Run fields written as they are, with the value that is left out and what reads another one.
_PLAIN_RUN_FIELDS: Final[tuple[tuple[str, object, Callable[[Any], object]], ...]] = (
    ("scheduled", False, truth),
    ("fire_at", None, instant),
    ("trigger_id", "", text),
    ("command_id", "", text),
    ("attempt", 1, whole),
    ("retriggers", 0, whole),
    ("due_at", None, instant),
    ("since", None, instant),
    ("parent_run_id", None, text),
    ("parent_job_id", None, text),
    ("revision", 0, whole),
    ("executor", "", text),
    ("started_at", None, instant),
    ("finished_at", None, instant),
    ("lease_until", None, instant),
    ("remote", False, truth),
    ("follow_up", False, truth),
    ("covers", 1, whole),
    ("covers_from", None, instant),
    ("exit_code", None, whole),
    ("http_status", None, whole),
    ("retry_after", None, whole),
    ("error", None, text),
)

_CAUSES: Final = {str(cause): cause for cause in Cause}
_STATES: Final = {str(state): state for state in RunState}
_REASONS: Final = {str(reason): reason for reason in Reason}


def run_to_document(run: Run) -> Document:
    """Write a run, output included."""
    document: Document = {
        "id": run.id,
        "job_id": run.job_id,
        "job": run.job,
        "cause": run.cause.value,
        "state": run.state.value,
        "term": run.term,
        "clear_at": run.clear_at,
        "created_at": run.created_at,
    }
    for name, default, _ in _PLAIN_RUN_FIELDS:
        value = getattr(run, name)
        if value != default:
            document[name] = value
    if run.reason is not None:
        document["reason"] = run.reason.value
    if run.details is not None:
        document["details"] = json.dumps(run.details)
    if run.output is not None:
        document["output"] = output_to_document(run.output)
    return document


def run_from_document(document: Mapping[str, Any]) -> Run:
    """Read a run; fields that this version does not know are passed over.

    Raises:
        Undecodable: a field is missing, of the wrong type or holds an unknown word.
    """
    try:
        return _read_run(document)
    except UNREADABLE as error:
        raise Undecodable("run", str(document.get("id", "")), error) from error


def _read_run(document: Mapping[str, Any]) -> Run:
    optional: dict[str, Any] = {}
    for name, _, read in _PLAIN_RUN_FIELDS:
        value = document.get(name)
        if value is not None:
            optional[name] = read(value)
    reason, output = document.get("reason"), document.get("output")
    details = document.get("details")
    if reason is not None:
        optional["reason"] = _REASONS[reason]
    if details is not None:
        optional["details"] = dict(json.loads(details))
    if output is not None:
        optional["output"] = output_from_document(output)
    return Run(
        id=text(document["id"]),
        job_id=text(document["job_id"]),
        job=text(document["job"]),
        cause=_CAUSES[document["cause"]],
        state=_STATES[document["state"]],
        term=whole(document["term"]),
        clear_at=instant(document["clear_at"]),
        created_at=instant(document["created_at"]),
        **optional,
    )


def output_to_document(output: Output) -> Document:
    """Write what a target said."""
    document: Document = {"head": output.head, "size": output.size}
    if output.tail:
        document["tail"] = output.tail
    return document


def output_from_document(document: Mapping[str, Any]) -> Output:
    """Read :func:`output_to_document`'s form."""
    return Output(
        head=text(document["head"]),
        tail=text(document.get("tail") or ""),
        size=whole(document["size"]),
    )


#: Fields that a change writes as they are; ``state`` always, ``lease_s`` and conditions never.
_PLAIN_CHANGE_FIELDS: Final = (
    "trigger_id",
    "executor",
    "revision",
    "attempt",
    "retriggers",
    "started_at",
    "finished_at",
    "remote",
    "follow_up",
    "exit_code",
    "http_status",
    "retry_after",
    "error",
)


def change_to_document(change: RunChange) -> Document:
    """Return the fields that *change* sets; the lease is the store's to add, by its own clock."""
    document: Document = {"state": change.state.value}
    for name in _PLAIN_CHANGE_FIELDS:
        value = getattr(change, name)
        if value is not None:
            document[name] = value
    if change.reason is not None:
        document["reason"] = change.reason.value
    if change.details is not None:
        document["details"] = json.dumps(change.details)
    if change.output is not None:
        document["output"] = output_to_document(change.output)
    return document
