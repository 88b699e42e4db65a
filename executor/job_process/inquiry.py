"""What the service asks of the modules with jobs: the main program of such a process.

Started as ``python -m executor.job_process.inquiry KIND SUBJECT ANSWER LIFELINE``.

``declarations MODULE``
    Import it; which jobs does it declare?
``precondition MODULE:FUNCTION``
    Call it (it may be async), without arguments; did it return?

*ANSWER* is a file for the answer, JSON: ``error`` (null if all went well) and ``jobs``.  No
answer means that the process died of the code it imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

from executor.job_process.lifeline import tie
from executor.jobs import declaration_of


def main(kind: str, subject: str, answer: int, lifeline: int) -> None:
    """Write the answer to one question."""
    tie(lifeline)
    os.set_inheritable(answer, False)
    found: dict[str, Any] = {"error": None, "jobs": []}
    try:
        if kind == "declarations":
            found["jobs"] = declared_by(subject)
        else:
            _call(subject)
        text = json.dumps(found)
    except BaseException as error:
        traceback.print_exc()
        words = "".join(traceback.format_exception_only(error)).strip()
        text = json.dumps({"error": f"{words}{_place(error)}", "jobs": []})
    with os.fdopen(answer, "w") as file:
        file.write(text)


def declared_by(name: str) -> list[dict[str, Any]]:
    """Return the jobs that the module *name* declares: their documents, by the place they have.

    A function is declared where it was written; a package also declares what it imports from
    its own modules.  What comes from elsewhere is no job of this module.
    """
    module = importlib.import_module(name)
    found: dict[int, dict[str, Any]] = {}
    for attribute, value in vars(module).items():
        declaration = declaration_of(value)
        if declaration is None or not f"{value.__module__}.".startswith(f"{name}."):
            continue
        document = declaration.document
        target = {**document["target"], "callable": f"{name}:{attribute}"}
        found.setdefault(id(value), {**document, "target": target})
    return list(found.values())


def _call(subject: str) -> None:
    where, _, name = subject.partition(":")
    value = getattr(importlib.import_module(where), name)()
    if hasattr(value, "__await__"):
        import asyncio

        async def attend() -> None:
            await value

        asyncio.run(attend())


def _place(error: BaseException) -> str:
    """Say where in the code *error* was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) or not frames or frames[-1].filename.startswith("<frozen"):
        return ""
    return f" ({frames[-1].filename}, line {frames[-1].lineno})"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
