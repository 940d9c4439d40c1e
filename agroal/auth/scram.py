"""SCRAM-SHA-256 (RFC 5802, RFC 7677) on both sides, as PostgreSQL speaks it: messages and nonces in, messages out.

Four messages, each a list of `x=value` separated by commas:

    client-first   n,,n=user,r=<client nonce>            the name is ignored: the start-up packet has it
    server-first   r=<both nonces>,s=<salt>,i=<iterations>
    client-final   c=<gs2 header>,r=<both nonces>,p=<proof>
    server-final   v=<signature>                         or e=<error>

The password is stretched once, and two keys come of it. The server stores ServerKey and StoredKey = H(ClientKey);
what the client proves is that it has ClientKey, and what the server proves is that it has ServerKey. Both sign
AuthMessage, the exchange so far.

    SaltedPassword = PBKDF2(SASLprep(password), salt, iterations)
    ClientKey = HMAC(SaltedPassword, "Client Key")          ServerKey = HMAC(SaltedPassword, "Server Key")
    proof = ClientKey xor HMAC(StoredKey, AuthMessage)      signature = HMAC(ServerKey, AuthMessage)

Neither side is trusted. A client must not find out whether a user exists: a *doomed* exchange, against the mock
verifier of an unknown user, runs to its end and fails there like a wrong password. A server must not make us work or
store without bounds (CVE-2026-6665): nonce, salt and iterations are limited.

SCRAM-SHA-256-PLUS also binds the exchange to the TLS connection under it, so that it can't be carried from one to
another by somebody in between: both sides sign the hash of the server's certificate (tls-server-end-point, RFC 5929).
The first byte of the gs2 header says how the client sees it, and being signed it can't be changed on the way:

    n                         the client does not bind
    y                         it would, but was not offered PLUS: a lie told to it, if we did offer
    p=tls-server-end-point    it binds; `c` is then gs2 header and hash together
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import b2a_base64
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from agroal.auth.mac import Macs
from agroal.auth.saslprep import prepare
from agroal.auth.scram_messages import (
    KEY_LENGTH,
    read_base64,
    read_client_final,
    read_client_first,
    read_server_final,
    read_server_first,
)
from agroal.errors import AuthenticationFailed, NotPermitted, ProtocolViolation, ServerUnavailable

MECHANISM = "SCRAM-SHA-256"
PLUS = "SCRAM-SHA-256-PLUS"
ITERATIONS = 4096
"""PostgreSQL's default, which mock verifiers must look like."""

NOT_BOUND, NOT_OFFERED, BOUND = b"n", b"y", b"p=tls-server-end-point"
"""The gs2 flags."""

