"""What can be chosen where a setting takes one of several words."""

from __future__ import annotations

from enum import StrEnum


class QueueType(StrEnum):
    """How RabbitMQ keeps the queues."""

    CLASSIC = "classic"
    QUORUM = "quorum"


class LogForm(StrEnum):
    """How log lines look."""

    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important kind of log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Proxies(StrEnum):
    """Whether requests of jobs go through a proxy, and who names it."""

    ENVIRONMENT = "environment"
    NONE = "none"
