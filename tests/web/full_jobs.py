"""Jobs that say everything: one for each kind of target, and of schedule.

Whoever adds a field to a definition adds it here, so that it is tried wherever all are.
"""

from __future__ import annotations

from typing import Any

_EVERYTHING: dict[str, Any] = {
    "name": "a",
    "schedule": {
        "kind": "cron",
        "expression": "0 30 2 * * *",
        "dialect": "cron6s",
        "timezone": "Europe/Berlin",
        "gap": "skip",
        "fold": "both",
        "dom_dow": "and",
        "jitter": "PT5M",
        "not_before": "2027-01-01T00:00:00Z",
        "not_after": "2037-01-01T00:00:00Z",
    },
    "description": "two\nlines",
    "owner": "ops",
    "tags": ["a", "b"],
    "labels": {"a": "1", "b": "two\nlines"},
    "enabled": False,
    "misfire": {"policy": "all", "deadline": None, "only_if_next_later_than": "PT5M"},
    "overlap": {"policy": "queue", "limit": 2, "queue": 3},
    "retry": {
        "attempts": 2,
        "delay": "PT1S",
        "backoff": "fixed",
        "max_delay": "PT1H",
        "jitter": 0.5,
        "window": "PT2H",
        "on": ["failed"],
        "exit_codes": [1, 2],
        "statuses": ["429", "5xx"],
    },
    "timeout": "PT1H30M",
    "start_timeout": "PT5M",
    "retrigger": 3,
    "lock": "db",
    "after": {"jobs": ["b", "c"], "when": "finished", "mode": "all"},
    "on_failure": "b",
    "calendars": [{"name": "a", "policy": "run_after"}, {"name": "b"}],
    "notify": [
        {"channel": "a", "on": ["late", "lost"], "late_by": "PT9S", "every": "PT0S"},
        {"channel": "b", "after": 3},
    ],
    "ping": "https://hc.example/{{ secret.A }}",
    "keep_runs": 5,
    "keep_for": "P2D",
}
_PROGRAM: dict[str, Any] = {
    "limits": {"cpu": "PT5S", "memory": "1GiB", "processes": 5, "output": "1KiB"},
    "user": "backup",
    "umask": "022",
}

#: Jobs that say everything, one for each kind of target and of schedule.
FULL: list[dict[str, Any]] = [
    {
        **_EVERYTHING,
        "heartbeat_timeout": "PT1M",
        "target": {
            "kind": "http",
            "url": "https://example.com/",
            "method": "PATCH",
            "headers": {"A": "b: c", "X-D": "{{ run.id }}"},
            "body": "\n two\nlines \n",
            "timeout": "PT5S",
            "expect": ["200", "3xx"],
            "expect_body": {"json_pointer": "/a", "equals": None},
            "follow_redirects": False,
            "callback": True,
            "tls": {"verify": False},
            "sign": {"secret": "KEY"},
        },
    },
    {
        **_EVERYTHING,
        "schedule": {"kind": "continuous", "delay": "PT5S", "max_delay": "PT5M"},
        "overlap": {"policy": "replace"},
        "target": {
            "kind": "command",
            "command": "x {{ run.id }}",
            "cwd": "/tmp",
            "env": {"A": "b=c"},
            **_PROGRAM,
        },
    },
    {
        **_EVERYTHING,
        "schedule": {"kind": "once", "at": "2030-01-01T00:00:00Z", "jitter": "PT1S"},
        "target": {"kind": "command", "argv": ["x", "two words", "two\nlines", ""], **_PROGRAM},
    },
    {
        **_EVERYTHING,
        "schedule": {
            "kind": "interval",
            "expression": "R5/2030-01-01T00:00:00Z/P1D",
            "timezone": "Europe/Berlin",
        },
        "target": {
            "kind": "python",
            "callable": "a.b:c",
            "arguments": {"a": [1, {"b": None}]},
            **_PROGRAM,
        },
    },
    {
        **_EVERYTHING,
        "schedule": None,
        "target": {"kind": "message", "arguments": {"a b": "c"}},
    },
    {"name": "w", "schedule": "@daily", "target": {"kind": "watched", "grace": "PT1M"}},
]
