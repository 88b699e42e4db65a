"""The variables about who is let in: a part of the table in ``variables``."""

from __future__ import annotations

from typing import Final

from executor.config.entrance import AuthMode, admin_token, client_secret, issuer, oidc_scopes
from executor.config.forms import choice, name, seconds
from executor.config.variable import Variable
from executor.domain.proxies import TrustedProxies

ENTRANCE: Final = (
    Variable(
        name="SOLOCRON_AUTH",
        setting="auth",
        kind="`on` or `off`",
        read=choice(AuthMode),
        meaning="Whether callers must send a token. If not set: `on` where an admin token or an "
        "issuer is set, `off` where `SOLOCRON_HOST` is a loopback address; elsewhere the service "
        "does not start.",
    ),
    Variable(
        name="SOLOCRON_ADMIN_TOKEN",
        setting="admin_token",
        kind="32 to 200 characters",
        read=admin_token,
        meaning="A token that may do everything, for the first steps and for emergencies. Make "
        "one with `openssl rand -hex 32`.",
        secret=True,
    ),
    Variable(
        name="SOLOCRON_OIDC_ISSUER",
        setting="oidc_issuer",
        kind="URL, `https://`",
        read=issuer,
        meaning="The identity provider whose access tokens count, as its discovery document "
        "names it.",
    ),
    Variable(
        name="SOLOCRON_OIDC_AUDIENCE",
        setting="oidc_audience",
        kind="text",
        read=name(r"\S{1,500}", "1 to 500 characters without spaces"),
        meaning="What its tokens for this service have in `aud`.",
    ),
    Variable(
        name="SOLOCRON_OIDC_CLIENT_ID",
        setting="oidc_client_id",
        kind="text",
        read=name(r"\S{1,500}", "1 to 500 characters without spaces"),
        meaning="This service's name as a client of the identity provider; with it people log in "
        "there with their browsers. Needs `SOLOCRON_URL`: the provider sends them back to "
        "`/login/callback` there.",
    ),
    Variable(
        name="SOLOCRON_OIDC_CLIENT_SECRET",
        setting="oidc_client_secret",
        kind="text",
        read=client_secret,
        meaning="The client's secret, if it has one.",
        secret=True,
    ),
    Variable(
        name="SOLOCRON_OIDC_CLI_CLIENT_ID",
        setting="oidc_cli_client_id",
        kind="text",
        read=name(r"\S{1,500}", "1 to 500 characters without spaces"),
        meaning="The client that `solocron login` is, one without a secret. If not set: "
        "`SOLOCRON_OIDC_CLIENT_ID`, unless that has a secret.",
    ),
    Variable(
        name="SOLOCRON_OIDC_SCOPES",
        setting="oidc_scopes",
        kind="words, separated by spaces or commas",
        read=oidc_scopes,
        default="openid jobs:read jobs:write runs:read runs:write",
        meaning="What the identity provider is asked for when somebody logs in. What it grants "
        "counts.",
    ),
    Variable(
        name="SOLOCRON_SESSION",
        setting="session_s",
        kind="duration, 1 min to 30 days",
        read=seconds("PT1M", "P30D"),
        unit="s",
        default="PT12H",
        meaning="How long a browser stays logged in.",
    ),
    Variable(
        name="SOLOCRON_TRUSTED_PROXIES",
        setting="trusted_proxies",
        kind="number, or addresses and networks, separated by commas",
        read=TrustedProxies.from_text,
        default="0",
        meaning="Proxies in a row in front of web whose `X-Forwarded-For` is believed; the "
        "client's address is what the audit shows and failed logins are counted by.",
    ),
)
