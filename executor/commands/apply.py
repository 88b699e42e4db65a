"""``solocron apply``: the jobs as the files say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from executor.client.applying import Outcome, carry_out, judge
from executor.client.applying import plan as make_plan
from executor.client.connection import Connection
from executor.client.plan import Plan
from executor.client.reading import read_all
from executor.client.source import Place, Source
from executor.commands import screen
from executor.commands.service import (
    DIFFERS,
    FAILED,
    ServiceCommand,
    address,
    connect,
    failures_shown,
)

#: From so many changes on, it is told how far they are, where there is no terminal for a bar.
_MANY: Final = 200

_SIGNS: Final = {"create": "+", "change": "~", "delete": "-"}


@click.command("apply", cls=ServiceCommand)
@click.option(
    "-f",
    "--file",
    "paths",
    required=True,
    multiple=True,
    metavar="FILE|FOLDER",
    help="YAML or JSON with jobs, or a folder of such files; `-` is standard input.  "
    "May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change; status 2 if anything.")
@click.option("--prune", is_flag=True, help="Delete the owner's jobs that are not in the files.")
@click.option("--owner", metavar="NAME", help="Whose jobs --prune may delete; never others.")
@click.option("--yes", is_flag=True, help="Do not ask before jobs are deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of words.")
@address
def command(
    paths: tuple[str, ...],
    dry_run: bool,
    prune: bool,
    owner: str | None,
    yes: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Create and change jobs so that they are as files say.

    Every document is checked first, and all faults are shown with file, line and field; only
    then is anything changed.  Jobs that are as the files say are left alone.  Jobs that are not
    in the files stay, unless --prune says otherwise.

    The exit status is 0 if everything is as the files say now, 1 if something could not be done,
    and with --dry-run 2 if there are differences.

    \b
    Examples:
      solocron apply -f jobs.yaml --dry-run
      solocron apply -f jobs/
      solocron apply -f jobs/ --prune --owner team-a --yes
      solocron export | ssh elsewhere solocron apply -f -
    """
    if prune and not owner:
        raise click.UsageError("--prune needs --owner: only jobs of that owner are deleted")
    if owner and not prune:
        raise click.UsageError("--owner is for --prune only")
    with failures_shown(), connect(url) as connection:
        sources = read_all(paths)
        sys.exit(
            apply(connection, sources, dry_run=dry_run, prune=owner, sure=yes, as_json=as_json)
        )


def apply(
    connection: Connection,
    sources: Sequence[Source],
    *,
    dry_run: bool = False,
    prune: str | None = None,
    sure: bool = False,
    as_json: bool = False,
) -> int:
    """Make the jobs as *sources* say, tell about it, and return the exit status.

    Raises:
        Faulty: nothing was changed.
        NoAnswer, Refusal: it is unknown how much was changed; applying again is safe.
    """
    judgement = judge(connection, sources)
    plan = make_plan(connection, judgement, prune)
    if not as_json:
        for warning in judgement.warnings:
            click.echo(f"Warning: {warning}", err=True)
        _show(plan)
    outcome = Outcome()
    if not dry_run and plan.changes:
        _confirm(plan, sure, as_json)
        with screen.progress("Making", len(plan.changes)) as bar:
            outcome = carry_out(
                connection, plan.changes, lambda made: _tell(made, plan, as_json, bar)
            )
    if as_json:
        document = _document(plan, judgement.warnings, outcome, dry_run)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(plan, outcome, dry_run))
    for fault in outcome.faults:
        click.echo(f"solocron: {fault}", err=True)
    if outcome.faults:
        return FAILED
    return DIFFERS if dry_run and plan.changes else 0


def _show(plan: Plan) -> None:
    for change in plan.changes:
        where = ""
        # What a command has made up stands in no line of a file.
        if change.verb == "create" and change.source and change.source.line_of("name"):
            where = f"  ({change.source.file}:{change.source.line_of('name')})"
        click.echo(f"{_SIGNS[change.verb]} {change.name}{where}")
        for difference in change.differences:
            for line in difference.lines():
                click.echo(f"    {line}")


def _confirm(plan: Plan, sure: bool, as_json: bool) -> None:
    deletions = plan.count("delete")
    if not deletions or sure:
        return
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(f"{deletions} jobs would be deleted; say --yes if that is meant")
    click.confirm(f"Delete {deletions} jobs, with their schedules and settings?", abort=True)


def _tell(made: int, plan: Plan, as_json: bool, bar: Callable[[int], None]) -> None:
    many = len(plan.changes)
    bar(made)
    if not as_json and not sys.stderr.isatty() and many >= _MANY and made % _MANY == 0:
        click.echo(f"{made:,} of {many:,}", err=True)


def _summary(plan: Plan, outcome: Outcome, dry_run: bool) -> str:
    if not plan.changes:
        return f"Nothing to do: {plan.unchanged:,} jobs are as the files say."
    counts = ", ".join(
        f"{count:,} to {verb}" if dry_run else f"{count:,} {verb}d"
        for verb in _SIGNS
        if (count := plan.count(verb))
    )
    rest = f"{plan.unchanged:,} unchanged"
    if outcome.faults:
        return f"{outcome.made:,} of {len(plan.changes):,} changes made, {rest}."
    return f"{counts}, {rest}."


def _document(
    plan: Plan, warnings: Sequence[Place], outcome: Outcome, dry_run: bool
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "changes": [
            {
                "action": change.verb,
                "name": change.name,
                "differences": [one.document() for one in change.differences],
            }
            for change in plan.changes
        ],
        "unchanged": plan.unchanged,
        "made": outcome.made,
        "warnings": [one.document() for one in warnings],
        "faults": [one.document() for one in outcome.faults],
    }
