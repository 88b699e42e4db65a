"""``solocron jobs delete``, ``pause``, ``resume``, ``trigger``: what is asked of jobs that exist.

Several jobs are taken one after another; one that is refused keeps no other from it, and makes
the status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from executor.client.changing import change
from executor.client.connection import Refusal, path_of
from executor.commands import screen
from executor.commands.completing import JOB, JOBS
from executor.commands.runs import follow_run
from executor.commands.service import (
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)
from executor.domain.duration import parse_duration
from executor.domain.instant import from_text, to_text


@click.command("delete", cls=ServiceCommand)
@JOBS
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print an object for each that is deleted.")
@address
def delete(jobs: tuple[str, ...], yes: bool, as_json: bool, url: str | None) -> None:
    """Delete jobs.

    What they did can still be read by their ids for a while.  Runs that go on are not ended.

    \b
    Examples:
      solocron jobs delete nightly-report
      solocron jobs delete --yes load-1 load-2
      solocron jobs delete --yes --json load-1 | jq -r .job
    """
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("say --yes if that is meant")
        click.confirm(f"Delete {', '.join(jobs)}?", abort=True)

    def show(job: str, _: Any) -> None:
        if as_json:
            screen.show_json({"job": job, "deleted": True})
        else:
            click.echo(f"{job} is deleted")

    _each(jobs, url, lambda connection, job: change(connection, "DELETE", path_of("jobs", job)),
          show)  # fmt: skip


@click.command("pause", cls=ServiceCommand)
@JOBS
@click.option("--reason", default="", metavar="TEXT", help="Shown to everybody who asks.")
@click.option("--until", metavar="INSTANT|DURATION", help="As 2026-12-01T08:00:00Z, or 2h.")
@as_json
@address
def pause(
    jobs: tuple[str, ...], reason: str, until: str | None, as_json: bool, url: str | None
) -> None:
    """Let jobs rest.

    Until they are resumed, or until an instant.  Runs that go on are not ended; what would have
    been due meanwhile is treated by the misfire policy of the job.

    \b
    Examples:
      solocron jobs pause nightly-report --reason "disk full"
      solocron jobs pause load-1 load-2 --until 2h
    """
    asked = {"reason": reason, "until": _instant(until)}

    def show(job: str, document: Any) -> None:
        rests = document["paused"] or {}
        click.echo(f"{job} rests until {rests.get('until') or 'it is resumed'}")

    def ask(connection: Any, job: str) -> Any:
        return change(connection, "POST", path_of("jobs", job, "pause"), asked)

    _each(jobs, url, ask, _documents if as_json else show)


@click.command("resume", cls=ServiceCommand)
@JOBS
@as_json
@address
def resume(jobs: tuple[str, ...], as_json: bool, url: str | None) -> None:
    """End the rest of jobs.

    \b
    Examples:
      solocron jobs resume nightly-report
    """

    def show(job: str, document: Any) -> None:
        at = document["next_fire_at"]
        click.echo(f"{job} is {document['state']}; next fire time: {at or 'none'}")

    def ask(connection: Any, job: str) -> Any:
        return change(connection, "POST", path_of("jobs", job, "resume"))

    _each(jobs, url, ask, _documents if as_json else show)


@click.command("trigger", cls=ServiceCommand)
@JOB
@click.option("-f", "--follow", "follows", is_flag=True, help="Print what it says, until the end.")
@as_json
@address
def trigger(job: str, follows: bool, as_json: bool, url: str | None) -> None:
    """Run JOB now, beside its schedule.

    With --follow the status tells how the run ended: 0 if it has succeeded, else 1.

    \b
    Examples:
      solocron jobs trigger nightly-report
      solocron jobs trigger nightly-report --follow
    """
    if follows and as_json:
        raise click.UsageError("--follow prints text; leave out --json")
    with failures_shown(), connect(url) as connection:
        run = change(connection, "POST", path_of("jobs", job, "trigger"))
        if as_json:
            screen.show_json(run)
        elif follows:
            screen.say(f"solocron: following run {run['id']}")
            sys.exit(follow_run(connection, run["id"]))
        else:
            click.echo(run["id"])
            screen.say(f"What it says: solocron runs logs -f {run['id']}")


def _each(
    jobs: tuple[str, ...],
    url: str | None,
    ask: Callable[[Any, str], Any],
    show: Callable[[str, Any], None],
) -> None:
    """Ask for a change of each of *jobs*, show what came of it, and end with the status."""
    failed = False
    with failures_shown(), connect(url) as connection:
        for job in jobs:
            try:
                show(job, ask(connection, job))
            except Refusal as refusal:
                failed = True
                screen.say(f"solocron: {job}: {refusal}")
    sys.exit(FAILED if failed else 0)


def _documents(_: str, document: Any) -> None:
    screen.show_json(document)


def _instant(text: str | None) -> str | None:
    """Return an instant that was given as such, or as a time from now."""
    if text is None:
        return None
    try:
        return to_text(datetime.now(UTC) + parse_duration(text))
    except ValueError:
        # No duration; then it is an instant, or neither.
        pass
    try:
        return to_text(from_text(text))
    except ValueError as error:
        raise click.BadParameter(
            f"{error}, or a duration such as 2h", param_hint="--until"
        ) from None
