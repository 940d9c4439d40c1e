"""What binds a login to its TLS connection: `tls-server-end-point`, a hash of the server's certificate (RFC 5929 §4).

Whoever terminates the TLS in between has another certificate, so the two ends don't agree and the login fails.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

_TOO_WEAK = (hashes.MD5, hashes.SHA1)


def server_end_point(certificate: bytes) -> bytes | None:
    """The binding data of a certificate, which is DER.

    The hash is that of the certificate's signature, but SHA-256 in the place of MD5 and SHA-1. None where the signature
    has no hash of its own (Ed25519, Ed448): for such certificates RFC 5929 defines nothing. None also for what is no
    certificate.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    digest = hashes.Hash(hashes.SHA256() if isinstance(algorithm, _TOO_WEAK) else algorithm)
    digest.update(certificate)
    return digest.finalize()
