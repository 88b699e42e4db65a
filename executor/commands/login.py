"""``solocron login``, ``solocron logout``: who the other commands say that they are."""

from __future__ import annotations

import webbrowser

import click

from executor.client.connection import Connection
from executor.client.logging_in import ask, by_browser, by_device
from executor.client.logins import Login, Logins, revoke, usual_folder
from executor.commands.screen import show_json
from executor.commands.service import ServiceCommand, failures_shown, service_at

_URL = click.argument("url", required=False, metavar="[URL]")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as one object.")


@click.command("login", cls=ServiceCommand)
@_URL
@click.option("--device", is_flag=True, help="With a browser on any machine, by a short code.")
@_AS_JSON
def login(url: str | None, device: bool, as_json: bool) -> None:
    """Log in to the service at URL, at its identity provider.

    URL is that of any instance; else SOLOCRON_URL, else this machine's PORT (8000).  A browser is
    opened; it comes back to port 5556 of this machine.  The login is kept in your configuration
    folder, for you alone, and renewed as long as the provider does it.  SOLOCRON_TOKEN, where it
    is set, counts before it.

    \b
    Examples:
      solocron login https://cron.example.com
      solocron login --device https://cron.example.com
    """
    with failures_shown():
        with Connection(service_at(url)) as connection:
            announced = ask(connection)
        made = by_device(announced, _show_code) if device else by_browser(announced, _show)
        name, scopes = _welcome(made)
        Logins(usual_folder()).keep(made)
    if as_json:
        show_json({"url": made.url, "actor": name, "scopes": scopes})
    else:
        rights = " ".join(scopes) or "without any rights"
        click.echo(f"Logged in to {made.url} as {name}: {rights}")


@click.command("logout", cls=ServiceCommand)
@_URL
@_AS_JSON
def logout(url: str | None, as_json: bool) -> None:
    """Forget the login to the service at URL, here and at its identity provider.

    \b
    Example:
      solocron logout https://cron.example.com
    """
    with failures_shown():
        service = service_at(url).rstrip("/")
        former = Logins(usual_folder()).forget(service)
        if former is not None:
            revoke(former)
    if as_json:
        show_json({"url": service, "was_logged_in": former is not None})
    else:
        click.echo(f"Logged out of {service}" if former else f"You were not logged in to {service}")


def _show(address: str) -> None:
    click.echo(f"Log in with your browser:\n\n  {address}\n", err=True)
    webbrowser.open(address)


def _show_code(address: str, code: str) -> None:
    click.echo(f"Go to {address} and type\n\n  {code}\n\nthere, if it is not there yet.", err=True)


def _welcome(made: Login) -> tuple[str, list[str]]:
    """Return whom the service takes the holder of this login for, and his rights there."""
    with Connection(made.url, made.access_token) as connection:
        caller = connection.get("/v1/caller")
    return caller["actor"], caller["scopes"]
