"""``solocron import``: jobs of other systems, with a report of what is not as it was."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from executor.client import kala, simple_scheduler
from executor.client.connection import Connection, NoAnswer
from executor.client.crontab.jobs import Manner, is_system_path
from executor.client.crontab.jobs import jobs_of as crontab_jobs
from executor.client.imported import Imported
from executor.client.reading import STDIN
from executor.client.writing import to_text, write_to
from executor.commands.apply import apply
from executor.commands.service import FAILED, ServiceCommand, address, connect, failures_shown
from executor.domain.errors import InvalidSchedule
from executor.domain.zone import zone

#: Where Linux says which zone the machine is in.
_LOCALTIME: Final = Path("/etc/localtime")

#: What a token for simple-scheduler's API is taken from; ours must not be sent to others.
_THEIR_TOKEN: Final = "SIMPLE_SCHEDULER_TOKEN"


@click.group("import")
def command() -> None:
    """Take over jobs of cron, Kala or simple-scheduler.

    Each writes documents that `solocron apply` takes, and reports what could not be taken and
    what will behave otherwise.  The status is 1 if anything could not be taken.
    """


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all imports have."""

    @click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE|FOLDER",
        help="Where the documents go to; else standard output.",
    )
    @click.option("--apply", "applies", is_flag=True, help="Make the jobs at the service at once.")
    @click.option("--owner", default="", metavar="NAME", help="Owner of all jobs.")
    @click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag of all jobs.")
    @click.option("--json", "as_json", is_flag=True, help="Print jobs and report as one object.")
    @address
    @wraps(function)
    def decorated(*arguments: Any, **options: Any) -> Any:
        if options["applies"] and (options["output"] or options["as_json"]):
            raise click.UsageError("--apply makes the jobs; leave out -o and --json")
        return function(*arguments, **options)

    return decorated


@command.command("crontab", cls=ServiceCommand)
@click.argument("file")
@click.option(
    "--system",
    "--user-field",
    "system",
    is_flag=True,
    help="The sixth column names a user, as in /etc/crontab and /etc/cron.d.",
)
@click.option("--timezone", metavar="ZONE", help="Of the machine; else that of this one.")
@_common
def crontab(file: str, system: bool, timezone: str | None, **options: Any) -> None:
    """Take over the crontab FILE; `-` is standard input.

    A job does what its line did: the same shell, variables, standard input (after `%`) and
    user.  A comment above a line becomes its description.  What cron does otherwise is reported
    with the number of the line.

    \b
    Examples:
      crontab -l | solocron import crontab - -o jobs.yaml
      solocron import crontab /etc/crontab --system --owner ops --apply
      solocron import crontab backup.cron --timezone Europe/Berlin --json
    """
    with failures_shown():
        text = _read(file)
        name = timezone or _local_zone()
        try:
            zone(name)
        except InvalidSchedule as error:
            raise click.BadParameter(error.faults[0].message, param_hint="--timezone") from None
        manner = Manner(
            system=system or is_system_path(file),
            timezone=name,
            now=datetime.now(UTC),
            owner=options["owner"],
            tags=options["tags"],
        )
        if timezone is None:
            click.echo(f"Schedules are read on the clock of {name}; see --timezone", err=True)
        _finish(crontab_jobs(text, manner), file, **options)


@command.command("kala", cls=ServiceCommand)
@click.argument("source", metavar="URL|FILE")
@click.option("--timezone", default="", metavar="ZONE", help="Of Kala's server, for P1D and P1M.")
@_common
def from_kala(source: str, timezone: str, **options: Any) -> None:
    """Take over the jobs of Kala, running at URL or as it answered at /api/v1/job/ in FILE.

    \b
    Examples:
      solocron import kala http://kala.example.com:8000 -o jobs.yaml
      curl http://kala.example.com:8000/api/v1/job/ | solocron import kala - --apply
    """
    with failures_shown():
        advice = "save what it answers at /api/v1/job/ with a client that can say so, and give FILE"
        document = _fetch(source, "/api/v1/job/", advice)
        _convert(lambda: kala.jobs_of(document, timezone=timezone), source, options)


@command.command("simple-scheduler", cls=ServiceCommand)
@click.argument("source", metavar="URL|FILE")
@_common
def from_simple_scheduler(source: str, **options: Any) -> None:
    """Take over the jobs of simple-scheduler, at URL or as it answered at /api/jobs in FILE.

    A token for its API is taken from SIMPLE_SCHEDULER_TOKEN.

    \b
    Examples:
      solocron import simple-scheduler http://localhost:8080/api -o jobs.yaml
    """
    with failures_shown():
        base = re.sub(r"/api/?$", "", source)
        token = os.environ.get(_THEIR_TOKEN, "")
        advice = f"set {_THEIR_TOKEN} to an access token that it takes"
        document = _fetch(base, "/api/jobs", advice, token)
        _convert(lambda: simple_scheduler.jobs_of(document), source, options)


def _read(file: str) -> str:
    data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    # Bytes that are no UTF-8 make the line they stand in unusable, and no other.
    return data.decode("utf-8", errors="surrogateescape")


def _fetch(source: str, path: str, advice: str, token: str = "") -> Any:
    """Return the JSON document of the other system, or of the file with its answer.

    *advice* is for whom it asks who he is.
    """
    if re.match(r"https?://", source):
        with Connection(source, token, advice=advice) as connection:
            return connection.get(path)
    try:
        return json.loads(_read(source))
    except ValueError as error:
        raise NoAnswer(f"{source} is no JSON ({error})") from error


def _convert(make: Callable[[], Imported], source: str, options: dict[str, Any]) -> None:
    try:
        found = make()
    except ValueError as error:
        raise NoAnswer(f"{source} {error}") from error
    for document in found.documents:
        if options["owner"]:
            document["owner"] = options["owner"]
        if options["tags"]:
            document["tags"] = list(options["tags"])
    _finish(found, source, **options)


def _finish(
    found: Imported,
    source: str,
    *,
    output: Path | None,
    applies: bool,
    as_json: bool,
    url: str | None,
    **_: Any,
) -> None:
    """Write or make the jobs, print the report, and end with the exit status."""
    if as_json:
        report = {
            "jobs": found.documents,
            "notes": [note.document() for note in found.notes],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        sys.exit(FAILED if found.refused else 0)
    for note in found.notes:
        click.echo(note.text(source), err=True)
    count = f"{len(found.documents):,} jobs taken, {found.refused:,} refused"
    click.echo(f"{count}, {len(found.notes):,} notes in all", err=True)
    status = 0
    if applies:
        with connect(url) as connection:
            status = apply(connection, found.sources(source))
    elif output is None:
        click.echo(to_text(found.documents, "yaml"), nl=False)
    else:
        write_to(output, found.documents, "yaml")
    sys.exit(status or (FAILED if found.refused else 0))


def _local_zone() -> str:
    """Return the IANA name of this machine's zone; UTC where it cannot be told."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name and _LOCALTIME.is_symlink():
        name = str(_LOCALTIME.readlink()).rpartition("zoneinfo/")[2]
    try:
        return zone(name).name
    except InvalidSchedule:
        return "UTC"
