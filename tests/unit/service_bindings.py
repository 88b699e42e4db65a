"""VCAP_SERVICES documents as platforms write them, with made-up names and passwords.

The forms are those of the RabbitMQ tiles' reference pages (``p-rabbitmq`` on shared
clusters, ``p.rabbitmq`` on demand, without and with TLS), of marketplace services and of
``cf create-user-provided-service``.
"""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, list[dict[str, Any]]]

_USER = "b5d0ad14-4352-48e8-8982-d5b1d257029f"
_VHOST = "62e5ab21-7b38-44ac-b139-6aa97af01cd7"
_PASSWORD = "tavk86pnnns1ddiqpsdtbchurn"


def _entry(label: str, name: str, credentials: dict[str, Any], *tags: str) -> dict[str, Any]:
    return {
        "binding_guid": "9f5cbb62-0bd0-4cf1-9d8f-0a6c8a4a2a39",
        "binding_name": None,
        "credentials": credentials,
        "instance_guid": "1f6b7a6c-36b0-4e0e-8f0a-4b1d58a1c9be",
        "instance_name": name,
        "label": label,
        "name": name,
        "plan": "standard",
        "provider": None,
        "syslog_drain_url": None,
        "tags": list(tags),
        "volume_mounts": [],
    }


def amqp(host: str, scheme: str = "amqp", port: str = "") -> str:
    """Return the URI that the tiles write for *host*."""
    return f"{scheme}://{_USER}:{_PASSWORD}@{host}{port}/{_VHOST}"


#: The pre-provisioned tile: a cluster of two nodes, every protocol spelled out.
RABBITMQ_TILE: Document = {
    "p-rabbitmq": [
        _entry(
            "p-rabbitmq",
            "my-rabbit",
            {
                "dashboard_url": f"http://rabbit.example.com/#/login/{_USER}/{_PASSWORD}",
                "hostname": "10.0.0.41",
                "hostnames": ["10.0.0.41", "10.0.0.51"],
                "http_api_uri": f"http://{_USER}:{_PASSWORD}@10.0.0.41:15672/api",
                "http_api_uris": [f"http://{_USER}:{_PASSWORD}@10.0.0.41:15672/api"],
                "password": _PASSWORD,
                "protocols": {
                    "management": {
                        "host": "10.0.0.41",
                        "port": 15672,
                        "ssl": False,
                        "uri": f"http://{_USER}:{_PASSWORD}@10.0.0.41:15672/",
                    },
                    "amqp": {
                        "host": "10.0.0.41",
                        "port": 5672,
                        "ssl": False,
                        "uri": amqp("10.0.0.41", port=":5672"),
                    },
                },
                "ssl": False,
                "uri": amqp("10.0.0.41"),
                "uris": [amqp("10.0.0.41"), amqp("10.0.0.51")],
                "username": _USER,
                "vhost": _VHOST,
            },
            *("rabbitmq", "messaging", "message-queue", "amqp", "pivotal"),
        )
    ]
}

TLS_HOST = "q-s0.rabbitmq-server.services.service-instance-e0e7fc5f.bosh"

#: The on-demand tile with TLS only; all there is stands under ``protocols``.
RABBITMQ_TILE_TLS: Document = {
    "p.rabbitmq": [
        _entry(
            "p.rabbitmq",
            "my-rabbit-tls",
            {
                "dashboard_url": "https://rabbit-e0e7fc5f.sys.example.com",
                "hostname": TLS_HOST,
                "password": _PASSWORD,
                "protocols": {
                    "management+ssl": {
                        "host": TLS_HOST,
                        "port": 15671,
                        "ssl": True,
                        "uri": f"https://{_USER}:{_PASSWORD}@{TLS_HOST}:15671",
                    },
                    "amqp+ssl": {
                        "host": TLS_HOST,
                        "hosts": [TLS_HOST],
                        "port": 5671,
                        "ssl": True,
                        "uri": amqp(TLS_HOST, "amqps", ":5671"),
                        "uris": [amqp(TLS_HOST, "amqps", ":5671")],
                    },
                },
                "ssl": True,
                "username": _USER,
                "vhost": _VHOST,
            },
            "rabbitmq",
        )
    ]
}

#: A marketplace service whose label names its vendor.
CLOUDAMQP: Document = {
    "cloudamqp": [
        _entry("cloudamqp", "queue", {"uri": "amqps://ks:IwN6dC@hare.rmq.example.com/ks"})
    ]
}

ATLAS_URI = "mongodb+srv://app:s3cret@cluster0.abcde.mongodb.net/cron?retryWrites=true"

#: Services that the user describes: no tags, no telling label, and databases of other kinds.
USER_PROVIDED: Document = {
    "user-provided": [
        _entry("user-provided", "legacy-db", {"uri": "postgres://u:p@db.example.com/x"}),
        _entry("user-provided", "documents", {"uri": ATLAS_URI}),
        _entry("user-provided", "splunk", {"url": "https://splunk.example.com"}),
    ]
}

#: A MongoDB service that lists its members.
MONGODB_SERVICE: Document = {
    "a9s-mongodb70": [
        _entry(
            "a9s-mongodb70",
            "mongo",
            {
                "default_database": "d22a",
                "hosts": ["m0.consul:27017", "m1.consul:27017"],
                "username": "a9s",
                "password": "zzz",
                "uri": "mongodb://a9s:zzz@m0.consul:27017,m1.consul:27017/d22a?replicaSet=rs0",
            },
            *("nosql", "database", "document store"),
        )
    ]
}


def vcap(*documents: Document) -> str:
    """Return *documents*, with different labels, as the one text of the variable."""
    return json.dumps({label: group for part in documents for label, group in part.items()})
