"""How the variables about who is let in are read, and what they must have to do with each other.

The table is in ``entrance_variables``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from executor.domain.errors import Fault

#: A setting about the identity provider, and the one without which it means nothing.
_NEEDS: Final = (
    ("oidc_issuer", "oidc_audience"),
    ("oidc_audience", "oidc_issuer"),
    ("oidc_client_id", "oidc_issuer"),
    ("oidc_cli_client_id", "oidc_issuer"),
    ("oidc_client_secret", "oidc_client_id"),
)


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


def client_secret(text: str) -> str:
    """Read the secret of a client, which is not repeated whatever is wrong with it."""
    if not re.fullmatch(r"[\x20-\x7e]{1,500}", text):
        raise ValueError("is not 1 to 500 ASCII characters in one line")
    return text


def oidc_scopes(text: str) -> tuple[str, ...]:
    """Read what is asked for at a login."""
    found = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip())))
    if not all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}", one) for one in found):
        raise ValueError(f"{text!r} are no scopes; write words, separated by spaces")
    if "openid" not in found:
        raise ValueError(f"{text!r} lacks openid, without which nobody learns who has logged in")
    return found


def oidc_faults(given: Collection[str]) -> Iterator[Fault]:
    """Tell what is missing beside the fields that are *given*."""
    missing: dict[str, str] = {}
    for one, needed in _NEEDS:
        if one in given and needed not in given:
            missing.setdefault(needed, one)
    for needed, one in missing.items():
        text = f"is not set, but {_variable(one)} is; set both"
        yield Fault(_variable(needed), text)


def _variable(setting: str) -> str:
    return f"SOLOCRON_{setting.upper()}"
