from __future__ import annotations

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from scramp.core import CBindData

from agroal.auth.binding import server_end_point

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey

# What signs with RSA and SHA-256, SHA-1, MD5 (RFC 8017): they differ in the last byte.
WITH_SHA256, WITH_SHA1, WITH_MD5 = (bytes.fromhex("2a864886f70d0101") + end for end in (b"\x0b", b"\x05", b"\x04"))


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(key: Key, algorithm: hashes.HashAlgorithm | None, *, pss: bool = False) -> bytes:
    """DER, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC))
    )
    scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss and algorithm else None
    return builder.sign(key, algorithm, rsa_padding=scheme).public_bytes(Encoding.DER)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_it_is_the_hash_that_the_signature_uses(algorithm: hashes.HashAlgorithm) -> None:
    der = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
    assert server_end_point(der) == hashlib.new(algorithm.name, der).digest() == bytes(CBindData.from_der(der))


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA512()])
def test_the_hash_of_rsa_pss_is_in_its_parameters(rsa_key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm) -> None:
    der = certificate(rsa_key, algorithm, pss=True)
    assert server_end_point(der) == hashlib.new(algorithm.name, der).digest()


@pytest.mark.parametrize("weak", [WITH_SHA1, WITH_MD5])
def test_it_is_sha256_where_the_signature_uses_something_weaker(rsa_key: rsa.RSAPrivateKey, weak: bytes) -> None:
    der = certificate(rsa_key, hashes.SHA256()).replace(WITH_SHA256, weak)  # nobody looks at the signature itself
    assert server_end_point(der) == hashlib.sha256(der).digest() == bytes(CBindData.from_der(der))


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey])
def test_there_is_none_where_the_signature_has_no_hash(
    key: type[ed25519.Ed25519PrivateKey] | type[ed448.Ed448PrivateKey],
) -> None:
    assert server_end_point(certificate(key.generate(), None)) is None


def test_there_is_none_where_the_signature_is_not_known(rsa_key: rsa.RSAPrivateKey) -> None:
    der = certificate(rsa_key, hashes.SHA256())
    assert server_end_point(der.replace(WITH_SHA256, WITH_SHA256[:-1] + b"\x7f")) is None


@pytest.mark.parametrize("der", [b"", b"-----BEGIN CERTIFICATE-----", b"\x30\x03\x02\x01\x05"])
def test_there_is_none_of_what_is_no_certificate(der: bytes) -> None:
    assert server_end_point(der) is None
