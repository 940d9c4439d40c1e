"""What can be found out about this machine without asking anybody else."""

from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from agroal.auth.vault import list_users, master_key_path
from agroal.config.load import ROLES
from agroal.config.model import Configuration, Settings
from agroal.doctor.files import SOCKETS
from agroal.doctor.patient import Certificate, File, Listening
from agroal.errors import ManagementError, VaultError
from agroal.management.client import ManagementClient, socket_path
from agroal.management.snapshot import Snapshot

PRIVATE_KEY = "a private key"
_WEAK = ("NULL", "RC4", "DES", "MD5", "EXP", "ADH", "AECDH")


def descriptors() -> int:
    """The hard limit: the daemon raises its own to it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard


def files(configuration: Configuration, environment: Mapping[str, str]) -> Iterator[File]:
    """Those with secrets, and the directory of the sockets."""
    vaults = ((getattr(configuration.files, role.name), role.doc) for role in ROLES if role.encrypted)
    named: list[tuple[Path | None, str]] = [(path, what) for path, what in vaults if path and _has_users(path)]
    key = master_key_path(environment)
    named += [(key, "the master key"), (key.parent, "the directory of the master key")]
    keys = configuration.settings.tls_key_file, *(server.tls_key_file for server in configuration.servers)
    named += [(key_file, PRIVATE_KEY) for key_file in keys]
    named.append((configuration.settings.unix_socket_dir, SOCKETS))
    for path, what in named:
        try:
            status = path.stat() if path else None
        except OSError:
            continue  # what has to be there is missed by who needs it
        if path and status:
            mode = status.st_mode & 0o7777
            if what == PRIVATE_KEY and status.st_uid == 0:
                mode &= ~0o040  # as PostgreSQL has it: root's may be read by a group
            yield File(path, what, mode, status.st_uid == os.geteuid())


def listening(settings: Settings) -> Iterator[Listening]:
    """Try each place: bound for a moment, and nobody is listened to."""
    for port in filter(None, (settings.port, settings.management, settings.metrics)):
        where = f"{settings.host}:{port}"
        host = None if settings.host == "*" else settings.host
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            yield Listening(where, error.strerror or str(error))
            continue
        troubles = [trouble for family, _, _, _, address in found if (trouble := _bind(family, address))]
        if troubles:
            taken = any(number == errno.EADDRINUSE for number in troubles)
            yield Listening(where, os.strerror(troubles[0]), taken)


def daemon(settings: Settings) -> tuple[Snapshot | None, str]:
    """The running agroal's picture of itself, or why there is none."""
    try:
        with ManagementClient(socket_path(settings.unix_socket_dir, settings.port), timeout=3.0) as client:
            return Snapshot.from_json(client.call("snapshot")), ""
    except ManagementError as error:
        return None, str(error)


def certificates(configuration: Configuration) -> Iterator[Certificate]:
    """Of all files that the configuration names."""
    named = [("", configuration.settings), *((f"server.{one.name}.", one) for one in configuration.servers)]
    for prefix, keys in named:
        for name in ("tls_cert_file", "tls_ca_file"):
            if path := getattr(keys, name):
                yield from read_certificates(path.read_bytes(), prefix + name, chain=name == "tls_cert_file")


def read_certificates(pem: bytes, key: str, *, chain: bool) -> Iterator[Certificate]:
    """`chain`: each is to be signed by the next."""
    from cryptography import x509  # takes 6 MB: who has no certificate does without
    from cryptography.exceptions import InvalidSignature

    read = x509.load_pem_x509_certificates(pem)
    for one, after in zip(read, [*read[1:], None], strict=True):
        signed = True
        if chain and after is not None:
            try:
                one.verify_directly_issued_by(after)
            except (ValueError, TypeError, InvalidSignature):
                signed = False
        yield Certificate(
            key,
            one.subject.rfc4514_string(),
            one.issuer.rfc4514_string(),
            one.not_valid_before_utc.timestamp(),
            one.not_valid_after_utc.timestamp(),
            signed,
        )


def weak_ciphers(settings: Settings) -> Iterator[str]:
    """Those that tls_ciphers allows and nobody should use."""
    if not (settings.tls and settings.tls_ciphers):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(settings.tls_ciphers)
    for cipher in context.get_ciphers():
        if any(part in _WEAK for part in cipher["name"].replace("DES-CBC3", "DES").split("-")):
            yield cipher["name"]


def _has_users(path: Path) -> bool:
    try:
        return bool(list_users(path))
    except VaultError:
        return True


def _bind(family: int, address: tuple[object, ...]) -> int:
    """The number of the error; 0 when there is none, or when this machine has no such family."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as error:
        return (
            0
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and family == socket.AF_INET6
            else (error.errno or 0)
        )
    return 0
