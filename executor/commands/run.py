"""``solocron run``: one command, here and now, as a job would run it.

No instance is needed and no history is kept; the settings in force here are obeyed.
"""

from __future__ import annotations

import json
import os
import sys

import click

from executor import one_run
from executor.bootstrap import build_clock, build_launchers
from executor.commands.settings import UNUSABLE, unusable_shown
from executor.config import Settings
from executor.domain.errors import InvalidJob


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--timeout", metavar="DURATION", help="Longest time, as 30s or PT5M; else PT1H.")
@click.option("--cpu", metavar="DURATION", help="CPU time of each process.")
@click.option("--memory", metavar="SIZE", help="Address space of each process, as 512MiB.")
@click.option("--processes", type=int, metavar="NUMBER", help="Processes of its user.")
@click.option("--output", metavar="SIZE", help="How much of its output is kept; at most 64KiB.")
@click.option("--user", metavar="USER", help="Name or number of the user it runs as.")
@click.option("--umask", metavar="MASK", help="As 022.")
@click.option("--cwd", metavar="FOLDER", help="Where it starts.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="A variable; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def run(
    words: tuple[str, ...], env: tuple[str, ...], as_json: bool, **options: str | int | None
) -> None:
    """Run one command as a job would, here and now.

    The same environment, limits, capture of output and way of ending it, under the settings
    of this environment; no instance is needed, and no history is kept.  One COMMAND is split
    into words as a job's `command` is, several are taken as they are (`argv`).  Neither is run
    by a shell.

    What the command said goes to standard output, how it ended to standard error.  The exit
    status is the command's own; 128 + N if signal N ended it, 124 if its time was up, 127 if
    it could not be started, 130 if it was cancelled, 2 if the options make no job.

    \b
    Examples:
      solocron run "backup --all"
      solocron run --timeout 30s --memory 512MiB "bash -c 'du -s /srv | sort'"
      solocron run --json -- rsync -a "/srv/my files" /mnt
    """
    with unusable_shown():
        settings = Settings.from_env(os.environ)
    if any("=" not in one for one in env):
        raise click.BadParameter("write NAME=VALUE", param_hint="--env")
    variables = dict(one.partition("=")[::2] for one in env)
    try:
        definition = one_run.definition_of(words, {**options, "env": variables})
    except InvalidJob as error:
        for fault in error.faults:
            name = fault.field.rpartition(".")[2]
            what = f"--{name}" if name in options else "--env" if ".env" in fault.field else name
            click.echo(f"solocron: {what}: {fault.message}", err=True)
        sys.exit(UNUSABLE)
    clock = build_clock()
    report = one_run.perform(definition, build_launchers(settings, clock), clock)
    if as_json:
        click.echo(json.dumps(one_run.document_of(report), indent=2))
    else:
        said = report.outcome.output
        if said is not None:
            click.echo(f"{said.head}\n[...]\n{said.tail}" if said.tail else said.head, nl=False)
        click.echo(f"solocron: {one_run.in_words(report)}", err=True)
    sys.exit(report.exit_status)
