"""Jobs to start from: what people usually want, filled in but for the names of their own things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from executor.domain.job import definition_from_document
from executor.domain.permitted_targets import PermittedTargets


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A job that is offered.

    Attributes:
        key: what it is called in addresses.
        note: when one wants it, in a few words.
    """

    key: str
    title: str
    note: str
    document: Mapping[str, Any]


#: The first one is for somebody who has never made a job: it does something within a minute.
STARTERS: Final = (
    Starter(
        key="hello",
        title="Try it out",
        note="says hello every minute",
        document={
            "name": "hello",
            "description": "A first job: it does no harm, and can be deleted at any time.",
            "schedule": "* * * * *",
            "target": {"kind": "command", "command": "echo Hello, it is {{ fire_time }}"},
            "keep_runs": 20,
        },
    ),
    Starter(
        key="health",
        title="Health check",
        note="asks a service every five minutes",
        document={
            "name": "shop-is-up",
            "schedule": "*/5 * * * *",
            "target": {
                "kind": "http",
                "method": "GET",
                "url": "https://example.com/health",
                "timeout": "PT10S",
            },
            "retry": {"attempts": 1, "delay": "PT20S"},
            "misfire": {"policy": "skip"},
            "timeout": "PT1M",
        },
    ),
    Starter(
        key="backup",
        title="Nightly backup",
        note="a command, tried again if it fails",
        document={
            "name": "nightly-backup",
            "schedule": "H 2 * * *",
            "target": {
                "kind": "command",
                "command": "bash -c 'pg_dump shop | gzip > /backup/shop.gz'",
            },
            "retry": {"attempts": 2, "delay": "PT5M"},
            "misfire": {"deadline": "PT6H"},
            "timeout": "PT3H",
        },
    ),
    Starter(
        key="report",
        title="Weekly report",
        note="a request on Monday mornings",
        document={
            "name": "weekly-report",
            "schedule": {"kind": "cron", "expression": "0 8 * * mon", "timezone": "Europe/Berlin"},
            "target": {
                "kind": "http",
                "url": "https://example.com/reports?week={{ fire_time | url }}",
                "headers": {"Authorization": "Bearer {{ secret.REPORTS }}"},
            },
            "retry": {"attempts": 3, "delay": "PT1M"},
        },
    ),
    Starter(
        key="cleanup",
        title="Clean-up",
        note="every hour, never twice at a time",
        document={
            "name": "clean-up",
            "schedule": "H * * * *",
            "target": {"kind": "command", "command": "find /tmp/uploads -mmin +120 -delete"},
            "misfire": {"policy": "skip"},
            "timeout": "PT30M",
        },
    ),
    Starter(
        key="daemon",
        title="Keep it running",
        note="a program that runs for ever",
        document={
            "name": "queue-worker",
            "schedule": {"kind": "continuous", "delay": "PT1S"},
            "target": {"kind": "command", "command": "/opt/shop/bin/worker"},
        },
    ),
    Starter(
        key="watch",
        title="Watch a cron job",
        note="it runs elsewhere, and pings",
        document={
            "name": "backup-elsewhere",
            "schedule": "30 3 * * *",
            "target": {"kind": "watched", "grace": "PT30M"},
        },
    ),
)


def offered(permitted: PermittedTargets) -> list[Starter]:
    """Return those that may be saved here."""
    return [
        one
        for one in STARTERS
        if not permitted.faults(definition_from_document(one.document).target)
    ]
