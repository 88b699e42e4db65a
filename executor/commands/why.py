"""``solocron why``: why a job did or did not run at an instant, asked of any instance."""

from __future__ import annotations

import click

from executor import console
from executor.commands.completing import JOB
from executor.commands.screen import show_json
from executor.commands.service import ServiceCommand, address, as_json, connect, failures_shown


@click.command("why", cls=ServiceCommand)
@JOB
@click.option("--at", metavar="INSTANT", help="As 2026-12-01T02:30:00Z; else its latest fire time.")
@as_json
@address
def why(job: str, at: str | None, as_json: bool, url: str | None) -> None:
    """Tell why JOB (name or id) did or did not run at an instant.

    \b
    Examples:
      solocron why nightly-report
      solocron why nightly-report --at 2026-12-01T02:30:00Z
    """
    with failures_shown(), connect(url) as connection:
        answer = console.why(connection, job, at)
    if as_json:
        show_json(answer)
    else:
        click.echo(console.in_words(answer, job))
