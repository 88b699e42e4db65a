"""``solocron runs``: what jobs did and say, and ending it early."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any, Final

import click

from executor.client.changing import change
from executor.client.connection import Connection, Refusal, path_of
from executor.client.following import follow
from executor.commands import screen
from executor.commands.completing import job_names
from executor.commands.run_views import RUN_COLUMNS, run_facts, run_row
from executor.commands.service import (
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)

#: A run by its id, or the newest one of a job by the job's name.
_RUN: Final = click.argument("run", metavar="RUN|JOB", shell_complete=job_names)


@click.group("runs")
def command() -> None:
    """Look at runs, at what they say, and cancel them."""


@command.command("list", cls=ServiceCommand)
@click.option("--job", metavar="JOB", help="Name or id.", shell_complete=job_names)
@click.option("--state", metavar="STATE", help="As running, failed or lost.")
@click.option("--cause", metavar="CAUSE", help="As schedule, manual or backfill.")
@click.option("--from", "since", metavar="INSTANT", help="The earliest, as 2026-12-01T02:30:00Z.")
@click.option("--to", "until", metavar="INSTANT", help="Before this one.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--cursor", metavar="TEXT", help="`next` of the list before.")
@as_json
@address
def list_runs(
    since: str | None, until: str | None, as_json: bool, url: str | None, **filters: str | int
) -> None:
    """List runs, the newest first.

    \b
    Examples:
      solocron runs list
      solocron runs list --job nightly-report --state failed
      solocron runs list --from 2026-12-01T00:00:00Z --json
    """
    with failures_shown(), connect(url) as connection:
        page = connection.get("/v1/runs", **{"from": since, "to": until, **filters})
    if as_json:
        screen.show_json(page)
        return
    now = screen.now()
    screen.show_table(RUN_COLUMNS, [run_row(run, now) for run in page["items"]])
    if not page["items"]:
        screen.say("There are no such runs.")
    if page["next"] is not None:
        screen.say(f"There are more: a larger --limit, or --cursor {page['next']}")


@command.command("show", cls=ServiceCommand)
@_RUN
@as_json
@address
def show(run: str, as_json: bool, url: str | None) -> None:
    """Show all that is known of a run; of a JOB the newest one.

    \b
    Examples:
      solocron runs show nightly-report
      solocron runs show 5b0c7de08a39412f97ef7e9e3ae0c7d1 --json
    """
    with failures_shown(), connect(url) as connection:
        document = find_run(connection, run)
    if as_json:
        screen.show_json(document)
    else:
        screen.show_facts(run_facts(document, screen.now()))


@command.command("cancel", cls=ServiceCommand)
@click.argument("runs", metavar="RUN|JOB...", nargs=-1, required=True, shell_complete=job_names)
@as_json
@address
def cancel(runs: tuple[str, ...], as_json: bool, url: str | None) -> None:
    """End runs early, wherever they go on; of a JOB the newest one.

    A run shows `cancelling` until its work has ended.  Status 1 if one of them was over already,
    or is none; the others are cancelled all the same.

    \b
    Examples:
      solocron runs cancel nightly-report
      solocron runs list --state running --json | jq -r '.items[].id' | xargs solocron runs cancel
    """
    failed = False
    with failures_shown(), connect(url) as connection:
        for run in runs:
            try:
                run_id = find_run(connection, run)["id"]
                document = change(connection, "POST", path_of("runs", run_id, "cancel"))
            except Refusal as refusal:
                failed = True
                screen.say(f"solocron: {run}: {refusal}")
                continue
            if as_json:
                screen.show_json(document)
            else:
                click.echo(f"{document['id']} of {document['job']} is {document['state']}")
    sys.exit(FAILED if failed else 0)


@command.command("logs", cls=ServiceCommand)
@_RUN
@click.option("-f", "--follow", "follows", is_flag=True, help="Until the run is over.")
@as_json
@address
def logs(run: str, follows: bool, as_json: bool, url: str | None) -> None:
    """Print what a run says, or has said; of a JOB the newest one.

    With --follow the status tells how the run ended: 0 if it has succeeded, else 1.  Ctrl-C ends
    the following, and not the run.

    \b
    Examples:
      solocron runs logs nightly-report
      solocron runs logs -f 5b0c7de08a39412f97ef7e9e3ae0c7d1
    """
    if follows and as_json:
        raise click.UsageError("--follow prints text; leave out --json")
    with failures_shown(), connect(url) as connection:
        document = find_run(connection, run)
        if follows:
            sys.exit(follow_run(connection, document["id"]))
        said = connection.get(path_of("runs", document["id"], "output"))
    if as_json:
        screen.show_json(said)
        return
    click.echo(said["head"], nl=False)
    if not said["complete"]:
        missing = said["size"] - len(said["head"].encode()) - len(said["tail"].encode())
        click.echo(f"\n[solocron: about {max(missing, 0):,} bytes are missing here]")
        click.echo(said["tail"], nl=False)
    if not said["size"]:
        screen.say(f"The run, which is {document['state']}, has said nothing that was heard.")


def find_run(connection: Connection, key: str) -> dict[str, Any]:
    """Return the run of this id, or the newest one of the job of this name.

    Raises:
        Refusal: there is none.
    """
    try:
        found: dict[str, Any] = connection.get(path_of("runs", key))
    except Refusal as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
    else:
        return found
    try:
        page = connection.get(path_of("jobs", key, "runs"), limit=1)
    except Refusal as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        detail = f"there is neither a run nor a job {key!r}; look at: solocron runs list"
        raise Refusal(refusal.status, detail) from None
    if not page["items"]:
        raise Refusal(HTTPStatus.NOT_FOUND, f"job {key!r} has not run yet")
    newest: dict[str, Any] = page["items"][0]
    return newest


def follow_run(connection: Connection, run_id: str) -> int:
    """Print what a run says until it is over; return the exit status."""
    line_is_open = False
    end: dict[str, Any] = {}
    for piece in follow(connection, run_id):
        if piece.kind == "output":
            click.echo(piece.facts["text"], nl=False)
            line_is_open = not piece.facts["text"].endswith("\n")
        elif piece.kind == "gap":
            missing = piece.facts["to"] - piece.facts["from"]
            screen.say(f"[solocron: {missing:,} bytes are missing here]")
        else:
            end = piece.facts
    if line_is_open:
        click.echo()
    why = end["error"] or end["reason"]
    screen.say(f"solocron: the run is over: {end['state']}{f' ({why})' if why else ''}")
    return 0 if end["state"] == "succeeded" else FAILED
