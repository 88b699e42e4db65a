"""``solocron worker``: a process that takes runs of `message` jobs, and does them."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import click

from executor.commands.settings import FAILED, begin, end_with_any_thread, unusable_shown

logger = logging.getLogger(__name__)


@click.command()
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
    with unusable_shown():
        settings = begin("worker")
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

        end_with_any_thread(abandon)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: service.stop())
        facts = {"action": "working", "jobs": ", ".join(sorted(targets))}
        logger.info("taking runs", extra=facts)
        sys.exit(service.run())
