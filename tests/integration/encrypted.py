"""TLS by hand: for what no driver does, and for looking at what it hides."""

from __future__ import annotations

import ssl
import struct
from itertools import chain

from tests.certificates import Authority, Identity
from tests.integration.by_hand import Guest
from tests.integration.daemon import Agroal
from tests.integration.postgres import Login
from tests.integration.raw import RawClient
from tests.unit.wire.messages import startup

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)
ALPN = "postgresql"


def offering(identity: Identity, authority: Authority | None = None) -> dict[str, object]:
    """The settings of an agroal with this certificate. Its clients need one of their own, if there is an authority."""
    settings: dict[str, object] = {"tls": True, "tls_cert_file": identity.cert_file, "tls_key_file": identity.key_file}
    return settings | ({"tls_ca_file": authority.ca_file} if authority else {})


def shown(identity: Identity) -> dict[str, str]:
    """The parameters of libpq that show this certificate."""
    return {"sslcert": str(identity.cert_file), "sslkey": str(identity.key_file)}


def trusting(authority: Authority, identity: Identity | None = None, *, alpn: str = ALPN) -> ssl.SSLContext:
    """For a client that checks our certificate and may have one of its own. `alpn` empty: it names no protocol."""
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    if alpn:
        context.set_alpn_protocols([alpn])
    if identity:
        context.load_cert_chain(identity.cert_file, identity.key_file)
    return context


class EncryptedGuest(Guest):
    """A Guest in TLS, asked for or `direct`."""

    def __init__(
        self, pool: Agroal, login: Login, context: ssl.SSLContext, *, direct: bool = False, **parameters: str
    ) -> None:
        RawClient.__init__(self, pool)
        self.key, self.pool = b"", pool
        try:
            if not direct:
                assert self.say(SSL_REQUEST).hear_byte() == b"S"
            self.secure(context)
        except BaseException:
            self.__exit__()
            raise
        who = {"user": login.name, "database": pool.database.name, **parameters}
        self.say(startup(*chain.from_iterable(who.items())))

    @property
    def encryption(self) -> ssl.SSLSocket:
        """What was agreed upon."""
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket
