"""Call-backs: how a service proves that it was given the run that it reports about.

With the request it is told an address and a token.  The token follows from the run's id and a
secret of this installation, so nobody has to keep it: whoever shares the store can check it,
before he asks anybody else.  It is good for this one run, for as long as that is not over.
"""

from __future__ import annotations

import hmac

#: Set apart from whatever else may once be proved by the same secret.
_PURPOSE = b"solocron run report\x00"


def token_for(key: bytes, run_id: str) -> str:
    """Return the token of a run: HMAC-SHA256 in hexadecimal."""
    return hmac.new(key, _PURPOSE + run_id.encode(), "sha256").hexdigest()


def is_token(key: bytes, run_id: str, token: str) -> bool:
    """Whether *token* is that of the run; takes equally long for every wrong one."""
    return hmac.compare_digest(token_for(key, run_id).encode(), token.encode())


def address_of(url: str, run_id: str) -> str:
    """Return where to call back about a run; *url* is that of this service."""
    return f"{url}/v1/runs/{run_id}/status"
