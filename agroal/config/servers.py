"""The keys of a server section."""

# ruff: noqa: RUF009 (path, choice and the like return dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agroal.config import units
from agroal.config.choices import ChannelBinding, TlsMode
from agroal.config.keys import boolean, choice, integer, keys_of, path, text

MOST_SERVERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """One PostgreSQL instance."""

    name: str
    """Of its section."""
    host: str = text(
        required=True, restart=True, doc="Name or address; with a leading / the directory of its Unix socket."
    )
    port: int = integer(5432, low=1, high=65535, restart=True, doc="Its port; also in the name of its Unix socket.")
    primary: bool = boolean(False, doc="This one is the primary. Without the mark, the first server is.")
    tls: TlsMode = choice(
        TlsMode.DISABLE,
        spellings={word: TlsMode.REQUIRE if on else TlsMode.DISABLE for word, on in units.BOOLEANS.items()},
        doc="Encrypt connections to it, as libpq's sslmode has it; verify-ca and verify-full check its certificate, "
        "the latter also its name. There is no TLS over a Unix socket.",
    )
    tls_cert_file: Path | None = path(None, doc="Our certificate towards it.")
    tls_key_file: Path | None = path(None, doc="The private key of tls_cert_file, without a passphrase.")
    tls_ca_file: Path | None = path(
        None,
        doc="Who must have signed its certificate, which is then checked in every mode. Without it, verify-full trusts "
        "whom this host trusts.",
    )
    tls_direct: bool = boolean(
        False,
        doc="Begin with TLS at once instead of asking for it: PostgreSQL 17 and newer, with tls = require at least.",
    )
    channel_binding: ChannelBinding = choice(
        ChannelBinding.PREFER,
        spellings={"disabled": ChannelBinding.DISABLE},
        doc="Bind SCRAM to the TLS connection, so that nobody in between can carry it on.",
    )

    @property
    def unix_socket(self) -> str | None:
        """The path of its socket, when `host` is a directory."""
        return f"{self.host.rstrip('/')}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


SERVER_KEYS = keys_of(ServerSettings)
