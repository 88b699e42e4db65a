"""``solocron doctor``: what is wrong with an installation, and what to do about it.

Every check stands by itself: what is down makes a finding, and keeps no other from being made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import click

from executor import __version__
from executor.bootstrap import DATABASE, build_examination, open_readers
from executor.client.connection import Connection, NoAnswer, Refusal
from executor.commands import screen
from executor.commands.screen import Cell, Column
from executor.commands.service import service_at
from executor.commands.settings import FAILED, unusable_shown
from executor.config import Settings
from executor.domain.errors import SolocronError
from executor.domain.finding import (
    Finding,
    Verdict,
    fault,
    of_versions,
    ok,
    unknown,
    warning,
)
from executor.domain.zone import tzdata_version

#: An executor shows that it lives every second or so.
_FRESH: Final = timedelta(seconds=10)

#: Longest wait for the web process, seconds.
_PATIENCE_S: Final = 3.0


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a list of objects.")
@click.option("--url", envvar="SOLOCRON_URL", metavar="URL", help="Of an instance; else this one.")
def doctor(as_json: bool, url: str | None) -> None:
    """Look for what is wrong with this installation, and say what to do.

    Goes by the settings of this environment, as the service does: give them as you give them to
    `solocron serve`.  Looks at store, broker, clocks, versions, the executor and the web process;
    changes nothing, and works when some of it is down.  The status is 1 if there is a fault, 2 if
    the settings cannot be used.

    \b
    Examples:
      solocron doctor
      RABBITMQ_URL=amqp://... MONGODB_URI=mongodb://... solocron doctor
      solocron doctor --json | jq '.[] | select(.verdict != "ok")'
    """
    with unusable_shown():
        settings = Settings.from_env(os.environ)
    findings = list(_findings(settings, url))
    if as_json:
        screen.show_json([asdict(one) for one in findings])
    else:
        _show(findings)
    sys.exit(FAILED if any(one.verdict is Verdict.FAULT for one in findings) else 0)


def _show(findings: list[Finding]) -> None:
    columns = (Column("CHECK"), Column("VERDICT", whole=True), Column("FOUND", folds=True))
    rows = [
        [
            Cell(one.check),
            screen.state(one.verdict),
            Cell(f"{one.message}\n-> {one.fix}" if one.fix else one.message),
        ]
        for one in findings
    ]
    screen.show_table(columns, rows)
    counts = [
        f"{many} {verdict}"
        for verdict in Verdict
        if (many := sum(one.verdict is verdict for one in findings))
    ]
    click.echo(f"\n{', '.join(counts)}")


def _findings(settings: Settings, url: str | None) -> Iterator[Finding]:
    for note in settings.notes:
        yield warning("settings", note, "see `solocron config`")
    yield from build_examination(settings)
    yield from _of_executor(settings)
    yield _of_web(url)


def _of_executor(settings: Settings) -> Iterator[Finding]:
    """Yield what the store says of who executes, and of all who live."""
    start = "start an instance: solocron serve"
    if not settings.clustered and not (settings.data / DATABASE).exists():
        # Readers would make the file.
        yield fault("executor", "nobody has ever executed here", start)
        return
    try:
        with open_readers(settings) as readers:
            now, term, instances = readers.now(), readers.read_term(), readers.list_instances()
    except SolocronError:
        yield unknown("executor", "the store does not tell", "put the store right first")
        return
    if term is None:
        yield fault("executor", "nobody has ever executed here", start)
    elif term.resigned or now - term.heartbeat_at > _FRESH:
        since = f"{(now - term.heartbeat_at).total_seconds():,.0f} s"
        fix = f"{start}; if one runs, its log and the findings about the broker say why"
        yield fault("executor", f"nobody executes; {term.holder} was heard {since} ago", fix)
    else:
        yield ok("executor", f"{term.holder}, term {term.term}")
    if len(instances) < 2 and settings.clustered:
        fix = "start a second one on another machine, so that it can take over"
        yield warning("instances", f"{len(instances)} live", fix)
    else:
        yield ok("instances", f"{len(instances)} live")
    versions = [__version__, *(one.version for one in instances)]
    yield of_versions("versions", versions, "finish the update: give every instance the newest")
    zones = [tzdata_version(), *(one.tzdata for one in instances)]
    yield of_versions("time zone data", zones, "update the package tzdata everywhere")


def _of_web(url: str | None) -> Finding:
    service = service_at(url)
    try:
        with Connection(service, timeout_s=_PATIENCE_S, pause=_give_up) as connection:
            connection.get("/readyz")
    except (NoAnswer, Refusal) as error:
        fix = "start it: solocron serve; or name where it is with --url"
        return fault(f"web at {service}", str(error), fix)
    return ok(f"web at {service}", "answers, and reaches store and broker")


def _give_up(_: Any) -> None:
    raise NoAnswer("it is not ready")