_VERIFIER = re.compile(r"SCRAM-SHA-256\$([1-9][0-9]{0,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server stores instead of a password. It can impersonate the server, so its repr shows no keys."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as in pg_authid. Raises ValueError."""
        found = _VERIFIER.fullmatch(text)
        if found is None:
            raise ValueError("not a SCRAM-SHA-256 verifier")
        iterations = int(found[1])
        salt, stored_key, server_key = (read_base64(part.encode(), "verifier") for part in found.groups()[1:])
        if iterations > 2**31 - 1 or not salt or len(stored_key) != KEY_LENGTH or len(server_key) != KEY_LENGTH:
            raise ValueError("a SCRAM-SHA-256 verifier with a part of the wrong size")
        return cls(iterations, salt, stored_key, server_key)

    @classmethod
    def derive(cls, password: str, salt: bytes, iterations: int = ITERATIONS) -> Self:
        return cls._from_salted(_stretch(password, salt, iterations), salt, iterations)

    @classmethod
    def _from_salted(cls, salted: bytes, salt: bytes, iterations: int) -> Self:
        stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
        return cls(iterations, salt, stored_key, _hmac(salted, b"Server Key"))

    def format(self) -> str:
        """The text that `parse` reads. It is a secret."""
        salt, stored_key, server_key = (b64encode(x).decode() for x in (self.salt, self.stored_key, self.server_key))
        return f"{MECHANISM}${self.iterations}:{salt}${stored_key}:{server_key}"

    def accepts(self, password: str) -> bool:
        """Whether this is the password; costs as much as a login does to a client (1 ms with 4096 iterations)."""
        server_key = _hmac(_stretch(password, self.salt, self.iterations), b"Server Key")
        return hmac.compare_digest(server_key, self.server_key)


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client has proved to have: with it, one can log in to every server that stores the same verifier."""

    iterations: int
    salt: bytes
    client_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


class ServerExchange:
    """A client proves to us that it knows the password behind `verifier`: `first`, then `final`.

    `nonce` is our random part: printable ASCII without comma, fresh for every exchange. A `doomed` exchange does all
    the work and fails. `binding` is the hash of our certificate; None where there is no TLS. `macs` are the verifier's,
    where they are kept. Raises ProtocolViolation for what is not SCRAM, NotPermitted for a channel that is not the
    client's, AuthenticationFailed for a wrong proof.
    """

    def __init__(
        self,
        user: str,
        verifier: Verifier,
        nonce: str,
        *,
        doomed: bool,
        binding: bytes | None = None,
        macs: Macs | None = None,
    ) -> None:
        self._user = user
        self._verifier = verifier
        self._nonce = nonce.encode()
        self._doomed = doomed
        self._binding = binding
        self._macs = macs
        self._channel = self._client_first = self._server_first = self._client_key = b""

    @property
    def mechanisms(self) -> list[str]:
        """What the client can choose from, best first."""
        return [MECHANISM] if self._binding is None else [PLUS, MECHANISM]

    @property
    def keys(self) -> Keys | None:
        """What the client's proof has shown, once it is right."""
        has, shown = self._verifier, self._client_key
        return Keys(has.iterations, has.salt, shown, has.server_key) if shown else None

    def first(self, message: bytes, mechanism: str = MECHANISM) -> bytes:
        """client-first-message in, server-first-message out."""
        try:
            flag, self._client_first, client_nonce = read_client_first(message)
            self._channel = self._bind(flag, mechanism == PLUS)
        except ValueError as problem:
            raise ProtocolViolation("malformed SCRAM message", detail=f"client-first-message: {problem}.") from None
        self._nonce = client_nonce + self._nonce
        salt = b64encode(self._verifier.salt)
        self._server_first = b"r=%s,s=%s,i=%d" % (self._nonce, salt, self._verifier.iterations)
        return self._server_first

    def final(self, message: bytes) -> bytes:
        """client-final-message in, server-final-message out."""
        try:
            without_proof, channel, proof = read_client_final(message, self._nonce)
            self._check_channel(channel)
        except ValueError as problem:
            raise ProtocolViolation("malformed SCRAM message", detail=f"client-final-message: {problem}.") from None
        auth_message = b",".join((self._client_first, self._server_first, without_proof))
        stored, server = self._macs or Macs.of(self._verifier.stored_key, self._verifier.server_key)
        client_key = _xor(proof, stored.sign(auth_message))
        proved = hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key)
        signature = server.sign(auth_message)
        if not proved or self._doomed:
            raise AuthenticationFailed(f'password authentication failed for user "{self._user}"')
        self._client_key = client_key
        return b"v=" + b64encode(signature)

    def _bind(self, flag: bytes, plus: bool) -> bytes:
        """What `c` must be, before base64: the gs2 header, and the hash when it is bound."""
        match flag:
            case b"n" | b"y" if plus:
                raise ValueError(f"{PLUS} was chosen without channel binding")
            case b"y" if self._binding is not None:
                raise NotPermitted(
                    "SCRAM channel binding negotiation error",
                    detail="The client supports SCRAM channel binding but thinks the server does not. "
                    "However, this server does support channel binding.",
                )
            case b"n" | b"y":
                return flag + b",,"
            case _ if not plus or self._binding is None:
                raise ValueError(f"{MECHANISM} was chosen with channel binding")
            case _ if flag != BOUND:
                raise ValueError("the type of channel binding is not supported; expected tls-server-end-point")
            case _:
                return BOUND + b",," + self._binding

    def _check_channel(self, channel: bytes) -> None:
        if hmac.compare_digest(channel, b64encode(self._channel)):
            return
        if self._channel.startswith(BOUND):
            raise NotPermitted("SCRAM channel binding check failed")
        raise ValueError("the channel-binding attribute does not repeat the gs2 header")


