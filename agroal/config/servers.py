"""The keys of a server section."""

# ruff: noqa: RUF009 (path, choice and the like return dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agroal.config.choices import ChannelBinding
from agroal.config.keys import Support, boolean, choice, integer, keys_of, path, text

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
    tls: bool = boolean(
        False, spellings={"disable": False}, restart=True, refused=frozenset({True}), doc="Encrypt connections to it."
    )
    tls_cert_file: Path | None = path(None, restart=True, support=Support.LATER, doc="Our certificate towards it.")
    tls_key_file: Path | None = path(None, restart=True, support=Support.LATER, doc="The private key of tls_cert_file.")
    tls_ca_file: Path | None = path(
        None, restart=True, support=Support.LATER, doc="Who may have signed its certificate."
    )
    channel_binding: ChannelBinding = choice(
        ChannelBinding.PREFER,
        spellings={"disable": ChannelBinding.DISABLED},
        restart=True,
        support=Support.LATER,
        doc="Bind SCRAM to the TLS connection.",
    )

    @property
    def unix_socket(self) -> str | None:
        """The path of its socket, when `host` is a directory."""
        return f"{self.host.rstrip('/')}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


SERVER_KEYS = keys_of(ServerSettings)
