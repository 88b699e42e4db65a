"""An instance that people log in to, and the provider where they do it."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.failover.served import PATIENCE_S, Served
from tests.servers.openid_provider import (
    AUDIENCE,
    CLI_CLIENT,
    CLIENT,
    SECRET,
    OpenIdProvider,
)
from tests.waiting import eventually

#: What tests do at the instance by themselves, they do with this token.
ADMIN = "a" * 32


class LoginPlace:
    """Both of them; a context manager.

    Args:
        folder: for the instance's data and log.
        settings: more environment variables of the instance.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.provider = OpenIdProvider()
        self.served = Served(
            folder,
            settings={
                "SOLOCRON_ADMIN_TOKEN": ADMIN,
                "SOLOCRON_OIDC_ISSUER": self.provider.issuer,
                "SOLOCRON_OIDC_AUDIENCE": AUDIENCE,
                "SOLOCRON_OIDC_CLIENT_ID": CLIENT,
                "SOLOCRON_OIDC_CLIENT_SECRET": SECRET,
                "SOLOCRON_OIDC_CLI_CLIENT_ID": CLI_CLIENT,
                "SOLOCRON_OIDC_SCOPES": "openid jobs:read jobs:write runs:read runs:write admin",
                "SOLOCRON_COMMANDS": "off",
                **(settings or {}),
            },
        )
        self.url = self.served.url
        self.provider.callbacks = [f"{self.url}/login/callback"]

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Send a request as the administrator."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        return self.served.request(method, path, document, headers)

    def names(self) -> set[str]:
        """Return the names of all jobs."""
        return {job["name"] for job in self.ask("GET", "/v1/jobs")[1]["items"]}

    def _executes(self) -> bool:
        assert self.served.process.poll() is None, self.served.log
        status, document = self.ask("GET", "/v1/status")
        return status == HTTPStatus.OK and document["state"] == "executing"

    def __enter__(self) -> Self:
        try:
            self.provider.start()
            eventually(self._executes, PATIENCE_S, "the instance executes", ignoring=(OSError,))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.served.__exit__(kind, error, trace)
        self.provider.close()
