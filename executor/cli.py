"""The command line.

``serve`` is what operators start: an instance, that is ``web`` and ``executor`` as two
processes.  Those two can be started apart as well.  ``config`` shows the settings in
force, ``run`` tries a command out.  Settings that cannot be used end any of these with
status 2, before anything has been started.  ``why`` asks a running instance and needs no
settings.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from executor import __version__, log
from executor.commands.later import LaterGroup
from executor.commands.service import address, connect, failures_shown
from executor.config import LogForm, Settings
from executor.config.listing import rows
from executor.domain.errors import ConfigError, InvalidJob, SolocronError

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)

#: Exit statuses: what was asked for could not be done; the settings cannot be used.
FAILED: Final = 1
UNUSABLE: Final = 2

#: Seconds beyond the longest wait for an executor that a stopping web gives its requests.
_WEB_MARGIN_S: Final = 2.0

_lifeline = click.option("--lifeline", type=int, hidden=True)

_LATER: Final = {
    "apply": "executor.commands.apply:command",
    "export": "executor.commands.export:command",
    "import": "executor.commands.imports:command",
    "login": "executor.commands.login:login",
    "logout": "executor.commands.login:logout",
}


@click.group(cls=LaterGroup, later=_LATER, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="solocron", message="%(prog)s %(version)s")
def main() -> None:
    """A highly available cron service."""


@main.command()
def serve() -> None:
    """Run an instance: web and executor, each as a process of its own."""
    from executor.instance import lifeline
    from executor.instance.address import listen
    from executor.instance.siblings import Program, Siblings

    with _failures_shown():
        settings = _start("serve")
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


@main.command()
@_lifeline
@click.option("--listener", type=int, hidden=True)
def web(lifeline: int | None, listener: int | None) -> None:
    """Run the web process alone."""
    from executor.instance.address import listen
    from web import server

    with _failures_shown():
        settings = _start("web")
        opened = listen(settings.host, settings.port) if listener is None else _socket(listener)
        server.serve(
            lambda: _application(settings),
            listener=opened,
            threads=settings.threads,
            graceful_timeout_s=min(settings.grace_s, settings.command_timeout_s + _WEB_MARGIN_S),
            on_boot=lambda: _tie_web(lifeline),
        )


@main.command()
@_lifeline
def executor(lifeline: int | None) -> None:
    """Run the executor process alone; it waits for the token, then fires the jobs."""
    with _failures_shown():
        settings = _start("executor")
        from executor.bootstrap import build_executor
        from executor.instance.lifeline import watch

        service = build_executor(settings)

        def abandon() -> None:
            service.abandon()
            os._exit(FAILED)

        if lifeline is not None:
            watch(lifeline, abandon)
        _end_with_any_thread(abandon)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: service.stop())
        sys.exit(service.run())


def _end_with_any_thread(abandon: Callable[[], None]) -> None:
    """Let the process end when one of its threads dies of an error.

    Every thread owns something that nobody else does (a connection, a lane of store calls,
    the launchers): without it the process would go on as half an executor and keep the token.
    """
    report = threading.excepthook

    def end(args: threading.ExceptHookArgs) -> None:
        report(args)
        abandon()

    threading.excepthook = end


@main.command()
def config() -> None:
    """Show the settings in force, without secrets."""
    with _failures_shown():
        settings = Settings.from_env(os.environ)
    table = rows(settings)
    widths = [max(len(row.name) for row in table), max(len(row.value) for row in table)]
    for row in table:
        click.echo(f"{row.name:<{widths[0]}}  {row.value:<{widths[1]}}  {row.origin}")
    for note in settings.notes:
        click.echo(f"\nNote: {note}.")


@main.command()
@click.argument("job")
@click.option("--at", required=True, metavar="INSTANT", help="As 2026-12-01T02:30:00Z.")
@address
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
def why(job: str, at: str, url: str | None, as_json: bool) -> None:
    """Tell why JOB (name or id) did or did not run at an instant."""
    from executor import console

    with failures_shown(), connect(url) as connection:
        answer = console.why(connection, job, at)
    click.echo(console.as_json(answer) if as_json else console.in_words(answer, job))


@main.command(context_settings={"allow_interspersed_args": False})
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
    from executor import one_run
    from executor.bootstrap import build_clock, build_launchers

    with _failures_shown():
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


@main.group()
def token() -> None:
    """Make, list and revoke API tokens, on a machine of the service.

    Needs the service's settings and a running instance, and no token.  Over the network there is
    /v1/tokens.
    """


@token.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="As jobs:read; repeatable.")
@click.option("--lifetime", metavar="DURATION", default="P90D", help="Else P90D; or never.")
def create_token(name: str, scopes: tuple[str, ...], lifetime: str) -> None:
    """Make a token and print it: the only time that it is shown.

    \b
    Examples:
      solocron token create ops --scope admin --lifetime never
      solocron token create deploy --scope jobs:write#team-a --scope runs:read#team-a
    """
    from executor import machine_tokens
    from executor.bootstrap import build_clock, build_sender
    from executor.domain.duration import parse_duration

    try:
        life = None if lifetime == "never" else parse_duration(lifetime)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--lifetime") from None
    with _failures_told():
        sender = build_sender(Settings.from_env(os.environ))
        click.echo(machine_tokens.create(sender, build_clock(), name, scopes, life))
        sender.close()


@token.command("list")
def list_tokens() -> None:
    """Show every token, without the tokens themselves."""
    from executor import machine_tokens
    from executor.bootstrap import build_clock, build_readers

    with _failures_told():
        readers = build_readers(Settings.from_env(os.environ))
        click.echo("\n".join(machine_tokens.lines(readers, build_clock().now())))


@token.command("revoke")
@click.argument("name")
def revoke_token(name: str) -> None:
    """Revoke a token; every instance refuses it within seconds."""
    from executor import machine_tokens
    from executor.bootstrap import build_clock, build_sender

    with _failures_told():
        sender = build_sender(Settings.from_env(os.environ))
        machine_tokens.revoke(sender, build_clock(), name)
        sender.close()


@main.command()
@click.argument("modules", metavar="MODULE...", nargs=-1, required=True)
@click.option("--jobs", metavar="NAMES", help="Only these jobs, separated by commas; else all.")
@click.option(
    "--prefetch",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="Runs of each job at once.",
)
@click.option("--grace", metavar="DURATION", help="For what runs at SIGTERM; else SOLOCRON_GRACE.")
def worker(modules: tuple[str, ...], jobs: str | None, prefetch: int, grace: str | None) -> None:
    """Run the @job functions of MODULE for jobs whose target is `message`.

    Takes runs from RabbitMQ (RABBITMQ_URL), as many workers as you like on any machine.  A run
    whose worker dies is taken by another one.

    \b
    Example:
      RABBITMQ_URL=amqp://... solocron worker shop.jobs --jobs resize,mail --prefetch 8
    """
    with _failures_shown():
        settings = _start("worker")
        from executor.bootstrap import build_worker
        from executor.domain.duration import parse_duration
        from executor.worker.declared import declared_targets

        try:
            grace_s = parse_duration(grace).total_seconds() if grace else settings.grace_s
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--grace") from None
        # As for `python -m`: the modules are usually where the command is given.
        sys.path.insert(0, str(Path.cwd()))
        wanted = [name.strip() for name in (jobs or "").split(",") if name.strip()]
        targets = declared_targets(modules, wanted)
        service = build_worker(settings, targets, prefetch=prefetch, grace_s=grace_s)

        def abandon() -> None:
            service.abandon()
            os._exit(FAILED)

        _end_with_any_thread(abandon)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: service.stop())
        facts = {"action": "working", "jobs": ", ".join(sorted(targets))}
        logger.info("taking runs", extra=facts)
        sys.exit(service.run())


def _start(process: str) -> Settings:
    """Read the settings and begin to log."""
    settings = Settings.from_env(os.environ, worker=process == "worker")
    log.set_up(
        json_lines=settings.log_form is LogForm.JSON,
        level=settings.log_level,
        instance=settings.instance,
        process=process,
    )
    facts = {row.name: row.value for row in rows(settings)}
    logger.debug("settings", extra={"action": "settings", **facts})
    if process != "web":
        for note in settings.notes:
            logger.warning(note, extra={"action": "settings_doubtful"})
    return settings


@contextmanager
def _failures_told() -> Iterator[None]:
    """As :func:`_failures_shown`, for commands that do not log."""
    with _failures_shown():
        try:
            yield
        except ConfigError:
            raise
        except SolocronError as error:
            click.echo(f"solocron: {error}", err=True)
            sys.exit(FAILED)


@contextmanager
def _failures_shown() -> Iterator[None]:
    """End the process in words, not with a traceback, for errors that are no bugs."""
    try:
        yield
    except ConfigError as error:
        many = len(error.faults) > 1
        click.echo(
            f"solocron: {'these settings' if many else 'this setting'} cannot be used", err=True
        )
        width = max(len(fault.field) for fault in error.faults)
        for fault in error.faults:
            click.echo(f"  {fault.field:<{width}}  {fault.message}", err=True)
        sys.exit(UNUSABLE)
    except SolocronError as error:
        logger.critical("cannot go on", extra={"action": "gave_up", "error": str(error)})
        sys.exit(FAILED)


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
    with _failures_shown():
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


if __name__ == "__main__":
    main(prog_name="solocron")
