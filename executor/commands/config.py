"""``solocron config``: the settings in force here, as every process would read them."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from executor.commands.screen import show_json
from executor.commands.settings import unusable_shown
from executor.config import Settings
from executor.config.listing import rows


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print them as a list of objects.")
def config(as_json: bool) -> None:
    """Show the settings in force, without secrets.

    \b
    Examples:
      solocron config
      SOLOCRON_GRACE=1m solocron config
    """
    with unusable_shown():
        settings = Settings.from_env(os.environ)
    table = rows(settings)
    if as_json:
        show_json([asdict(row) for row in table])
        return
    widths = [max(len(row.name) for row in table), max(len(row.value) for row in table)]
    for row in table:
        click.echo(f"{row.name:<{widths[0]}}  {row.value:<{widths[1]}}  {row.origin}")
    for note in settings.notes:
        click.echo(f"\nNote: {note}.")
