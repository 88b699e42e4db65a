"""What whoever is refused is answered: the documented examples of 401 and 403.

For the API's description.  Tests compare them with what is answered, and with the README.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

#: What is wrong with credentials, by a name for it.
_NOT_ACCEPTED: Final = {
    "revoked": "this token was revoked or never made",
    "misspelt": "this token is incomplete or misspelt: its checksum is wrong",
    "expired_api_token": "token 'deploy' has expired",
    "unknown": "this is no token that is known here",
    "session": "this session has ended; log in again",
    "issuer": "this token is not one of the identity provider's for this service",
    "audience": "this token is meant for another service (`aud`)",
    "no_expiry": "this token does not say for how long it is valid (`exp`)",
    "no_beginning": "this token does not say from when on it is valid (`nbf`)",
    "expired": "this token has expired",
    "not_yet": "this token is not valid yet; is the clock right?",
    "subject": "this token names no subject (`sub`)",
    "algorithm": "this token's signature is of a kind that does not count",
    "key": "this token is signed with a key that is not the issuer's",
    "damaged": "this token is damaged, or not signed by the issuer",
}

_FORBIDDEN: Final = {
    "scope": "this needs the scope jobs:write; token:deploy has jobs:read",
    "tag": "this needs the scope jobs:write without a tag; token:deploy has jobs:write#team-a",
}


def _problem(status: HTTPStatus, detail: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "errors": [],
    }
    return {"value": document}


#: Examples of each status, as OpenAPI has them.
EXAMPLES: Final[Mapping[HTTPStatus, Mapping[str, Any]]] = {
    HTTPStatus.UNAUTHORIZED: {
        "nothing": _problem(
            HTTPStatus.UNAUTHORIZED, "send a token, as `Authorization: Bearer TOKEN`"
        ),
        **{
            name: _problem(HTTPStatus.UNAUTHORIZED, f"{why}; send another token")
            for name, why in _NOT_ACCEPTED.items()
        },
    },
    HTTPStatus.FORBIDDEN: {
        name: _problem(HTTPStatus.FORBIDDEN, detail) for name, detail in _FORBIDDEN.items()
    },
}
