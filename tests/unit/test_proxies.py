"""Whose word about a client's address counts."""

from __future__ import annotations

import pytest

from executor.domain.proxies import NO_PROXIES, TrustedProxies

FORGED = "6.6.6.6, 192.0.2.7"


def test_nobody_is_believed_unless_told() -> None:
    """The header alone changes nothing: anybody can send it."""
    assert NO_PROXIES.client("198.51.100.1", FORGED) == "198.51.100.1"


@pytest.mark.parametrize(
    ("setting", "peer", "forwarded", "client"),
    [
        ("1", "10.0.0.1", FORGED, "192.0.2.7"),
        ("2", "10.0.0.1", FORGED, "6.6.6.6"),
        ("9", "10.0.0.1", FORGED, "6.6.6.6"),
        ("1", "10.0.0.1", "", "10.0.0.1"),
        ("1", "10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", FORGED, "192.0.2.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", FORGED, "192.0.2.7"),
        ("10.0.0.0/8", "11.0.0.1", FORGED, "11.0.0.1"),
        ("10.0.0.1, 192.0.2.0/24", "10.0.0.1", FORGED, "6.6.6.6"),
        ("::1", "::1", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.1", "10.0.0.1", "nonsense, 10.0.0.1", "nonsense"),
    ],
)
def test_the_list_is_read_from_its_end(
    setting: str, peer: str, forwarded: str, client: str
) -> None:
    """As far as the trusted ones go, and not one further."""
    assert TrustedProxies.from_text(setting).client(peer, forwarded) == client


def test_a_text_that_is_no_address_is_kept_short() -> None:
    """It goes into the audit."""
    assert len(TrustedProxies(count=1).client("10.0.0.1", "x" * 8000)) == 64


@pytest.mark.parametrize(
    "text", ["-1", "21", "10.0.0.0/33", "proxy.example", "10.0.0.1/8", "1,2,x"]
)
def test_what_is_neither_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match="proxies"):
        TrustedProxies.from_text(text)
