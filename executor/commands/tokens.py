"""``solocron token``: API tokens made, listed and revoked at a machine of the service."""

from __future__ import annotations

import os

import click

from executor import machine_tokens
from executor.bootstrap import build_clock, build_readers, build_sender
from executor.commands.screen import show_json
from executor.commands.service import as_json
from executor.commands.settings import failures_told
from executor.config import Settings
from executor.domain.duration import parse_duration


@click.group()
def token() -> None:
    """Make, list and revoke API tokens, on a machine of the service.

    Needs the service's settings and a running instance, and no token.  Over the network there is
    /v1/tokens.
    """


@token.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="As jobs:read; repeatable.")
@click.option("--lifetime", metavar="DURATION", default="P90D", help="Else P90D; or never.")
@as_json
def create_token(name: str, scopes: tuple[str, ...], lifetime: str, as_json: bool) -> None:
    """Make a token and print it: the only time that it is shown.

    \b
    Examples:
      solocron token create ops --scope admin --lifetime never
      solocron token create deploy --scope jobs:write#team-a --scope runs:read#team-a
      solocron token create ci --scope jobs:read --json | jq -r .token
    """
    try:
        life = None if lifetime == "never" else parse_duration(lifetime)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--lifetime") from None
    with failures_told():
        sender = build_sender(Settings.from_env(os.environ))
        made = machine_tokens.create(sender, build_clock(), name, scopes, life)
        if as_json:
            show_json(made)
        else:
            click.echo(made["token"])
        sender.close()


@token.command("list")
@as_json
def list_tokens(as_json: bool) -> None:
    """Show every token, without the tokens themselves.

    \b
    Example:
      solocron token list
    """
    with failures_told():
        readers = build_readers(Settings.from_env(os.environ))
        now = build_clock().now()
        if as_json:
            show_json({"items": machine_tokens.documents(readers, now), "next": None})
        else:
            click.echo("\n".join(machine_tokens.lines(readers, now)))


@token.command("revoke")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print what was revoked as one object.")
def revoke_token(name: str, as_json: bool) -> None:
    """Revoke a token; every instance refuses it within seconds.

    \b
    Example:
      solocron token revoke deploy
    """
    with failures_told():
        sender = build_sender(Settings.from_env(os.environ))
        machine_tokens.revoke(sender, build_clock(), name)
        if as_json:
            show_json({"name": name, "revoked": True})
        sender.close()
