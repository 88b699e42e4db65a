"""What requests look like: one example of each body, and of each variable part of an address.

The API's description carries them, so that whoever reads it, or makes a client or a test of it,
begins with something that works.  A test holds each of them to its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_NIGHTLY: Final = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
_CALL: Final = {"kind": "http", "url": "https://example.com/report", "method": "POST"}
_REPORT: Final = {"name": "nightly-report", "schedule": _NIGHTLY, "target": _CALL}

#: A body for each schema of one.
BODIES: Final[Mapping[str, Any]] = {
    "Definition": _REPORT,
    "Replacement": {"schedule": _NIGHTLY, "target": _CALL},
    "Patch": {"timeout": "10m", "retry": {"attempts": 2}},
    "PauseRequest": {"reason": "maintenance", "until": "2026-12-01T06:00:00Z"},
    "BackfillRequest": {
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-11-08T00:00:00Z",
        "dry_run": True,
    },
    "BatchRequest": {"items": [{"put": _REPORT}, {"delete": "old-report"}], "dry_run": True},
    "PreviewRequest": {"schedule": _NIGHTLY, "count": 3},
    "RunReport": {"state": "succeeded", "details": {"rows": 1204}},
    "CalendarReplacement": {
        "dates": [{"from": "2026-12-24", "to": "2026-12-26"}],
        "timezone": "Europe/Berlin",
    },
    "SecretValue": {"value": "the-value-that-nobody-may-see"},
    "ChannelDefinition": {"kind": "slack", "url": "https://hooks.slack.com/services/T/B/X"},
    "TokenRequest": {"name": "deploy", "scopes": ["jobs:read", "jobs:write"], "lifetime": "P90D"},
    "KalaRequest": {
        "name": "hello",
        "command": "echo hello",
        "schedule": "R/2026-12-01T00:00:00Z/PT10M",
    },
    "SchedulerNewJob": {"name": "report", "enabled": True, "nextRunAt": "2026-12-01T00:00:00Z"},
    "SchedulerJobUpdate": {"enabled": False},
}

#: What stands for each variable part of an address.
VARIABLES: Final[Mapping[str, Any]] = {
    "job": "nightly-report",
    "calendar": "holidays",
    "secret": "API_TOKEN",
    "token": "deploy",
    "channel": "ops",
    "signal": "start",
    "revision": 3,
}
