"""Asking a running instance why a job did or did not run, for the command line.

No part of the service: what is printed here is what the API answers, in words or as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from executor.client.connection import Connection, NoAnswer, Refusal, path_of


def why(connection: Connection, job: str, at: str | None) -> dict[str, Any]:
    """Ask what became of *job* (name or id) at the instant *at*; None: at its latest fire time.

    Of a job that had no fire time yet it is told what it does now.

    Raises:
        NoAnswer: nobody there, no such job, no instant, or no Solocron.
    """
    if at is None:
        now = _explained(connection, job, connection.get("/v1/status")["now"])
        return now if now["slot"] or not now["before"] else why(connection, job, now["before"])
    return _explained(connection, job, at)


def _explained(connection: Connection, job: str, at: str) -> dict[str, Any]:
    try:
        answer = connection.get(path_of("jobs", job, "explain"), at=at)
    except Refusal as refusal:
        detail = refusal.detail
        raise NoAnswer(f"--{detail}" if detail.startswith("at: ") else detail) from None
    if not isinstance(answer, dict) or "sentence" not in answer:
        raise NoAnswer(f"{connection.url} is no Solocron, or an older one")
    return answer


def in_words(answer: dict[str, Any], job: str) -> str:
    """Write *answer* to the question about *job*: the sentence, then the facts behind it."""
    facts = list(_facts(answer, job))
    width = max(len(name) for name, _ in facts)
    return "\n".join(
        [answer["sentence"], "", *(f"  {name:<{width}}  {text}" for name, text in facts)]
    )


def _facts(answer: dict[str, Any], job: str) -> Iterator[tuple[str, str]]:
    run, decided, revision = answer["run"], answer["decided_by"], answer["revision"]
    yield "job", job if revision is None else f"{job}, revision {revision}"
    yield "instant", f"{answer['at']}, {'a' if answer['slot'] else 'no'} fire time"
    yield "verdict", answer["verdict"].replace("_", " ")
    yield "before", answer["before"] or "none"
    yield "after", answer["after"] or "none"
    if run is not None:
        reason = f" ({run['reason']})" if run["reason"] else ""
        yield "run", f"{run['id']}, {run['cause']}, {run['state']}{reason}"
        for name in ("due_at", "started_at", "finished_at"):
            if run[name] is not None:
                yield name.removesuffix("_at"), run[name]
    if decided is not None:
        by = decided["instance"] or "an instance that is forgotten"
        yield "decided", f"{decided['at']} by {by}, term {decided['term']}"
