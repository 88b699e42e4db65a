"""How the variables about who is let in are read; see ``variables``."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit


class AuthMode(StrEnum):
    """Whether callers must say who they are."""

    ON = "on"
    OFF = "off"


def admin_token(text: str) -> str:
    """Read a token that nobody can guess."""
    if not re.fullmatch(r"[\x21-\x7e]{32,200}", text):
        raise ValueError(
            "is not 32 to 200 ASCII characters without spaces; make one with: openssl rand -hex 32"
        )
    return text


def issuer(text: str) -> str:
    """Read the URL of an identity provider."""
    parts = urlsplit(text)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme not in ({"https", "http"} if here else {"https"}) or not parts.hostname:
        raise ValueError(f"{text!r} is no https:// URL")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{text!r} has parts that an issuer has not; write https://host/path")
    return text
