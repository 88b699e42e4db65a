"""The tls part of an HTTP target: what is accepted, and every fault by name."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.errors import InvalidJob
from executor.domain.targets import HttpTarget
from executor.domain.tls import Tls
from tests.builders import a_definition

#: A certificate made for this test, on an elliptic curve so that it is short; nobody has its key.
CA = """-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUfL2rngmXcPDfO9mxWcNsDDZg+fQwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjIwNDE2MzVaGA8yMTI2MTAyOTA0MTYzNVow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKUAO/viIFsw
8WWubVfx28uj7A0G8JnJb6ajGJR7uE8bqqC6WeyrSzNz1dK1mm6gfXwZQNl79WWa
9kmutml+xwijUzBRMB0GA1UdDgQWBBR0RRDEjrFFXYZIkYg9eiO+QlV5mTAfBgNV
HSMEGDAWgBR0RRDEjrFFXYZIkYg9eiO+QlV5mTAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQDxLYH20MWztoBMTxvHK4J3W0F89DiEKOMbmuWpKKLI
/wIhAIOb0Gft7aFTmPBCp0hdufexcW7FTvR84/6HYQcT+m+A
-----END CERTIFICATE-----
"""

CUT = CA.replace("MII", "M", 1)


def tls_of(document: dict[str, Any]) -> Tls:
    """Return what is read from a target with *document* as its ``tls``."""
    target = {"kind": "http", "url": "https://a", "tls": document}
    read = a_definition(target=target).target
    assert isinstance(read, HttpTarget)
    return read.tls


@pytest.mark.parametrize(
    ("document", "tls"),
    [
        ({}, Tls()),
        ({"verify": False}, Tls(verify=False)),
        ({"verify": True, "ca": None}, Tls()),
        ({"ca": CA}, Tls(ca=CA)),
        ({"ca": f"our authority\r\n{CA}{CA}"}, Tls(ca=f"our authority\r\n{CA}{CA}")),
    ],
)
def test_what_is_left_out_is_the_safe_choice(document: dict[str, Any], tls: Tls) -> None:
    """Nothing said means verified against the machine's authorities."""
    assert tls_of(document) == tls


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"verify": "perhaps"}, "verify", "has to be true or false"),
        ({"verfy": False}, "verfy", "write `verify`"),
        ({"ca": ""}, "ca", "is not PEM text of certificates"),
        ({"ca": "/etc/ssl/ca.pem"}, "ca", "write -----BEGIN CERTIFICATE-----"),
        ({"ca": CUT}, "ca", "is not PEM text of certificates"),
        ({"ca": CA[:100]}, "ca", "is not PEM text of certificates"),
        ({"ca": f"Behörde\n{CA}"}, "ca", "letters beyond ASCII"),
        ({"ca": f"-----BEGIN PRIVATE KEY-----\ns3cret\n{CA}"}, "ca", "holds a private key"),
        ({"ca": CA * 300}, "ca", "is longer than 100,000 characters"),
        ({"ca": CA, "verify": False}, "ca", "is of no use while verify is false"),
    ],
)
def test_every_fault_is_named_with_its_path(
    wrong: dict[str, Any], field: str, message: str
) -> None:
    """One fault, at the field, with what to write instead, and nothing of a key in it."""
    with pytest.raises(InvalidJob) as refused:
        tls_of(wrong)

    (fault,) = refused.value.faults
    assert fault.field == f"target.tls.{field}"
    assert message in fault.message
    assert "s3cret" not in fault.message
