"""An identity provider on this machine: its discovery document, its keys, and tokens they sign."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

#: Seconds that the server may take to end.
_PATIENCE_S = 10.0


class IdentityProvider:
    """Serves on a port of its own while it is entered.

    Attributes:
        away: answers every request with 500.
        asked: the paths that were asked for, in order.
        discovery: what replaces fields of the discovery document.
        extra: more keys than those that sign, as documents.
    """

    def __init__(self) -> None:
        self.away = False
        self.asked: list[str] = []
        self.discovery: dict[str, Any] = {}
        self.extra: list[Any] = []
        self.keys: dict[str, RSAKey | ECKey] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                body = json.dumps(provider.answer(self.path)).encode()
                self.send_response(500 if provider.away else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/realm"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.rotate("first")

    def answer(self, path: str) -> dict[str, Any]:
        """Return the document at *path*."""
        if path.endswith("openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.discovery}
        published = [key.as_dict(private=False, kid=kid) for kid, key in self.keys.items()]
        return {"keys": [*published, *self.extra]}

    def rotate(self, key_id: str, kind: str = "EC") -> None:
        """Sign with a new key from now on, and publish no other."""
        key = ECKey.generate_key("P-256") if kind == "EC" else RSAKey.generate_key(2048)
        self.keys = {key_id: key}

    @property
    def fetches(self) -> int:
        """How often the keys were asked for."""
        return len([path for path in self.asked if path.endswith("/keys")])

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Return a token; *header* replaces parts of the usual one."""
        ((key_id, key),) = self.keys.items()
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        fields = {"alg": algorithm, "kid": key_id, **header}
        wanted = {name: value for name, value in fields.items() if value is not None}
        # As others do, with parameters of their own in the header.
        free = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode(wanted, dict(claims), key, registry=free)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)
