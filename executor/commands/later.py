"""Commands that are imported when they are asked for.

Most commands need much that the others do not: YAML, calendars, the rules of jobs.  Importing
all of that takes a second of processor time, which neither a failover nor somebody who asks for
help has.  So a group knows of each command where it is and what its help says in one line; a
test compares that line with the command's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Later(NamedTuple):
    """A command that is not imported yet."""

    #: ``package.module:attribute``
    where: str
    #: The first sentence of its help, without the full stop.
    about: str


class LaterGroup(click.Group):
    """A group of commands each of which stands in a module of its own, by its name."""

    def __init__(self, *args: Any, later: Mapping[str, Later], **options: Any) -> None:
        super().__init__(*args, **options)
        self.later = dict(later)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the group."""
        return list(self.later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one that is asked for is imported."""
        if cmd_name not in self.later:
            return None
        module, _, attribute = self.later[cmd_name].where.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is asked for; of a mistyped one say what was meant, perhaps."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            for near in get_close_matches(args[0], self.later, 1):
                raise click.UsageError(f"{error.message} Did you mean {near!r}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for; none of them is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.about) for name, one in self.later.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command; none of them is imported."""
        named = [
            CompletionItem(name, help=one.about)
            for name, one in self.later.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]
