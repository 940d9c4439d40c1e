"""The keys about TLS, taken together: that the files are there and fit, and that what they are for is possible.

What is wrong with a file is said at the key that names it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_ISREG, S_IWGRP, S_IXGRP

from agroal.config.choices import ChannelBinding, TlsMode
from agroal.config.report import Report
from agroal.config.servers import ServerSettings
from agroal.config.settings import Settings

STRICT = (TlsMode.REQUIRE, TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL)
"""Without TLS there is no connection."""

_FILES = ("tls_cert_file", "tls_key_file", "tls_ca_file")
_METRICS_FILES = ("metrics_cert_file", "metrics_key_file", "metrics_ca_file")


class _UnusableError(Exception):
    """Says what was expected of a file."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where problems are told of: a section, with the lines of the keys that are given in it."""

    report: Report
    lines: Mapping[str, int]
    prefix: str = ""

    def problem(self, key: str, message: str) -> None:
        self.report.problem(self.lines.get(key, self.lines.get("tls", 0)), self.prefix + key, message)

    def unused(self, keys: tuple[str, ...], why: str) -> None:
        for key in keys:
            if key in self.lines:
                self.report.notice(self.lines[key], self.prefix + key, f"accepted, but has no effect: {why}")


def check_clients(settings: Settings, lines: Mapping[str, int], report: Report) -> None:
    """What TLS towards clients needs. `lines` has the keys that are given."""
    place = _Place(report, lines)
    if not settings.tls:
        place.unused(tuple(key for key in (*_FILES, "tls_ciphers") if getattr(settings, key)), "tls is off")
        return
    for key in ("tls_cert_file", "tls_key_file"):
        if getattr(settings, key) is None:
            place.problem(key, "is missing; tls = on needs it")
    _check_files(settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file, place)
    if settings.tls_ciphers:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(settings.tls_ciphers)
        except ssl.SSLError:
            place.problem(
                "tls_ciphers", "has no cipher that OpenSSL knows for TLS 1.2; expected a list such as HIGH:!aNULL"
            )


def check_metrics(settings: Settings, lines: Mapping[str, int], report: Report) -> None:
    """What TLS of the metrics port needs: a certificate and its key, and then it is on."""
    place = _Place(report, lines)
    cert, key, ca = (getattr(settings, name) for name in _METRICS_FILES)
    if not settings.metrics:
        place.unused(tuple(name for name in _METRICS_FILES if getattr(settings, name)), "metrics is 0")
        return
    for name, path, others in (("metrics_cert_file", cert, (key, ca)), ("metrics_key_file", key, (cert,))):
        if path is None and any(others):
            needed_by = next(other for other in _METRICS_FILES if other != name and getattr(settings, other))
            place.problem(name, f"is missing; {needed_by} needs it")
    _check_files(cert, key, ca, place, _METRICS_FILES)


def check_server(server: ServerSettings, lines: Mapping[str, int], report: Report, prefix: str = "") -> None:
    """What TLS towards a server needs. `prefix` goes before the names of the keys."""
    place = _Place(report, lines, prefix)
    if server.tls in STRICT and server.unix_socket:
        place.problem("tls", f"{server.tls} is not possible over a Unix socket; expected disable, allow or prefer")
    if server.tls_direct and server.tls not in STRICT:
        place.problem("tls_direct", f"on needs tls = {' or '.join(STRICT)}, not {server.tls}")
    if server.channel_binding is ChannelBinding.REQUIRE and (server.tls is TlsMode.DISABLE or server.unix_socket):
        place.problem("channel_binding", "require needs TLS to the server; expected prefer or disable without it")
    if server.tls is TlsMode.DISABLE:
        place.unused(tuple(key for key in _FILES if getattr(server, key)), f"tls is {server.tls}")
        return
    if server.tls is TlsMode.VERIFY_CA and server.tls_ca_file is None:
        # Whom this host trusts includes authorities that sign for anybody: only the name tells their servers apart.
        place.problem("tls_ca_file", "is missing; tls = verify-ca needs it (verify-full can do without)")
    for key, other in (("tls_cert_file", "tls_key_file"), ("tls_key_file", "tls_cert_file")):
        if getattr(server, key) is None and getattr(server, other):
            place.problem(key, f"is missing; {other} needs it")
    _check_files(server.tls_cert_file, server.tls_key_file, server.tls_ca_file, place)


def _check_files(
    cert: Path | None, key: Path | None, ca: Path | None, place: _Place, names: tuple[str, str, str] = _FILES
) -> None:
    name_of_cert, name_of_key, name_of_ca = names
    sound = [
        _check_file(name_of_cert, cert, _check_certificates, place),
        _check_file(name_of_key, key, _check_key, place),
    ]
    _check_file(name_of_ca, ca, _check_certificates, place)
    if not (cert and key and all(sound)):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            place.problem(name_of_key, f"{key} is not the key of the first certificate in {cert}")
        else:
            reason = (error.reason or "unknown reason").lower().replace("_", " ")
            place.problem(name_of_cert, f"{cert} with {key} is refused by OpenSSL: {reason}")


def _check_file(name: str, path: Path | None, check: Callable[[Path], None], place: _Place) -> bool:
    """Whether there is nothing wrong with it."""
    try:
        if path:
            check(path)
    except _UnusableError as unusable:
        place.problem(name, f"{path} {unusable}")
    except OSError as error:
        place.problem(name, f"{path} can't be read: {error.strerror}")
    else:
        return True
    return False


def _check_certificates(path: Path) -> None:
    from cryptography import x509  # takes 6 MB: who has no certificate does without

    try:
        x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise _UnusableError("has no certificate; expected one or more, in PEM") from None


def _check_key(path: Path) -> None:
    """As PostgreSQL does: a key is its owner's alone, and only root's may be read by a group."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise _UnusableError("is not a regular file; expected a private key, in PEM")
    if status.st_uid not in (os.geteuid(), 0):
        raise _UnusableError("must be owned by the user that agroal runs as, or by root")
    others = S_IRWXO | (S_IWGRP | S_IXGRP if status.st_uid == 0 else S_IRWXG)
    if status.st_mode & others:
        most = "0640, as it is root's" if status.st_uid == 0 else "0600"
        raise _UnusableError(f"has group or world access (mode {status.st_mode & 0o777:04o}); expected at most {most}")
    try:
        load_pem_private_key(path.read_bytes(), None)
    except TypeError:
        raise _UnusableError("is encrypted; expected a private key without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _UnusableError("has no private key; expected one, in PEM") from None
