"""Whom an HTTP target's certificate has to convince.

Rules
-----
1. Without a word, certificates are verified against the authorities of the executor's
   machine, and the host has to be the one that the certificate names.
2. ``ca`` replaces those authorities for one job: inside a company the certificate of its
   own authority is usually what somebody who turns verification off is looking for.
3. ``verify: false`` means that whoever stands in between can read and answer everything,
   the job's headers and secrets too.  It is never the default and never inherited.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from executor.domain.errors import Fault
from executor.domain.fields import CLOSED

#: Longest PEM text, characters: some fifty certificates.  It is kept with the job and
#: parsed for every new connection.
_LONGEST: Final = 100_000

_EXAMPLE: Final = "-----BEGIN CERTIFICATE----- ... -----END CERTIFICATE-----"


def _certificates(text: str) -> str:
    """Return *text* if it is PEM text of certificates.

    Raises:
        ValueError: it is not, or it has a private key in it; never repeats it.
    """
    if "PRIVATE KEY-----" in text:
        raise ValueError("holds a private key, which no one else needs; write certificates only")
    if not text.isascii():
        raise ValueError(f"has letters beyond ASCII; write {_EXAMPLE}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        words = getattr(error, "reason", None) or "no certificate in it"
        raise ValueError(f"is not PEM text of certificates ({words}); write {_EXAMPLE}") from None
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How far the other end of an https URL is trusted; http URLs pay no regard to it."""

    __pydantic_config__ = CLOSED

    verify: bool = True
    """Whether certificate and host name are checked; false lets anybody answer in its place."""
    ca: Annotated[str, AfterValidator(_certificates), Field(max_length=_LONGEST)] | None = None
    """Authorities to trust instead of the machine's own, as PEM text; null: the machine's."""

    def faults(self) -> list[Fault]:
        """Return what no single field says, by field of this object."""
        if self.ca is not None and not self.verify:
            return [Fault("ca", "is of no use while verify is false; leave one of them out")]
        return []
