"""Certificates for tests: an authority, and what it has signed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NEVER = datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, in files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: Path
    key_file: Path


class Authority:
    """Signs certificates; its own is in `ca_file`."""

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        self._directory = directory
        self.root = self._issue(name, None, EPOCH, NEVER, ca=True)
        self.ca_file = self.root.cert_file

    def issue(self, name: str, *, until: datetime.datetime = NEVER) -> Identity:
        """For a client or a server of this name, which is also valid for loopback."""
        return self._issue(name, self.root, EPOCH, until, ca=False)

    def _issue(
        self, name: str, signer: Identity | None, since: datetime.datetime, until: datetime.datetime, *, ca: bool
    ) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.certificate.subject if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(signer.key if signer else key, hashes.SHA256())
        return self._written(name, certificate, key)

    def _written(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Identity:
        stem = self._directory / f"{name.replace(' ', '-')}-{certificate.serial_number:x}"
        cert_file, key_file = stem.with_suffix(".crt"), stem.with_suffix(".key")
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        key_file.chmod(0o600)
        return Identity(certificate, key, cert_file, key_file)
