"""``solocron completion``: what a shell needs to complete commands, options and names of jobs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = click.Choice(["bash", "zsh", "fish"])


@click.command("completion")
@click.argument("shell", type=_SHELLS)
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and names of jobs in a shell.

    \b
    Examples:
      source <(solocron completion bash)
      solocron completion zsh > ~/.zfunc/_solocron
      solocron completion fish > ~/.config/fish/completions/solocron.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    made = kind(root, {}, "solocron", "_SOLOCRON_COMPLETE")
    # Not `source()`: of bash it looks for the program, which may well be on another machine.
    click.echo(made.source_template % made.source_vars())