class ClientExchange:
    """We log in to a server: `first`, `final`, `verify`. Without `verify` it may be any server.

    `nonce` is our random part, as in ServerExchange. `salted` remembers by salt and iterations what PBKDF2 made of the
    password, so that the next login to the same server is cheap; it belongs to one password, and only a server that has
    proved itself adds to it. `keys` are what a client has shown of a password that is not known. `binding` is the hash
    of the server's certificate, for SCRAM-SHA-256-PLUS; None and `could_bind`: that was not offered. Whatever is wrong
    is the server's doing, and raises ServerUnavailable.
    """

    def __init__(
        self,
        password: str | None,
        nonce: str,
        salted: MutableMapping[tuple[bytes, int], bytes] | None = None,
        *,
        keys: Keys | None = None,
        binding: bytes | None = None,
        could_bind: bool = False,
    ) -> None:
        self._password = password
        self._nonce = nonce.encode()
        self._known = {} if salted is None else salted
        self._keys = keys
        flag = BOUND if binding is not None else NOT_OFFERED if could_bind else NOT_BOUND
        self._gs2_header = flag + b",,"  # no authorization identity
        self._channel = self._gs2_header + (binding or b"")
        self._client_first = b"n=,r=" + self._nonce  # no name: the start-up packet has it
        self._auth_message = b""
        self._used: Keys | None = None
        self._salted = b""

    def first(self) -> bytes:
        """The client-first-message."""
        return self._gs2_header + self._client_first

    def final(self, message: bytes) -> bytes:
        """server-first-message in, client-final-message out."""
        try:
            nonces, salt, iterations = read_server_first(message, self._nonce)
        except ValueError as problem:
            raise _unusable("server-first-message", problem) from None
        self._used = used = self._keys_for(salt, iterations)
        without_proof = b"c=%s,r=%s" % (b64encode(self._channel), nonces)
        self._auth_message = b",".join((self._client_first, message, without_proof))
        signature = _hmac(hashlib.sha256(used.client_key).digest(), self._auth_message)
        return without_proof + b",p=" + b64encode(_xor(used.client_key, signature))

    def _keys_for(self, salt: bytes, iterations: int) -> Keys:
        if self._keys and (self._keys.salt, self._keys.iterations) == (salt, iterations):
            return self._keys
        if self._password is None:
            raise ServerUnavailable(
                "what a client has shown of the user's password does not fit the server's verifier",
                hint="Has the password been changed? It is learned anew when a client logs in.",
            )
        self._salted = self._known.get((salt, iterations)) or _stretch(self._password, salt, iterations)
        return Keys(iterations, salt, _hmac(self._salted, b"Client Key"), _hmac(self._salted, b"Server Key"))

    def verify(self, message: bytes) -> None:
        """server-final-message in: returns if the server has proved that it knows us too."""
        assert self._used is not None, "final comes before verify"
        try:
            signature = read_server_final(message)
        except ValueError as problem:
            raise _unusable("server-final-message", problem) from None
        if not hmac.compare_digest(signature, _hmac(self._used.server_key, self._auth_message)):
            raise ServerUnavailable("the server's SCRAM signature is wrong", detail="It does not know the password.")
        if self._salted:
            self._known[self._used.salt, self._used.iterations] = self._salted


def _stretch(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", prepare(password), salt, iterations)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(KEY_LENGTH)


b64encode = partial(b2a_base64, newline=False)


def _unusable(message: str, problem: ValueError) -> ServerUnavailable:
    return ServerUnavailable("the server's SCRAM message can't be used", detail=f"{message}: {problem}.")
