"""The connection to an agroal in the network, with TLS if that is wanted."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from agroal.errors import ManagementError
from agroal.management.address import Remote, TlsMode
from agroal.management.wire import Code

ALPN: Final = "agroal"
"""What the management protocol is called in a TLS handshake."""


def dial(remote: Remote, timeout: float) -> socket.socket:
    """A connection, encrypted if that is wanted. Raises ManagementError `cannot-connect`, `configuration`."""
    context = None if remote.tls_mode is TlsMode.DISABLE else _context(remote)
    try:
        plain = socket.create_connection((remote.host, remote.port), timeout)
    except OSError as error:
        raise _unreachable(remote, error.strerror or str(error) or "no answer") from error
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=remote.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise _unreachable(remote, f"its certificate is not trusted: {error.verify_message}") from error
    except OSError as error:
        plain.close()
        raise _unreachable(remote, f"no TLS with it ({_reason(error)}); tls-mode disable asks without") from error


def binding_of(sock: socket.socket) -> bytes | None:
    """What SCRAM can be bound to: the hash of agroal's certificate (RFC 5929)."""
    if not isinstance(sock, ssl.SSLSocket):
        return None
    from agroal.auth.binding import server_end_point  # takes 6 MB: who asks without TLS does without

    certificate = sock.getpeercert(binary_form=True)
    return server_end_point(certificate) if certificate else None


def _context(remote: Remote) -> ssl.SSLContext:
    """Raises ManagementError `configuration` for files that can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    if remote.tls_mode is not TlsMode.VERIFY_FULL:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not remote.ca:
        context.load_default_certs()
    try:
        if remote.ca:
            context.load_verify_locations(remote.ca)
        if remote.cert:
            context.load_cert_chain(remote.cert, remote.key, password=lambda: "")  # else OpenSSL would ask
    except OSError as error:
        files = " and ".join(str(file) for file in (remote.ca, remote.cert, remote.key) if file)
        raise ManagementError(Code.CONFIGURATION, f"{files} can't be used: {_reason(error)}") from error
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def _unreachable(remote: Remote, why: str) -> ManagementError:
    return ManagementError(Code.CANNOT_CONNECT, f"can't ask {remote}: {why}")
