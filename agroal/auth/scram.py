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
store without bounds (CVE-2026-6665): nonce, salt and iterations are limited. No channel binding is offered, so the
gs2 flags `n` and `y` are both right.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Self

from agroal.auth.saslprep import prepare
from agroal.errors import AuthenticationFailed, ProtocolViolation, ServerUnavailable

MECHANISM = "SCRAM-SHA-256"
ITERATIONS = 4096
"""PostgreSQL's default, which mock verifiers must look like."""
SALT_LENGTH = 16
"""Bytes; PostgreSQL's, ditto. Other implementations use other lengths, so any is accepted."""
KEY_LENGTH = 32

MAX_NONCE = 1024
MAX_SALT = 1024
MAX_ITERATIONS = 100_000
"""About 30 ms of CPU: the most that a server may cost us."""

GS2_HEADER = b"n,,"
"""What we send as a client: no channel binding, no authorization identity."""

_VERIFIER = re.compile(r"SCRAM-SHA-256\$([1-9][0-9]{0,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")
_ATTRIBUTE = re.compile(rb"[A-Za-z]=[^\0]*")
_NONCE = re.compile(rb"[\x21-\x2b\x2d-\x7e]{1,%d}" % MAX_NONCE)
_COUNT = re.compile(rb"[1-9][0-9]{0,9}")
_ERROR = re.compile(rb"[a-z-]{1,64}")


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
        salt, stored_key, server_key = (_base64(part.encode(), "part of the verifier") for part in found.groups()[1:])
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


def salt_for(user: str, key: bytes) -> bytes:
    """A salt that looks random and is the same for a user every time, as long as the secret `key` is."""
    return _hmac(key, user.encode(errors="surrogateescape"))[:SALT_LENGTH]


def mock_verifier(user: str, key: bytes) -> Verifier:
    """What an unknown user is challenged with, in a doomed exchange: the same every time, like a known user's."""
    return Verifier(ITERATIONS, salt_for(user, key), bytes(KEY_LENGTH), bytes(KEY_LENGTH))


class ServerExchange:
    """A client proves to us that it knows the password behind `verifier`: `first`, then `final`.

    `nonce` is our random part: printable ASCII without comma, fresh for every exchange. A `doomed` exchange does all
    the work and fails. Raises ProtocolViolation for what is not SCRAM, AuthenticationFailed for a wrong proof.
    """

    def __init__(self, user: str, verifier: Verifier, nonce: str, *, doomed: bool) -> None:
        self._user = user
        self._verifier = verifier
        self._nonce = nonce.encode()
        self._doomed = doomed
        self._gs2_header = self._client_first = self._server_first = b""

    def first(self, message: bytes) -> bytes:
        """client-first-message in, server-first-message out."""
        try:
            self._gs2_header, self._client_first, client_nonce = _read_client_first(message)
        except ValueError as problem:
            raise ProtocolViolation("malformed SCRAM message", detail=f"client-first-message: {problem}.") from None
        self._nonce = client_nonce + self._nonce
        salt = b64encode(self._verifier.salt)
        self._server_first = b"r=%s,s=%s,i=%d" % (self._nonce, salt, self._verifier.iterations)
        return self._server_first

    def final(self, message: bytes) -> bytes:
        """client-final-message in, server-final-message out."""
        try:
            without_proof, proof = _read_client_final(message, self._gs2_header, self._nonce)
        except ValueError as problem:
            raise ProtocolViolation("malformed SCRAM message", detail=f"client-final-message: {problem}.") from None
        auth_message = b",".join((self._client_first, self._server_first, without_proof))
        client_key = _xor(proof, _hmac(self._verifier.stored_key, auth_message))
        proved = hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key)
        signature = _hmac(self._verifier.server_key, auth_message)
        if not proved or self._doomed:
            raise AuthenticationFailed(f'password authentication failed for user "{self._user}"')
        return b"v=" + b64encode(signature)


