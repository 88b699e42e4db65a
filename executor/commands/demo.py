"""``solocron demo``: a few lively jobs to look at, and their end.

They are made as ``apply`` makes jobs, all with one owner, and pruned as ``apply --prune`` prunes:
nobody else's are touched.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from executor.client.applying import judge
from executor.client.connection import Connection
from executor.client.source import Faulty, Source
from executor.commands import screen
from executor.commands.apply import apply
from executor.commands.service import ServiceCommand, address, connect, failures_shown

#: Owner of all jobs of the demonstration, and the beginning of their names.
OWNER: Final = "solocron-demo"
_PREFIX: Final = "demo-"

_COUNT: Final = "for i in 1 2 3 4 5; do echo step $i of 5; sleep 1; done"
_SHAKY: Final = 'echo attempt $SOLOCRON_ATTEMPT; test "$SOLOCRON_ATTEMPT" -ge 3'


def documents(url: str) -> list[dict[str, Any]]:
    """Return the jobs; one of them asks the service at *url* for its health."""
    jobs: list[dict[str, Any]] = [
        {
            "name": "ping",
            "description": "asks this service every ten seconds how it is",
            "schedule": "R/2026-01-01T00:00:00Z/PT10S",
            "target": {"kind": "http", "url": f"{url}/healthz", "method": "GET"},
        },
        {
            "name": "counter",
            "description": "says something for five seconds: solocron runs logs -f demo-counter",
            "schedule": "* * * * *",
            "target": {"kind": "command", "argv": ["sh", "-c", _COUNT]},
        },
        {
            "name": "report",
            "description": "runs whenever the counter has succeeded",
            "target": {"kind": "command", "command": "date"},
            "after": {"jobs": [f"{_PREFIX}counter"]},
        },
        {
            "name": "shaky",
            "description": "succeeds at the third attempt only",
            "schedule": "*/2 * * * *",
            "target": {"kind": "command", "argv": ["sh", "-c", _SHAKY]},
            "retry": {"attempts": 3, "delay": "PT2S"},
        },
        {
            "name": "broken",
            "description": "asks where nobody answers, and fails",
            "schedule": "*/5 * * * *",
            "target": {"kind": "http", "url": "http://localhost:9/", "method": "GET"},
        },
        {
            "name": "nightly",
            "description": "on the clock of Berlin, whatever that does",
            "schedule": {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
            "target": {"kind": "http", "url": f"{url}/healthz", "method": "GET"},
        },
    ]
    common = {"owner": OWNER, "tags": ["demo"], "keep_runs": 50}
    return [{**job, "name": f"{_PREFIX}{job['name']}", **common} for job in jobs]


@click.command("demo", cls=ServiceCommand)
@click.option("--remove", is_flag=True, help="Delete what the demonstration has made.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as one object.")
@address
def demo(remove: bool, as_json: bool, url: str | None) -> None:
    """Make a few lively jobs to look at, or delete them again.

    Where the service runs no commands, those jobs are left out.

    \b
    Examples:
      solocron demo
      solocron demo --remove
    """
    with failures_shown(), connect(url) as connection:
        if remove:
            sys.exit(apply(connection, [], prune=OWNER, sure=True, as_json=as_json))
        status = apply(connection, _possible(connection), as_json=as_json)
    screen.say(
        "\nLook at them:    solocron jobs list --owner solocron-demo\n"
        "Follow one:      solocron jobs trigger demo-counter --follow\n"
        f"In the browser:  {connection.url}/\n"
        "Delete them:     solocron demo --remove"
    )
    sys.exit(status)


def _possible(connection: Connection) -> list[Source]:
    """Return those jobs that this service takes.

    Raises:
        Faulty: it takes none of them.
    """
    found = {
        job["name"]: Source(job["name"], job, {"": 0, **dict.fromkeys(job, 0)})
        for job in documents(connection.url)
    }
    try:
        judge(connection, list(found.values()))
    except Faulty as error:
        refused = {fault.file for fault in error.faults}
        # What runs after one that is not there cannot be made either.
        refused |= {
            name
            for name, one in found.items()
            if refused.intersection(one.value.get("after", {}).get("jobs", ()))
        }
        if len(refused) == len(found):
            raise
        for fault in error.faults:
            screen.say(f"Left out: {fault}")
        return [one for name, one in found.items() if name not in refused]
    return list(found.values())
