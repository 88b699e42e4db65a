"""Whom a connection to the broker trusts.

Without a word those are the machine's authorities.  A company's own authority is given as a file;
it replaces them for the broker alone, and the host has to be the one that the certificate names.
The file is written into the URLs, in the form that pika understands: whoever has the URL of the
broker, and nothing is connected without it, has the trust as well.

Source: pika's ``URLParameters``, ``ssl_options``.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def trusting(url: str, ca: Path | None) -> str:
    """Return *url*, of one node or several, with the authorities in the file *ca* for each.

    >>> trusting("amqps://rabbit.example/cron", Path("/ca.pem"))
    'amqps://rabbit.example/cron?ssl_options=%7B%27ca_certs%27%3A%20%27%2Fca.pem%27%7D'
    """
    if ca is None:
        return url
    option = f"ssl_options={quote(repr({'ca_certs': str(ca)}), safe='')}"
    return ",".join(f"{one}{'&' if '?' in one else '?'}{option}" for one in url.split(","))
