"""``solocron config``: the settings in force here, as every process would read them."""

from __future__ import annotations

import os

import click

from executor.commands.settings import unusable_shown
from executor.config import Settings
from executor.config.listing import rows


@click.command()
def config() -> None:
    """Show the settings in force, without secrets.

    \b
    Examples:
      solocron config
      SOLOCRON_GRACE=1m solocron config
    """
    with unusable_shown():
        settings = Settings.from_env(os.environ)
    table = rows(settings)
    widths = [max(len(row.name) for row in table), max(len(row.value) for row in table)]
    for row in table:
        click.echo(f"{row.name:<{widths[0]}}  {row.value:<{widths[1]}}  {row.origin}")
    for note in settings.notes:
        click.echo(f"\nNote: {note}.")
