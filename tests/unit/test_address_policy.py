"""Which addresses requests may go to: the table of address, policy and answer."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain.address_policy import AddressPolicy

#: Refused by ``private`` and by ``public``, and the word by which the refusal says why.
NEVER = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "169.254.0.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "febf:ffff::1": "link-local",
    "169.254.169.254": "metadata",
    "169.254.170.2": "metadata",
    "100.100.100.200": "metadata",
    "168.63.129.16": "metadata",
    "192.0.0.192": "metadata",
    "fd00:ec2::254": "metadata",
    "fd20:ce::254": "metadata",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "ff02::1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:a9fe:a9fe": "metadata",
    "::ffff:0.0.0.0": "unspecified",
    "::ffff:0:127.0.0.1": "loopback",
    "::127.0.0.1": "loopback",
    "::2": "unspecified",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::169.254.169.254": "metadata",
    "64:ff9b:1::a9fe:a9fe": "NAT64",
    "64:ff9b:1:a9fe:a9:fe00::": "NAT64",
    "2002:7f00:1::": "loopback",
    "2002:a9fe:a9fe::1": "metadata",
    "2001:0:a9fe:a9fe::1": "Teredo",
    "localhost": "no IP address",
    "2130706433": "no IP address",
    "": "no IP address",
}

#: Allowed by ``private``, refused by ``public``.
NOT_GLOBAL = {
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "shared",
    "192.0.0.8": "special-purpose",
    "198.18.0.1": "special-purpose",
    "192.0.2.1": "documentation",
    "203.0.113.9": "documentation",
    "fc00::1": "private",
    "fd12:3456:789a::1": "private",
    "fec0::1": "private",
    "2001:db8::1": "documentation",
    "2001:2::1": "special-purpose",
    "::ffff:10.0.0.1": "private",
    "64:ff9b::10.0.0.1": "private",
    "2002:a00:1::1": "private",
}

#: Allowed by all.
GLOBAL = (
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.32.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
)


@pytest.mark.parametrize(("address", "why"), NEVER.items())
@pytest.mark.parametrize("policy", [AddressPolicy.PRIVATE, AddressPolicy.PUBLIC])
def test_what_is_never_a_target_is_refused_in_words(
    policy: AddressPolicy, address: str, why: str
) -> None:
    """The refusal says what the address is, and which setting refuses it."""
    refusal = policy.refusal(address)

    assert refusal is not None
    assert why in refusal.partition(",")[0]
    assert refusal.endswith(f"which SOLOCRON_HTTP_TARGETS={policy} does not allow")


@pytest.mark.parametrize(("address", "why"), NOT_GLOBAL.items())
def test_only_public_refuses_what_is_not_routed_globally(address: str, why: str) -> None:
    """An operator's own network is a target for ``private`` and none for ``public``."""
    refusal = AddressPolicy.PUBLIC.refusal(address)

    assert refusal is not None
    assert why in refusal.partition(",")[0]
    assert AddressPolicy.PRIVATE.refusal(address) is None


@pytest.mark.parametrize("address", GLOBAL)
def test_what_is_routed_globally_is_allowed_by_all(address: str) -> None:
    """The neighbours of every range are not refused with it."""
    assert [policy.refusal(address) for policy in AddressPolicy] == [None] * 3


@pytest.mark.parametrize("address", [*NEVER, *NOT_GLOBAL, *GLOBAL])
def test_any_allows_everything(address: str) -> None:
    """On a machine that serves only itself nothing is refused."""
    assert AddressPolicy.ANY.refusal(address) is None


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_like_the_address_itself(address: IPv4Address) -> None:
    """Mapped, translated and 6to4 forms have the answer of the IPv4 address, always."""
    number = int(address)
    forms = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0xFFFF << 48 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ]
    for policy in AddressPolicy:
        assert {policy.refusal(str(form)) for form in forms} == {policy.refusal(str(address))}


@given(st.ip_addresses())
def test_public_never_allows_what_private_refuses(address: IPv4Address | IPv6Address) -> None:
    """Every policy allows less than the one before it."""
    if AddressPolicy.PUBLIC.refusal(str(address)) is None:
        assert AddressPolicy.PRIVATE.refusal(str(address)) is None
