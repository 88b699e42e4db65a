"""What all commands that talk to a service share: its address, and how they fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from executor.client.connection import Connection, NoAnswer, Refusal
from executor.client.logins import Logins, StoredLogin, usual_folder
from executor.client.source import Faulty

#: Exit statuses, see the package.
FAILED: Final = 1
DIFFERS: Final = 2

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _Misuse(click.UsageError):
    exit_code = FAILED


class ServiceCommand(click.Command):
    """A command whose wrong options end it with 1: 2 says that there are differences."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the options."""
        with _misuse():
            return super().make_context(*args, **options)

    def invoke(self, context: click.Context) -> Any:
        """Do what the command does, which may find something wrong with the options too."""
        with _misuse():
            return super().invoke(context)


@contextmanager
def _misuse() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        said = error.format_message()
        if "unexpected extra argument" in said:
            said += " Put what has blanks or asterisks in quotes: '*/5 * * * *'."
        raise _Misuse(said, error.ctx) from None


def address(command: Decorated) -> Decorated:
    """Add the option that names the service."""
    option = click.option(
        "--url",
        envvar="SOLOCRON_URL",
        metavar="URL",
        help="Of any instance; else SOLOCRON_URL, else this machine's PORT (8000).",
    )
    return option(command)


def service_at(url: str | None) -> str:
    """Return the address of the service: *url*, or what the environment says."""
    here = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    return url or os.environ.get("SOLOCRON_URL") or here


def as_json(command: Decorated) -> Decorated:
    """Add the option that prints the API's documents."""
    return click.option("--json", "as_json", is_flag=True, help="Print the API's answer.")(command)


def connect(url: str | None, **how: Any) -> Connection:
    """Return a connection to the service at *url*; *how* goes to :class:`Connection`.

    With the token of the environment, else that of the user's login there, else with none.

    Raises:
        NoAnswer: *url* is none, or the logins cannot be read.
    """
    service = service_at(url).rstrip("/")
    if token := os.environ.get("SOLOCRON_TOKEN", ""):
        return Connection(service, token, **how)
    logins = Logins(usual_folder())
    login = logins.find(service)
    return Connection(service, "" if login is None else StoredLogin(logins, login), **how)


@contextmanager
def failures_shown() -> Iterator[None]:
    """End the process with 1 and in words, not with a traceback, for what is no bug."""
    try:
        yield
    except Faulty as error:
        many = len(error.faults)
        for fault in error.faults:
            click.echo(f"solocron: {fault}", err=True)
        click.echo(f"solocron: {many} fault{'s' * (many > 1)}; nothing was changed", err=True)
        sys.exit(FAILED)
    except (NoAnswer, Refusal, OSError) as error:
        click.echo(f"solocron: {error}", err=True)
        sys.exit(FAILED)
