"""What the commands share that are given where the service's settings are: reading and failing.

Settings that cannot be used end any of them with status 2, before anything has been started.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from executor import log
from executor.config import LogForm, Settings
from executor.config.listing import rows
from executor.domain.errors import ConfigError, SolocronError

logger = logging.getLogger(__name__)

#: Exit statuses: what was asked for could not be done; the settings cannot be used.
FAILED: Final = 1
UNUSABLE: Final = 2


def begin(process: str) -> Settings:
    """Read the settings and begin to log, as *process* of an instance."""
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
def failures_told() -> Iterator[None]:
    """As :func:`unusable_shown`, for commands that do not log."""
    with unusable_shown():
        try:
            yield
        except ConfigError:
            raise
        except SolocronError as error:
            click.echo(f"solocron: {error}", err=True)
            sys.exit(FAILED)


@contextmanager
def unusable_shown() -> Iterator[None]:
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


def end_with_any_thread(abandon: Callable[[], None]) -> None:
    """Let the process end when one of its threads dies of an error.

    Every thread owns something that nobody else does (a connection, a lane of store calls,
    the launchers): without it the process would go on as half an executor and keep the token.
    """
    report = threading.excepthook

    def end(args: threading.ExceptHookArgs) -> None:
        report(args)
        abandon()

    threading.excepthook = end
