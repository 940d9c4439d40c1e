"""The TLS of a configuration: what clients are offered, and how each server is dialled. Made anew by every reload."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agroal.config.choices import TlsMode
from agroal.config.model import Configuration, ServerSettings, Settings
from agroal.errors import ConfigurationError, Problem
from agroal.management.reach import ALPN as MANAGEMENT_ALPN
from agroal.management.snapshot import Certificate
from agroal.management.stream import Offer
from agroal.management.times import wall_time
from agroal.net.dial import Address, Route
from agroal.net.tls import ALPN, Policy, TlsSocket, Upgrade


@dataclass(frozen=True, slots=True)
class Encryption:
    """Contexts, with their certificates and keys loaded."""

    clients: Upgrade | None
    """None: clients are told that there is no TLS."""
    routes: Mapping[str, Route]
    """To the servers, by name."""
    admins: Offer | None = None
    """At the management port; None: there is no TLS."""
    metrics: ssl.SSLContext | None = None
    """Of the metrics port; None: it speaks in the clear."""
    certificates: tuple[Certificate, ...] = ()
    """For people who want to know when they expire."""

    @classmethod
    def of(cls, configuration: Configuration) -> Encryption:
        """Raises ConfigurationError for what OpenSSL can't use, naming the file."""
        settings = configuration.settings
        clients = admins = None
        if settings.tls:
            file, binding = str(configuration.files.main), _binding(settings)
            clients = Upgrade(listening_context(settings, file), server_side=True, binding=binding)
            admins = Offer(listening_context(settings, file, MANAGEMENT_ALPN), binding)
        routes = {server.name: _route(server, str(configuration.files.main)) for server in configuration.servers}
        return cls(clients, routes, admins, _metrics_context(configuration), tuple(_certificates(configuration)))


def _certificates(configuration: Configuration) -> Iterator[Certificate]:
    """Of all files that are named."""
    named = [("", configuration.settings), *((f"server.{one.name}.", one) for one in configuration.servers)]
    for prefix, keys in named:
        for name in ("tls_cert_file", "tls_ca_file", "metrics_cert_file", "metrics_ca_file"):
            if path := getattr(keys, name, None):
                yield from _read(path, prefix + name)


def _read(path: Path, key: str) -> Iterator[Certificate]:
    """An authority's file may hold many."""
    from cryptography import x509  # takes 6 MB: who has no certificate does without

    for one in x509.load_pem_x509_certificates(path.read_bytes()):
        until = one.not_valid_after_utc.timestamp()
        yield Certificate(str(path), key, one.subject.rfc4514_string(), wall_time(until))


def listening_context(settings: Settings, file: str, alpn: str = ALPN) -> ssl.SSLContext:
    """For clients and admins. No session is resumed: each proves its certificate anew. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TlsSocket
    context.set_alpn_protocols([alpn])
    context.minimum_version = ssl.TLSVersion[settings.tls_min_version.replace(".", "_")]
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    _load(context, settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file, file, "")
    if settings.tls_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
    if settings.tls_ciphers:
        try:
            context.set_ciphers(settings.tls_ciphers)
        except ssl.SSLError:
            raise _problem(file, "tls_ciphers", "OpenSSL knows none of these ciphers") from None
    return context


def _metrics_context(configuration: Configuration) -> ssl.SSLContext | None:
    """Raises ConfigurationError."""
    settings, file = configuration.settings, str(configuration.files.main)
    if not (settings.metrics and settings.metrics_cert_file):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load(
        context, settings.metrics_cert_file, settings.metrics_key_file, settings.metrics_ca_file, file, "metrics_", ""
    )
    if settings.metrics_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def dialling_context(server: ServerSettings, file: str) -> ssl.SSLContext:
    """For one server. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    context.set_alpn_protocols([ALPN])
    verify = server.tls in (TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL) or server.tls_ca_file is not None
    context.check_hostname = server.tls == TlsMode.VERIFY_FULL
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    _load(context, server.tls_cert_file, server.tls_key_file, server.tls_ca_file, file, f"server.{server.name}.")
    if verify and server.tls_ca_file is None:
        context.load_default_certs()
    return context


def _route(server: ServerSettings, file: str) -> Route:
    address = Address.of(server)
    if server.tls == TlsMode.DISABLE or address.is_unix:
        return Route(address, None, server.channel_binding)
    upgrade = Upgrade(dialling_context(server, file), server_side=False, hostname=server.host)
    return Route(address, Policy(server.tls, upgrade, server.tls_direct), server.channel_binding)


def _load(
    context: ssl.SSLContext,
    cert: Path | None,
    key: Path | None,
    authority: Path | None,
    file: str,
    prefix: str,
    kind: str = "tls_",
) -> None:
    if cert:
        try:
            context.load_cert_chain(cert, key, password=lambda: "")  # else OpenSSL would ask on the terminal
        except (OSError, ssl.SSLError) as error:
            raise _problem(file, f"{prefix}{kind}cert_file", f"{cert} and {key or cert}: {_words(error)}") from error
    if authority:
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise _problem(file, f"{prefix}{kind}ca_file", f"{authority}: {_words(error)}") from error


def _binding(settings: Settings) -> bytes | None:
    from agroal.auth.binding import server_end_point

    assert settings.tls_cert_file
    pem = settings.tls_cert_file.read_text(encoding="ascii", errors="replace")
    first, end = pem.index("-----BEGIN CERTIFICATE"), "-----END CERTIFICATE-----"
    return server_end_point(ssl.PEM_cert_to_DER_cert(pem[first : pem.index(end) + len(end)]))


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def _problem(file: str, key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(file, 0, key, message)])
