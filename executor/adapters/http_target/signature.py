"""Signed requests: the target can tell that a request is Solocron's, whole, and not an old one.

``X-Solocron-Timestamp`` is when the request was made, whole seconds since 1970.
``X-Solocron-Signature`` is ``v1=`` and the HMAC-SHA256, in hexadecimal, of the timestamp, a dot
and the body as it is sent (nothing, for HEAD and where there is none).  The key is the secret's
value, in UTF-8, as it is.

The address is not signed.  A redirect within the origin is signed anew, with the body that it has;
one to another origin goes without a signature.

Source: RFC 2104; the form is that of many webhooks, ``v1=`` leaves room for another one.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime

from executor.domain.targets import HttpTarget


def signed(target: HttpTarget, secrets: Mapping[str, str], at: datetime) -> tuple[str, ...]:
    """Return the header lines that sign a request to *target*; none if it is not to be signed.

    Args:
        target: With its templates filled in.
        secrets: By their names; holds the one that the target signs with.
        at: The instant that the signature says, aware.
    """
    if target.sign is None:
        return ()
    timestamp = str(int(at.timestamp()))
    body = "" if target.method == "HEAD" else target.body
    code = hmac.new(secrets[target.sign.secret].encode(), f"{timestamp}.{body}".encode(), "sha256")
    return (
        f"X-Solocron-Timestamp: {timestamp}",
        f"X-Solocron-Signature: v1={code.hexdigest()}",
    )
