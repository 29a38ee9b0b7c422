"""A certificate for a server on loopback; it is its own authority."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
OTHER_USAGES = ("key_agreement", "crl_sign", "encipher_only", "decipher_only")


@dataclass(frozen=True)
class Certificate:
    """PEM files, and the SHA-256 fingerprint in hexadecimal."""

    certificate: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, *, days: int = 7) -> Certificate:
    """Valid until `days` from now: less than nought makes one that has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _builder(key.public_key(), days).sign(key, hashes.SHA256())
    made = Certificate(
        certificate=folder / "http.crt",
        key=folder / "http.key",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _builder(key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    usages = dict.fromkeys(USAGES, True) | dict.fromkeys(OTHER_USAGES, False)
    until = datetime.now(UTC) + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, **usages), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    )
