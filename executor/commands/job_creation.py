"""``solocron jobs create``: a job of options, or jobs of a file."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from http import HTTPStatus
from typing import Any

import click

from executor.client.applying import judge
from executor.client.changing import change
from executor.client.connection import Connection, Refusal
from executor.client.options import BadOption, document_of, option_of
from executor.client.reading import read_all
from executor.client.source import Faulty, Place
from executor.commands import screen
from executor.commands.completing import job_names
from executor.commands.service import (
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)


@click.command("create", cls=ServiceCommand)
@click.argument("name", required=False)
@click.option("-f", "--file", metavar="FILE", help="YAML or JSON with jobs; `-`: standard input.")
@click.option("--cron", metavar="EXPRESSION", help="When: as '30 2 * * *' or @daily.")
@click.option("--every", metavar="DURATION", help="When: each such time from now on, as 5m.")
@click.option("--at", metavar="INSTANT", help="When: once, as 2026-12-01T02:30:00Z.")
@click.option("--tz", metavar="ZONE", help="The clock of --cron and --every, as Europe/Berlin.")
@click.option("--dialect", metavar="NAME", help="Of --cron: cron5, cron6s or quartz.")
@click.option("--http", metavar="URL", help="What: a request to this address.")
@click.option("--method", metavar="NAME", help="Of --http; else POST.")
@click.option("--header", metavar="NAME:VALUE", multiple=True, help="Of --http; repeatable.")
@click.option("--body", metavar="TEXT", help="Of --http.")
@click.option("--command", metavar="TEXT", help="What: a program with its arguments; no shell.")
@click.option("--cwd", metavar="FOLDER", help="Where --command starts.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Of --command; repeatable.")
@click.option("--python", metavar="MODULE:FUNCTION", help="What: a function of SOLOCRON_JOBS.")
@click.option("--argument", metavar="NAME=TEXT", multiple=True, help="Of --python; repeatable.")
@click.option("--message", is_flag=True, help="What: a message to workers.")
@click.option("--description", metavar="TEXT", help="For people.")
@click.option("--owner", metavar="NAME", help="Whose it is.")
@click.option("--tag", metavar="TAG", multiple=True, help="For filters; repeatable.")
@click.option("--timeout", metavar="DURATION", help="Longest time of a run; else an hour.")
@click.option("--retries", type=int, metavar="NUMBER", help="How often a failed run is repeated.")
@click.option("--overlap", metavar="POLICY", help="While an earlier run goes on, as allow.")
@click.option("--misfire", metavar="POLICY", help="When fire times were missed, as skip.")
@click.option("--after", metavar="JOB", multiple=True, shell_complete=job_names,
              help="Run after this job; repeatable.")  # fmt: skip
@click.option("--notify", metavar="CHANNEL", multiple=True, help="Who is told; repeatable.")
@click.option("--disabled", is_flag=True, help="Do not run it by its schedule yet.")
@as_json
@address
def create(
    name: str | None, file: str | None, as_json: bool, url: str | None, **given: Any
) -> None:
    """Make a job of options, or jobs of a file.

    Without --cron, --every and --at it runs on request only.  Whatever has no option stands in a
    file; `solocron jobs edit` shows how a job is written there.  A job that exists already is left
    as it is, with status 1; `solocron apply` changes it.

    \b
    Examples:
      solocron jobs create ping --every 5m --http https://example.com/health --method GET
      solocron jobs create nightly --cron "30 2 * * *" --tz Europe/Berlin --command "backup --all"
      solocron jobs create invoices --cron @daily --python shop.jobs:invoices --retries 3
      solocron jobs create -f jobs.yaml
    """
    if file is not None and (name or any(given.values())):
        raise click.UsageError("-f says all of it; leave out NAME and the other options")
    with failures_shown(), connect(url) as connection:
        if file is not None:
            sys.exit(_of_file(connection, file, as_json))
        if name is None:
            raise click.UsageError("give the job a NAME, or a file with -f")
        sys.exit(_of_options(connection, name, given, as_json))


def _of_options(connection: Connection, name: str, given: dict[str, Any], as_json: bool) -> int:
    now = datetime.fromisoformat(connection.get("/v1/status")["now"])
    try:
        document = document_of(name, given, now)
    except BadOption as error:
        screen.say(f"solocron: {error.option}: {error}")
        return FAILED
    try:
        job = change(connection, "POST", "/v1/jobs", document)
    except Refusal as refusal:
        if refusal.status == HTTPStatus.CONFLICT:
            advice = f"change it with: solocron jobs edit {shlex.quote(name)}"
            screen.say(f"solocron: there is a job {name!r} already; {advice}")
            return FAILED
        for fault in refusal.errors:
            screen.say(f"solocron: {option_of(fault['field'], given)}: {fault['message']}")
        if not refusal.errors:
            raise
        return FAILED
    _tell(job, as_json)
    return 0


def _of_file(connection: Connection, file: str, as_json: bool) -> int:
    sources = read_all([file])
    if not sources:
        raise Faulty([Place(file, 0, "", "holds no job")])
    for warning in judge(connection, sources).warnings:
        screen.say(f"Warning: {warning}")
    status = 0
    for source in sources:
        try:
            job = change(connection, "POST", "/v1/jobs", source.value)
        except Refusal as refusal:
            screen.say(f"solocron: {source.fault('name', str(refusal))}")
            status = FAILED
        else:
            _tell(job, as_json)
    return status


def _tell(job: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.show_json(job)
        return
    at = job["next_fire_at"]
    when = screen.instant(at, screen.now(), both=True)
    due = (when.shown if sys.stdout.isatty() else at) if at else "on request"
    click.echo(f"{job['name']} is made; next: {due}")
    if job["ping_url"]:
        click.echo(f"It pings {job['ping_url']}")
