"""``solocron export``: the jobs as files that ``apply`` takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from executor.client.present import Present, fetch_jobs
from executor.client.slim import slim_document
from executor.client.writing import to_text, write_to
from executor.commands.service import FAILED, ServiceCommand, address, connect, failures_shown
from executor.domain.errors import InvalidJob


@click.command("export", cls=ServiceCommand)
@click.option("--tag", metavar="TAG", help="Only jobs with this tag.")
@click.option("--owner", metavar="NAME", help="Only jobs of this owner.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="Where to; else standard output.  In a folder each job gets a file of its own.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="Of the documents.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@address
def command(
    tag: str | None, owner: str | None, output: Path | None, form: str, url: str | None
) -> None:
    """Write all jobs as documents that `solocron apply` takes.

    In the order of their names, and always in the same words: what is exported can be kept in
    version control.  Only what differs from the defaults is written, and nothing that the
    service counts or names by itself.  Calendars and secrets are not jobs, and are not exported.

    \b
    Examples:
      solocron export > jobs.yaml
      solocron export --owner team-a -o jobs/
      solocron export --json | jq '.[].name'
    """
    with failures_shown(), connect(url) as connection:
        found = fetch_jobs(connection, tag=tag, owner=owner)
        documents, faults = _documents(found)
        if output is None:
            click.echo(to_text(documents, form), nl=False)
        else:
            for other in write_to(output, documents, form):
                click.echo(f"Note: {other} holds a job that was not exported", err=True)
    for fault in faults:
        click.echo(f"solocron: {fault}", err=True)
    if faults:
        sys.exit(FAILED)


def _documents(found: list[Present]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the documents, and which jobs cannot be written."""
    documents: list[dict[str, Any]] = []
    faults: list[str] = []
    for job in found:
        if job.definition is None:
            faults.append(f"{job.name}: left out, its record cannot be read ({job.error})")
            continue
        try:
            documents.append(slim_document(job.definition))
        except InvalidJob as error:
            advice = "is this an older solocron than the service?"
            faults.append(f"{job.name}: left out ({error}); {advice}")
    return documents, faults
