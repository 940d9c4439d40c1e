"""Where an agroal is in the network, and who asks it.

agroal://ops@pool.example.org:2346?tls-mode=verify-full&ca=/etc/agroal/ca.crt
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qsl, quote, unquote

from agroal.errors import ManagementError
from agroal.management.wire import Code

SCHEME: Final = "agroal"

_URI = re.compile(rf"{SCHEME}://(?:([^@/?]*)@)?(\[[^\]/?]*\]|[^:/?\[\]]*):([0-9]{{1,5}})/?(?:\?(.*))?", re.ASCII)
_FILES = ("ca", "cert", "key")


class TlsMode(StrEnum):
    """How much is asked of TLS."""

    DISABLE = "disable"
    REQUIRE = "require"
    """Encrypted; SCRAM, bound to the connection, says whether it is the agroal that was meant."""
    VERIFY_FULL = "verify-full"
    """Its certificate says so as well: signed by an authority that is trusted, for the name that was asked for."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An agroal in the network, and who asks it."""

    host: str
    port: int
    user: str
    password: str | None = field(default=None, repr=False)
    tls_mode: TlsMode = TlsMode.REQUIRE
    ca: Path | None = None
    """Authorities that are trusted, with VERIFY_FULL; None: those that this host trusts."""
    cert: Path | None = None
    key: Path | None = None
    """Our certificate, for an agroal that wants one, and its key."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}://{quote(self.user)}@{host}:{self.port}"

    @classmethod
    def parse(cls, uri: str, user: str) -> Self:
        """`user` is who asks when the URI does not say; empty: nobody knows. Raises ManagementError `bad-argument`."""
        found = _URI.fullmatch(uri)
        if not found or not found[2].strip("[]") or not 0 < int(found[3]) < 1 << 16:
            raise _bad(f"“{SCHEME}://USER@HOST:PORT” is expected, with the port of remote management")
        name, host, port, query = found.groups()
        if ":" in (name or ""):
            raise _bad("a password in it could be read in the list of processes: set AGROAL_PASSWORD instead")
        if not (name or user):
            raise _bad("who asks? USER@ is missing")
        remote = cls(host.strip("[]"), int(port), unquote(name) if name else user)
        options = dict(parse_qsl(query or "", keep_blank_values=True))
        if unknown := sorted(options.keys() - {"tls-mode", *_FILES}):
            raise _bad(f"it takes tls-mode, {', '.join(_FILES)}, and not {unknown[0][:64]!a}")
        files = {name: Path(options[name]) for name in _FILES if options.get(name)}
        return remote.secured(options.get("tls-mode"), **files)

    def secured(
        self, mode: str | None, ca: Path | None = None, cert: Path | None = None, key: Path | None = None
    ) -> Self:
        """With this TLS; without a mode, a `ca` decides. Raises ManagementError `bad-argument`."""
        if mode is not None and mode not in tuple(TlsMode):
            raise _bad(f"tls-mode is one of {', '.join(TlsMode)}, and not {mode[:64]!a}")
        chosen = TlsMode(mode) if mode else TlsMode.VERIFY_FULL if ca else TlsMode.REQUIRE
        if ca and chosen is not TlsMode.VERIFY_FULL:
            raise _bad(f"a ca is for {TlsMode.VERIFY_FULL}, not for {chosen}")
        return replace(self, tls_mode=chosen, ca=ca, cert=cert, key=key)


def _bad(message: str) -> ManagementError:
    return ManagementError(Code.BAD_ARGUMENT, f"where agroal is: {message}")
