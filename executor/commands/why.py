"""``solocron why``: why a job did or did not run at an instant, asked of any instance."""

from __future__ import annotations

import click

from executor import console
from executor.commands.service import address, connect, failures_shown


@click.command()
@click.argument("job")
@click.option("--at", required=True, metavar="INSTANT", help="As 2026-12-01T02:30:00Z.")
@address
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
def why(job: str, at: str, url: str | None, as_json: bool) -> None:
    """Tell why JOB (name or id) did or did not run at an instant.

    \b
    Example:
      solocron why nightly-report --at 2026-12-01T02:30:00Z
    """
    with failures_shown(), connect(url) as connection:
        answer = console.why(connection, job, at)
    click.echo(console.as_json(answer) if as_json else console.in_words(answer, job))
