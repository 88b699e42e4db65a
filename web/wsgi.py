"""The entry point of web: the application with its services, built from the environment.

The only module of web that knows which adapters there are, through
``executor.bootstrap``.  Nothing happens on import; any WSGI server can run the factory:
``gunicorn "web.wsgi:create()"``.
"""

from __future__ import annotations

import os

from flask import Flask

from executor import __version__, bootstrap
from executor.config import AuthMode, Settings
from executor.config.listing import rows
from executor.domain.api_token import digest_of
from web.app import create_app
from web.services import CommandLineLogin, Entrance, Services, Setting


def create(settings: Settings | None = None) -> Flask:
    """Return the application.

    Args:
        settings: read from the environment if None.

    Raises:
        ConfigError: the settings cannot be used.
    """
    settings = settings or Settings.from_env(os.environ)
    return create_app(
        Services(
            readers=bootstrap.build_readers(settings),
            sender=bootstrap.build_sender(settings),
            clock=bootstrap.build_clock(),
            command_timeout_s=settings.command_timeout_s,
            instance_id=settings.instance,
            version=__version__,
            permitted=settings.permitted_targets,
            sealer=bootstrap.build_keyring(settings),
            entrance=_entrance(settings),
            faces=settings.faces,
            url=settings.url,
            settings=tuple(
                Setting(row.name, row.value, row.origin, row.meaning) for row in rows(settings)
            ),
            notes=settings.notes,
        )
    )


def _entrance(settings: Settings) -> Entrance:
    token = settings.admin_token
    verifier, login = bootstrap.build_login(settings)
    return Entrance(
        guarded=settings.auth is AuthMode.ON,
        local_names_only=settings.local_names_only,
        admin_token_digest=None if token is None else digest_of(token),
        verifier=verifier,
        proxies=settings.trusted_proxies,
        login=login,
        url=settings.url,
        session_s=settings.session_s,
        command_line=_command_line(settings),
    )


def _command_line(settings: Settings) -> CommandLineLogin | None:
    # What has a secret is not for machines of other people.
    own = None if settings.oidc_client_secret else settings.oidc_client_id
    client = settings.oidc_cli_client_id or own
    if client is None or settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    return CommandLineLogin(
        issuer=settings.oidc_issuer,
        client_id=client,
        scopes=settings.oidc_scopes,
        audience=settings.oidc_audience,
    )
