"""Asking a running instance over HTTP, for the command line.

Standard library only, and no part of the service: what is printed here is what the API
answers, in words or as it is.  Everything that goes wrong is a :class:`NoAnswer` with a
sentence that says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

#: Longest wait for an answer, seconds: as long as the slowest store may take.
TIMEOUT_S: Final = 15.0

#: Longest answer that is read, bytes; ours have a few thousand.
LONGEST: Final = 1_000_000


class NoAnswer(Exception):
    """The question was not answered; the message says why, and what to do."""


def why(url: str, job: str, at: str, token: str | None = None) -> dict[str, Any]:
    """Ask the instance at *url* what became of *job* (name or id) at the instant *at*.

    *token* says who asks, where that has to be said.

    Raises:
        NoAnswer: nobody there, no such job, no instant, or no Solocron.
    """
    path = f"/v1/jobs/{quote(job, safe='')}/explain"
    return _get(url.rstrip("/"), f"{path}?{urlencode({'at': at})}", token)


def as_json(answer: dict[str, Any]) -> str:
    """Write *answer* for programs."""
    return json.dumps(answer, indent=2, ensure_ascii=False)


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


def _get(base: str, path: str, token: str | None) -> dict[str, Any]:
    """Return the JSON object at *path*.

    Raises:
        NoAnswer: see :func:`why`.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        request = Request(f"{base}{path}", headers=headers)
        with _opener(base).open(request, timeout=TIMEOUT_S) as response:
            document = json.loads(response.read(LONGEST))
    except HTTPError as error:
        with error:
            raise NoAnswer(_problem(error, base)) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        advice = "is an instance running there? Name another one with --url or SOLOCRON_URL"
        raise NoAnswer(f"{base} does not answer ({reason}); {advice}") from error
    except ValueError as error:
        raise NoAnswer(f"{base} is no Solocron, or no http:// URL ({error})") from error
    if not isinstance(document, dict) or "sentence" not in document:
        raise NoAnswer(f"{base} is no Solocron, or an older one")
    return document


def _opener(base: str) -> OpenerDirector:
    """Return what opens URLs: by way of the environment's proxies, but never to this machine."""
    return build_opener(ProxyHandler({})) if _is_here(base) else build_opener()


def _is_here(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problem(error: HTTPError, base: str) -> str:
    """Return what a refusal says."""
    try:
        detail = str(json.loads(error.read(LONGEST))["detail"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"{base} is no Solocron: it answers {error.code} {error.reason}"
    if error.code == HTTPStatus.UNAUTHORIZED:
        return f"{detail}; set it as SOLOCRON_TOKEN"
    return f"--{detail}" if detail.startswith("at: ") else detail
