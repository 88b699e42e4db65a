"""Commands that are imported when they are asked for.

Some commands need much that the processes of an instance do not: YAML, calendars, the rules of
jobs.  Importing that takes the better part of a second, which a failover does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LaterGroup(click.Group):
    """A group of which some commands stand in modules of their own.

    Args:
        later: the name of each such command, and where it is: ``package.module:attribute``.
    """

    def __init__(self, *args: Any, later: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, those that are not imported too."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one that is asked for is imported."""
        if cmd_name not in self._later:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._later[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command
