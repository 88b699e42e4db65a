"""``solocron jobs``: the group, and the commands of it that only look."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click

from executor.client.connection import path_of
from executor.commands import screen
from executor.commands.completing import JOB
from executor.commands.later import Later, LaterGroup
from executor.commands.run_views import RUN_COLUMNS, run_row
from executor.commands.screen import Cell, Column
from executor.commands.service import ServiceCommand, address, as_json, connect, failures_shown

#: Fire times and runs that are shown of one job.
_COMING: Final = 3
_LATEST: Final = 5

_HERE: Final = "executor.commands.jobs"

_LATER: Final = {
    "list": Later(f"{_HERE}:list_jobs", "List jobs, by name"),
    "show": Later(f"{_HERE}:show", "Show what JOB (name or id) is, does next and did last"),
    "create": Later(
        "executor.commands.job_creation:create", "Make a job of options, or jobs of a file"
    ),
    "edit": Later("executor.commands.job_editing:edit", "Change JOB in your editor, as YAML"),
    "delete": Later("executor.commands.job_changes:delete", "Delete jobs"),
    "pause": Later("executor.commands.job_changes:pause", "Let jobs rest"),
    "resume": Later("executor.commands.job_changes:resume", "End the rest of jobs"),
    "trigger": Later("executor.commands.job_changes:trigger", "Run JOB now, beside its schedule"),
}


@click.group("jobs", cls=LaterGroup, later=_LATER)
def command() -> None:
    """Look at jobs, make, change and run them."""


@click.command("list", cls=ServiceCommand)
@click.option("-q", "--search", metavar="TEXT", help="Part of the name.")
@click.option("--tag", metavar="TAG", help="Only jobs with this tag.")
@click.option("--owner", metavar="NAME", help="Only jobs of this owner.")
@click.option("--enabled/--disabled", default=None, help="Only those that are, or are not.")
@click.option("--state", metavar="STATE", help="Of their latest finished run, as failed.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=200, show_default=True)
@click.option("--cursor", metavar="TEXT", help="`next` of the list before.")
@as_json
@address
def list_jobs(
    search: str | None,
    enabled: bool | None,
    as_json: bool,
    url: str | None,
    **filters: str | int | None,
) -> None:
    """List jobs, by name.

    \b
    Examples:
      solocron jobs list
      solocron jobs list --tag backup --state failed
      solocron jobs list --json | jq -r '.items[].name'
    """
    only = None if enabled is None else str(enabled).lower()
    with failures_shown(), connect(url) as connection:
        page = connection.get("/v1/jobs", q=search, enabled=only, **filters)
    if as_json:
        screen.show_json(page)
        return
    now = screen.now()
    columns = ("NAME", "STATE", "SCHEDULE", "NEXT", "LAST RUN", "ENDED")
    screen.show_table([Column(one) for one in columns], (_row(job, now) for job in page["items"]))
    if not page["items"]:
        screen.say("There are no such jobs.  Make one: solocron jobs create --help")
    if page["next"] is not None:
        screen.say(f"There are more: a larger --limit, or --cursor {page['next']}")


def _row(job: dict[str, Any], now: datetime) -> list[Cell]:
    if job["state"] == "broken":
        return [Cell(job["name"]), screen.state("broken"), Cell(job["error"]), *[Cell("-")] * 3]
    last = job["last_run"] or {}
    return [
        Cell(job["name"]),
        screen.state(job["state"]),
        _schedule(job),
        screen.instant(job["next_fire_at"], now),
        screen.state(last.get("state")),
        screen.instant(last.get("finished_at"), now),
    ]


def _schedule(job: dict[str, Any]) -> Cell:
    schedule, after = job["schedule"], job["after"]
    if schedule is None:
        return Cell(f"after {', '.join(after['jobs'])}" if after else "on request", style="dim")
    said = schedule.get("expression") or schedule.get("at") or schedule["kind"]
    zone = schedule.get("timezone")
    full = f"{said} {zone}" if zone and zone != "UTC" else said
    return Cell(full, f"every {said.rpartition('/')[2]}" if schedule["kind"] == "interval" else "")


@click.command("show", cls=ServiceCommand)
@JOB
@as_json
@address
def show(job: str, as_json: bool, url: str | None) -> None:
    """Show what JOB (name or id) is, does next and did last.

    \b
    Examples:
      solocron jobs show nightly-report
      solocron jobs show nightly-report --json | jq .schedule
    """
    with failures_shown(), connect(url) as connection:
        document = connection.get(path_of("jobs", job))
        if as_json:
            screen.show_json(document)
            return
        if document["state"] == "broken":
            screen.show_facts([("name", Cell(job)), ("broken", Cell(document["error"]))])
            return
        coming = connection.get(path_of("jobs", document["id"], "upcoming"), limit=_COMING)
        latest = connection.get(path_of("jobs", document["id"], "runs"), limit=_LATEST)
    now = screen.now()
    screen.show_facts(_facts(document, coming["items"], now))
    click.echo()
    if latest["items"]:
        screen.show_table(RUN_COLUMNS, [run_row(run, now) for run in latest["items"]])
    else:
        screen.say("It has not run yet.")


def _facts(
    job: dict[str, Any], coming: list[dict[str, Any]], now: datetime
) -> list[tuple[str, Cell]]:
    from executor.client.slim import slim_document
    from executor.domain.job import READ_ONLY

    usual = {"name", "schedule", "target"}
    given = {name: value for name, value in job.items() if name not in READ_ONLY}
    paused = job["paused"] or {}
    until = f", until {paused.get('until')}" if paused.get("until") else ""
    why = f"{paused.get('reason') or 'no reason given'}{until}"
    facts = [
        ("name", Cell(job["name"])),
        ("state", screen.state(job["state"], why if job["state"] == "paused" else None)),
        ("schedule", _in_words(job)),
        *(("next" if not place else "", _fire_time(one, now)) for place, one in enumerate(coming)),
        ("target", Cell(_target(job["target"]))),
    ]
    special = {name: value for name, value in slim_document(given).items() if name not in usual}
    facts += [(name, screen.text(value)) for name, value in special.items()]
    if job["ping_url"]:
        facts.append(("ping_url", Cell(job["ping_url"])))
    facts.append(("revision", Cell(f"{job['revision']}, of {job['updated_at']}")))
    return [*facts, ("id", Cell(job["id"]))]


def _in_words(job: dict[str, Any]) -> Cell:
    """Return a job's schedule as it was written, and what it says."""
    from executor.domain.errors import InvalidSchedule
    from executor.domain.preview import describe
    from executor.domain.schedule import schedule_from_document

    cell = _schedule(job)
    if job["schedule"] is None:
        return cell
    try:
        return Cell(f"{cell.plain}  ({describe(schedule_from_document(job['schedule']))})")
    except InvalidSchedule:  # of a newer service
        return cell


def _fire_time(one: dict[str, Any], now: datetime) -> Cell:
    cell = screen.instant(one["fire_at"], now, both=True)
    note = f"  in a blackout: {one['blackout']}" if one.get("blackout") else ""
    return Cell(f"{cell.plain}{note}", f"{cell.shown}{note}")


def _target(target: dict[str, Any]) -> str:
    """Return a target in one line."""
    said = {
        "http": f"{target.get('method')} {target.get('url')}",
        "command": target.get("command") or " ".join(target.get("argv") or ()),
        "python": target.get("callable"),
    }.get(target["kind"])
    return f"{target['kind']}: {said}" if said else str(target["kind"])
