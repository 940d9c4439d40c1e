"""Reading the messages of SCRAM: lists of `x=value` separated by commas, from peers that are not trusted.

Each reader raises ValueError that says what is wrong, in words for the DETAIL of an error.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import NamedTuple

KEY_LENGTH = 32
MAX_NONCE = 1024
MAX_SALT = 1024
MAX_ITERATIONS = 100_000
"""About 30 ms of CPU: the most that a server may cost us."""

_ATTRIBUTE = re.compile(rb"[A-Za-z]=[^\0]*")
_NONCE = re.compile(rb"[\x21-\x2b\x2d-\x7e]{1,%d}" % MAX_NONCE)
_COUNT = re.compile(rb"[1-9][0-9]{0,9}")
_ERROR = re.compile(rb"[a-z-]{1,64}")


_PLAIN_FIRST = re.compile(rb"([ny]),,(n=[^\0,]*,r=([\x21-\x2b\x2d-\x7e]{1,%d}))" % MAX_NONCE)
"""As clients send it. What is not like this is read, or refused, attribute by attribute."""


class ClientFirst(NamedTuple):
    gs2_flag: bytes
    """`n`, `y`, or `p=` and the type of channel binding."""
    bare: bytes
    nonce: bytes


class ClientFinal(NamedTuple):
    without_proof: bytes
    binding: bytes
    """The attribute `c`, base64 as it came."""
    proof: bytes


class ServerFirst(NamedTuple):
    nonces: bytes
    salt: bytes
    iterations: int


def read_client_first(message: bytes) -> ClientFirst:
    if plain := _PLAIN_FIRST.fullmatch(message):
        return ClientFirst(*plain.groups())
    match message.split(b",", 2):
        case [flag, b"", bare] if flag in (b"n", b"y") or flag.startswith(b"p="):
            _name, nonce = _values(bare, b"nr")
            _check_nonce(nonce)
            return ClientFirst(flag, bare, nonce)
        case [flag, _, _] if flag in (b"n", b"y") or flag.startswith(b"p="):
            raise ValueError("an authorization identity is not supported")
        case _:
            raise ValueError("it does not begin with a gs2 header")


def read_client_final(message: bytes, nonces: bytes) -> ClientFinal:
    without_proof, comma, last = message.rpartition(b",")
    if not comma or not last.startswith(b"p="):
        raise ValueError("the proof must come last")
    both, proof64 = without_proof.split(b",r="), last[2:]
    if len(both) == 2 and both[0][:2] == b"c=" and b"," not in both[0] and both[1] == nonces:  # as clients send it
        binding, both_nonces = both[0][2:], nonces
    else:
        binding, both_nonces = _values(without_proof, b"cr")
    if both_nonces != nonces:
        raise ValueError("the nonce does not match")
    proof = read_base64(proof64, "proof")
    if len(proof) != KEY_LENGTH:
        raise ValueError(f"the proof must be {KEY_LENGTH} bytes")
    return ClientFinal(without_proof, binding, proof)


def read_server_first(message: bytes, client_nonce: bytes) -> ServerFirst:
    nonces, salt64, count = _values(message, b"rsi")
    _check_nonce(nonces)
    if not nonces.startswith(client_nonce) or nonces == client_nonce:
        raise ValueError("the nonce must begin with ours and be longer")
    salt = read_base64(salt64, "salt")
    if not 1 <= len(salt) <= MAX_SALT:
        raise ValueError(f"the salt must be 1 to {MAX_SALT} bytes")
    if not _COUNT.fullmatch(count) or int(count) > MAX_ITERATIONS:
        raise ValueError(f"the iterations must be 1 to {MAX_ITERATIONS}")
    return ServerFirst(nonces, salt, int(count))


def read_server_final(message: bytes) -> bytes:
    """The server's signature."""
    if message.startswith(b"e="):
        # A server that has not proved itself must not write our log: only words of the RFC's form are repeated.
        error = message[2:].partition(b",")[0]
        raise ValueError(f"the server reports {error.decode() if _ERROR.fullmatch(error) else 'an unreadable error'}")
    (signature,) = _values(message, b"v")
    return read_base64(signature, "signature")


def read_base64(value: bytes, what: str) -> bytes:
    try:
        return a2b_base64(value, strict_mode=True)
    except ValueError:
        raise ValueError(f"the {what} is not base64") from None


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
