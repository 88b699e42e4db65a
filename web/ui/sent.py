"""What a run sent or started: its request, program, call or message, as text to be read.

Rules
-----
1. It is made of the job as it was for this run, with the run's values filled in; of a secret there
   is its name.  Nothing of it was kept when the run started, so a revision that is gone shows
   nothing.
2. What cannot be filled in without the secrets, as an address that is one, is shown as written.
3. Long ones are cut: the page is read, and no record.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, assert_never

from executor.domain.filling import filled_in, secrets_of
from executor.domain.job import Definition
from executor.domain.run import Run
from executor.domain.targets import (
    CommandTarget,
    HttpTarget,
    MessageTarget,
    PythonTarget,
    Target,
)
from executor.domain.watch import WatchedTarget

#: Characters that are shown.  With the longest output the page stays below 100 KB.
LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and its kind as a heading; ``cut``: there was more of it."""

    title: str
    text: str
    cut: bool


def sent(run: Run, definition: Definition) -> Sent | None:
    """Return what *run* of a job with *definition* sends; None if it sends nothing."""
    target = definition.target
    names = {name: f"[secret {name}]" for name in secrets_of(target)}
    with suppress(ValueError):
        target = filled_in(run, definition, names)
    title, text = _written(target)
    return Sent(title, text[:LONGEST], len(text) > LONGEST) if text else None


def _written(target: Target) -> tuple[str, str]:
    if isinstance(target, HttpTarget):
        return "Request", "\n".join(_request(target))
    if isinstance(target, CommandTarget):
        return "Command", "\n".join(_program(target))
    if isinstance(target, PythonTarget):
        return "Call", f"{target.callable}\n{_json(target.arguments)}"
    if isinstance(target, MessageTarget):
        return "Message", _json(target.arguments)
    if isinstance(target, WatchedTarget):
        return "", ""
    assert_never(target)


def _request(target: HttpTarget) -> Iterator[str]:
    yield f"{target.method} {target.url}"
    yield from (f"{name}: {value}" for name, value in target.headers.items())
    if target.body:
        yield f"\n{target.body}"


def _program(target: CommandTarget) -> Iterator[str]:
    if target.cwd:
        yield f"cd {shlex.quote(target.cwd)}"
    yield from (f"{name}={shlex.quote(value)}" for name, value in target.env.items())
    yield target.command or shlex.join(target.argv or ())


def _json(arguments: object) -> str:
    return json.dumps(arguments, indent=2, ensure_ascii=False)