class ClientExchange:
    """We log in to a server: `first`, `final`, `verify`. Without `verify` it may be any server.

    `nonce` is our random part, as in ServerExchange. `salted` remembers by salt and iterations what PBKDF2 made of the
    password, so that the next login to the same server is cheap; it belongs to one password, and only a server that has
    proved itself adds to it. Whatever is wrong is the server's doing, and raises ServerUnavailable.
    """

    def __init__(
        self, password: str, nonce: str, salted: MutableMapping[tuple[bytes, int], bytes] | None = None
    ) -> None:
        self._password = password
        self._nonce = nonce.encode()
        self._known = {} if salted is None else salted
        self._client_first = b"n=,r=" + self._nonce  # no name: the start-up packet has it
        self._auth_message = b""
        self._salted = b""
        self._verifier: Verifier | None = None

    def first(self) -> bytes:
        """The client-first-message."""
        return GS2_HEADER + self._client_first

    def final(self, message: bytes) -> bytes:
        """server-first-message in, client-final-message out."""
        try:
            nonce, salt, iterations = _read_server_first(message, self._nonce)
        except ValueError as problem:
            raise _unusable("server-first-message", problem) from None
        self._salted = self._known.get((salt, iterations)) or _stretch(self._password, salt, iterations)
        self._verifier = Verifier._from_salted(self._salted, salt, iterations)
        without_proof = b"c=%s,r=%s" % (b64encode(GS2_HEADER), nonce)
        self._auth_message = b",".join((self._client_first, message, without_proof))
        signature = _hmac(self._verifier.stored_key, self._auth_message)
        return without_proof + b",p=" + b64encode(_xor(_hmac(self._salted, b"Client Key"), signature))

    def verify(self, message: bytes) -> None:
        """server-final-message in: returns if the server has proved that it knows us too."""
        assert self._verifier is not None, "final comes before verify"
        try:
            signature = _read_server_final(message)
        except ValueError as problem:
            raise _unusable("server-final-message", problem) from None
        if not hmac.compare_digest(signature, _hmac(self._verifier.server_key, self._auth_message)):
            raise ServerUnavailable("the server's SCRAM signature is wrong", detail="It does not know the password.")
        self._known[self._verifier.salt, self._verifier.iterations] = self._salted


def _read_client_first(message: bytes) -> tuple[bytes, bytes, bytes]:
    """gs2 header, client-first-message-bare, client nonce."""
    match message.split(b",", 2):
        case [b"n" | b"y" as flag, b"", bare]:
            _name, nonce = _values(bare, b"nr")
            _check_nonce(nonce)
            return flag + b",,", bare, nonce
        case [b"n" | b"y", _, _]:
            raise ValueError("an authorization identity is not supported")
        case [flag, _, _] if flag.startswith(b"p="):
            raise ValueError("channel binding is asked for but was not offered")
        case _:
            raise ValueError("it does not begin with a gs2 header")


def _read_client_final(message: bytes, gs2_header: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """client-final-message-without-proof, proof."""
    without_proof, comma, last = message.rpartition(b",")
    if not comma or not last.startswith(b"p="):
        raise ValueError("the proof must come last")
    binding, both_nonces = _values(without_proof, b"cr")
    if binding != b64encode(gs2_header):
        raise ValueError("the channel-binding attribute does not repeat the gs2 header")
    if both_nonces != nonce:
        raise ValueError("the nonce does not match")
    proof = _base64(last[2:], "proof")
    if len(proof) != KEY_LENGTH:
        raise ValueError(f"the proof must be {KEY_LENGTH} bytes")
    return without_proof, proof


def _read_server_first(message: bytes, client_nonce: bytes) -> tuple[bytes, bytes, int]:
    """Both nonces, salt, iterations."""
    nonce, salt64, count = _values(message, b"rsi")
    _check_nonce(nonce)
    if not nonce.startswith(client_nonce) or nonce == client_nonce:
        raise ValueError("the nonce must begin with ours and be longer")
    salt = _base64(salt64, "salt")
    if not 1 <= len(salt) <= MAX_SALT:
        raise ValueError(f"the salt must be 1 to {MAX_SALT} bytes")
    if not _COUNT.fullmatch(count) or int(count) > MAX_ITERATIONS:
        raise ValueError(f"the iterations must be 1 to {MAX_ITERATIONS}")
    return nonce, salt, int(count)


def _read_server_final(message: bytes) -> bytes:
    """The server's signature."""
    if message.startswith(b"e="):
        # A server that has not proved itself must not write our log: only words of the RFC's form are repeated.
        error = message[2:].partition(b",")[0]
        raise ValueError(f"the server reports {error.decode() if _ERROR.fullmatch(error) else 'an unreadable error'}")
    (signature,) = _values(message, b"v")
    return _base64(signature, "signature")


def _check_nonce(nonce: bytes) -> None:
    if not _NONCE.fullmatch(nonce):
        raise ValueError(f"the nonce must be 1 to {MAX_NONCE} printable characters")


def _values(message: bytes, names: bytes) -> list[bytes]:
    """The values of these attributes, which must come first and in this order. Extensions after them are ignored."""
    attributes = message.split(b",")
    if not all(map(_ATTRIBUTE.fullmatch, attributes)):
        raise ValueError("it is not a list of attributes")
    if any(attribute.startswith(b"m=") for attribute in attributes):
        raise ValueError("it requires an extension that is not supported")
    found = b"".join(attribute[:1] for attribute in attributes[: len(names)])
    if found != names:
        raise ValueError(f"it must begin with the attributes {', '.join(names.decode())}")
    return [attribute[2:] for attribute in attributes[: len(names)]]


def _base64(value: bytes, what: str) -> bytes:
    try:
        return a2b_base64(value, strict_mode=True)
    except ValueError:
        raise ValueError(f"the {what} is not base64") from None


def _stretch(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", prepare(password), salt, iterations)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _unusable(message: str, problem: ValueError) -> ServerUnavailable:
    return ServerUnavailable("the server's SCRAM message can't be used", detail=f"{message}: {problem}.")
