"""Environments that the tests of settings start from."""

from __future__ import annotations

import json

import pytest

from executor.config import Settings
from executor.domain.errors import ConfigError

RABBITMQ = "amqps://cron:s3cret@rabbit.example.com:5671/cron"
MONGODB = "mongodb://cron:s3cret@m0.example.com,m1.example.com:27018/cron?replicaSet=rs0"
BOTH = {"RABBITMQ_URL": RABBITMQ, "MONGODB_URI": MONGODB}

VCAP_APPLICATION = json.dumps(
    {"application_name": "cron service", "instance_index": 1, "limits": {"mem": 512}}
)
CLOUD_FOUNDRY = {
    "VCAP_APPLICATION": VCAP_APPLICATION,
    "CF_INSTANCE_INDEX": "1",
    "PORT": "8080",
    "SOLOCRON_AUTH": "on",
}
HEROKU = {"DYNO": "web.2", "PORT": "33507", "WEB_CONCURRENCY": "2", "SOLOCRON_AUTH": "on"}


def faults(environ: dict[str, str]) -> dict[str, str]:
    """Return the faults of *environ* by the variable they name."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return {fault.field: fault.message for fault in caught.value.faults}
