"""A client of another scheduler: plain HTTP, and nothing that a face could rely on.

It follows no redirects, sends what it is told as it is told, and shows the answer as it came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

#: Seconds for an answer; a change waits for the executor.
PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON that it carries."""
        return json.loads(self.body)


class ForeignClient:
    """Speaks to the service at *url*; every request carries *headers*."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._address = urlsplit(url).netloc
        self._headers = dict(headers or {})

    def ask(self, method: str, path: str, document: Any = None, **headers: str) -> Reply:
        """Send one request; *document* goes as JSON, unless it is bytes."""
        body = document
        sent = {**self._headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if document is not None and not isinstance(document, bytes):
            body = json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = HTTPConnection(self._address, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            fields = {name.title(): text for name, text in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            connection.close()
