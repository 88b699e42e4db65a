"""``solocron serve``, ``web``, ``executor``: the processes of the service.

``serve`` is what operators start: an instance, that is web and executor as two processes, which
end together.  Those two can be started apart as well.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

import click

from executor import __version__
from executor.commands.settings import FAILED, begin, end_with_any_thread, unusable_shown
from executor.config import Settings

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)

#: Seconds beyond the longest wait for an executor that a stopping web gives its requests.
_WEB_MARGIN_S: Final = 2.0

_lifeline = click.option("--lifeline", type=int, hidden=True)


@click.command()
def serve() -> None:
    """Run an instance: web and executor, each as a process of its own.

    Without RABBITMQ_URL and MONGODB_URI everything is kept in a folder on this machine.

    \b
    Examples:
      solocron serve
      PORT=9000 SOLOCRON_DATA=/var/lib/solocron solocron serve
    """
    from executor.instance import lifeline
    from executor.instance.address import listen
    from executor.instance.siblings import Program, Siblings

    with unusable_shown():
        settings = begin("serve")
        listener = listen(settings.host, settings.port)
        # The writing end stays open, and ours alone, for as long as this process lives.
        reading_end, _ = lifeline.stretch()
        tied = f"--lifeline={reading_end}"
        siblings = Siblings(
            (
                Program("executor", _again("executor", tied)),
                Program("web", _again("web", tied, f"--listener={listener.fileno()}")),
            ),
            environ={**os.environ, "SOLOCRON_INSTANCE": settings.instance},
            descriptors=(reading_end, listener.detach()),
            kill_after_s=settings.kill_after_s,
        )
        logger.info("serving", extra={"action": "serving", **_address(settings)})
        sys.exit(siblings.run())


@click.command()
@_lifeline
@click.option("--listener", type=int, hidden=True)
def web(lifeline: int | None, listener: int | None) -> None:
    """Run the web process alone.

    \b
    Example:
      PORT=8001 solocron web
    """
    from executor.instance.address import listen
    from web import server

    with unusable_shown():
        settings = begin("web")
        opened = listen(settings.host, settings.port) if listener is None else _socket(listener)
        server.serve(
            lambda: _application(settings),
            listener=opened,
            threads=settings.threads,
            graceful_timeout_s=min(settings.grace_s, settings.command_timeout_s + _WEB_MARGIN_S),
            on_boot=lambda: _tie_web(lifeline),
        )


@click.command()
@_lifeline
def executor(lifeline: int | None) -> None:
    """Run the executor process alone; it waits for the token, then fires the jobs.

    \b
    Example:
      solocron executor
    """
    with unusable_shown():
        settings = begin("executor")
        from executor.bootstrap import build_executor
        from executor.instance.lifeline import watch

        service = build_executor(settings)

        def abandon() -> None:
            service.abandon()
            os._exit(FAILED)

        if lifeline is not None:
            watch(lifeline, abandon)
        end_with_any_thread(abandon)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: service.stop())
        sys.exit(service.run())


def _again(command: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line that runs another of our commands as this one was run.

    The same interpreter with the same flags, and the same script or module: whatever made
    our packages importable here makes them so there.
    """
    ours = len(sys.orig_argv) - len(sys.argv[1:])
    return (sys.executable, *sys.orig_argv[1:ours], command, *arguments)


def _address(settings: Settings) -> dict[str, object]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "url": f"http://{host}:{settings.port}",
        "store": "MongoDB" if settings.clustered else str(settings.data.absolute()),
        "version": __version__,
    }


def _socket(descriptor: int) -> socket.socket:
    return socket.socket(fileno=descriptor)


def _application(settings: Settings) -> Flask:
    with unusable_shown():
        from web.wsgi import create

        return create(settings)


def _tie_web(lifeline: int | None) -> None:
    """End the server with the instance; called in the process that answers requests."""
    from executor.instance.lifeline import watch

    server = os.getppid()

    def end() -> None:
        # At once and for good: whoever starts the instance again needs the port.
        os.kill(server, signal.SIGKILL)
        os._exit(FAILED)

    if lifeline is not None:
        watch(lifeline, end)
