"""What is common to the arguments of commands: the names of jobs, which a shell completes.

A completion is best effort: whoever presses the key waits a moment at most, and is shown
nothing if the service is away.
"""

from __future__ import annotations

from typing import Any, Final

import click
from click.shell_completion import CompletionItem

#: Longest wait of somebody who has pressed the key, seconds.
_PATIENCE_S: Final = 2.0

#: Most names that are offered.
_MOST: Final = 100


def job_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the jobs whose names begin with *incomplete*."""
    from executor.commands.service import connect

    def give_up(seconds: float) -> None:
        raise TimeoutError

    try:
        with connect(context.params.get("url"), timeout_s=_PATIENCE_S, pause=give_up) as asked:
            page: dict[str, Any] = asked.get("/v1/jobs", q=incomplete or None, limit=_MOST)
            jobs = [one for one in page["items"] if one["name"].startswith(incomplete)]
    except Exception:
        # Whatever it is, a traceback in the middle of a half-typed line helps nobody.
        return []
    return [CompletionItem(job["name"], help=str(job.get("description", ""))[:60]) for job in jobs]


#: A job, by name or id; or several of them.
JOB: Final = click.argument("job", shell_complete=job_names)
JOBS: Final = click.argument(
    "jobs", metavar="JOB...", nargs=-1, required=True, shell_complete=job_names
)
