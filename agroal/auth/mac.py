"""HMAC-SHA-256 (RFC 2104) with a key that signs many messages: what is the same of all of them is done once."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple, Self

BLOCK: Final = 64
"""Bytes that SHA-256 takes in at once."""
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """Of one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= BLOCK else sha256(key).digest()).ljust(BLOCK, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def sign(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Macs(NamedTuple):
    """Those of a SCRAM verifier."""

    stored: Mac
    server: Mac

    @classmethod
    def of(cls, stored_key: bytes, server_key: bytes) -> Self:
        return cls(Mac(stored_key), Mac(server_key))
