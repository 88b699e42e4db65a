"""A private certificate authority, as companies have one: nobody's machine trusts it by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

#: How long its certificates are valid: longer than any test takes.
_VALID = timedelta(days=1)


class Authority:
    """An authority, and one server that it vouches for.

    Args:
        folder: where its files are kept.
        hosts: names and addresses in the server's certificate.

    Attributes:
        ca: the authority's own certificate, what clients need.
        certificate, key: the server's.
        both: the server's key and certificate in one file.
    """

    def __init__(self, folder: Path, hosts: Sequence[str] = ("localhost",)) -> None:
        self.ca, self.certificate = folder / "ca.pem", folder / "server.pem"
        self.key, self.both = folder / "server.key", folder / "both.pem"
        own = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private authority")])
        root = _begin(name, name, own)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        signed = root.add_extension(usage, critical=True).sign(own, SHA256())
        self.ca.write_bytes(signed.public_bytes(Encoding.PEM))

        servers = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
        leaf = _begin(subject, name, servers).add_extension(
            x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
        )
        certificate = leaf.sign(own, SHA256()).public_bytes(Encoding.PEM)
        key = servers.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.certificate.write_bytes(certificate)
        self.key.write_bytes(key)
        self.both.write_bytes(key + certificate)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
