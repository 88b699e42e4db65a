"""The three cookies: of a session, of a login on its way, and of a sentence to be said once.

Rules
-----
1. Scripts cannot read them (``HttpOnly``), and other sites' requests do not carry them
   (``SameSite=Lax``), but for following a link.
2. Behind HTTPS they are ``Secure``, and their names begin with ``__Host-``: then neither a host
   beside ours nor anybody on an unprotected line can have planted them.
3. A cookie says nothing: it is a random text, but for the sentence, which is shown as text.

Source: RFC 6265bis, sections 4.1.2 and 4.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Request, Response

#: Longest value, characters, that is looked at; random texts have 43.
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Cookie:
    """One of them.

    Args:
        name: without prefix.
        url: of this service, as the operator says; None: requests tell whether it is HTTPS.
        longest: value that is looked at, characters.
    """

    name: str
    url: str | None
    longest: int = _LONGEST

    def read(self, request: Request) -> str:
        """Return the value that came with *request*; empty if there is none that can be ours."""
        value = request.cookies.get(self._full_name(request), "")
        return value if len(value) <= self.longest and value.isascii() else ""

    def give(self, request: Request, response: Response, value: str, lifetime_s: float) -> None:
        """Have the browser that sent *request* keep *value* for so many seconds."""
        response.set_cookie(
            self._full_name(request),
            value,
            max_age=int(lifetime_s),
            secure=self._is_secure(request),
            httponly=True,
            samesite="Lax",
        )

    def take_back(self, request: Request, response: Response) -> None:
        """Have the browser forget it."""
        self.give(request, response, "", 0)

    def _full_name(self, request: Request) -> str:
        return f"__Host-{self.name}" if self._is_secure(request) else self.name

    def _is_secure(self, request: Request) -> bool:
        if self.url is not None:
            return self.url.startswith("https://")
        # Whoever sends this header falsely deceives only himself.
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
