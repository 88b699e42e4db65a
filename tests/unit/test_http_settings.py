"""Settings of HTTP targets: what is allowed where nothing is said."""

from __future__ import annotations

import pytest

from executor.adapters.http_target.launcher import PARALLEL
from executor.adapters.http_target.rules import PER_HOST
from executor.config import Proxies, Settings
from executor.domain.address_policy import AddressPolicy
from executor.domain.errors import ConfigError


@pytest.mark.parametrize(
    ("environ", "targets", "proxies"),
    [
        ({}, AddressPolicy.ANY, Proxies.ENVIRONMENT),
        ({"SOLOCRON_HOST": "localhost"}, AddressPolicy.ANY, Proxies.ENVIRONMENT),
        ({"SOLOCRON_HOST": "[::1]"}, AddressPolicy.ANY, Proxies.ENVIRONMENT),
        ({"SOLOCRON_HOST": "127.0.0.2"}, AddressPolicy.ANY, Proxies.ENVIRONMENT),
        ({"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off"}, AddressPolicy.PRIVATE, Proxies.NONE),
        ({"SOLOCRON_HOST": "::", "SOLOCRON_AUTH": "off"}, AddressPolicy.PRIVATE, Proxies.NONE),
        (
            {"SOLOCRON_HOST": "10.0.0.5", "SOLOCRON_AUTH": "off"},
            AddressPolicy.PRIVATE,
            Proxies.NONE,
        ),
        (
            {"SOLOCRON_HOST": "cron.example", "SOLOCRON_AUTH": "off"},
            AddressPolicy.PRIVATE,
            Proxies.NONE,
        ),
        ({"VCAP_APPLICATION": "{}", "SOLOCRON_AUTH": "on"}, AddressPolicy.PRIVATE, Proxies.NONE),
        ({"DYNO": "web.1", "SOLOCRON_AUTH": "on"}, AddressPolicy.PRIVATE, Proxies.NONE),
        ({"SOLOCRON_HTTP_TARGETS": "public"}, AddressPolicy.PUBLIC, Proxies.NONE),
        (
            {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off", "SOLOCRON_HTTP_TARGETS": "any"},
            AddressPolicy.ANY,
            Proxies.ENVIRONMENT,
        ),
        (
            {
                "SOLOCRON_HOST": "0.0.0.0",
                "SOLOCRON_AUTH": "off",
                "SOLOCRON_HTTP_PROXIES": "environment",
            },
            AddressPolicy.PRIVATE,
            Proxies.ENVIRONMENT,
        ),
    ],
)
def test_who_can_be_reached_by_others_does_not_reach_everything(
    environ: dict[str, str], targets: AddressPolicy, proxies: Proxies
) -> None:
    """Requests go anywhere only while web listens on loopback, or the operator says so."""
    settings = Settings.from_env(environ)

    assert (settings.http_targets, settings.http_proxies) == (targets, proxies)


def test_the_limit_for_one_host_lies_within_that_of_all() -> None:
    """The setting's default is the launcher's, and no more than all requests may be of one host."""
    assert Settings.from_env({}).http_per_host == PER_HOST < PARALLEL
    assert Settings.from_env({"SOLOCRON_HTTP_PER_HOST": str(PARALLEL)}).http_per_host == PARALLEL
    with pytest.raises(ConfigError):
        Settings.from_env({"SOLOCRON_HTTP_PER_HOST": str(PARALLEL + 1)})
