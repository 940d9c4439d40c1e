"""Logins to a server as user "user" of database "shop" with the password "pencil", from our side."""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, MutableMapping

from agroal.auth.login import PLAIN, Credentials, Encryption, Greeting, login
from agroal.auth.users import Secret
from agroal.wire.talk import Talk
from tests.unit.script import Script
from tests.unit.wire.messages import READY, authentication, message, parameter, startup

Salted = MutableMapping[tuple[bytes, int], bytes]

BEGUN = Script() << startup("user", "user", "database", "shop", "application_name", "agroal")
OK = authentication(0)
KEY = b"\0\0\0\x07key!"
GREETING = parameter("TimeZone", "UTC") + message("K", KEY) + READY
OUTCOME = Greeting({"TimeZone": "UTC"}, 7, KEY)

# RFC 7677 §3, but for the name in the first message: PostgreSQL takes it from the start-up packet.
NONCE = "rOprNGfwEbeRWgbNEkqO"
NONCES = NONCE.encode() + b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = b"W22ZaJ0SNY7soEsUEjb6gQ=="
CHALLENGE = b"r=%s,s=%s,i=4096" % (NONCES, SALT)
SALTED = hashlib.pbkdf2_hmac("sha256", b"pencil", b64decode(SALT), 4096)
ONLY_SCRAM = [b"SCRAM-SHA-256"]


def talk(
    secret: str | None = "pencil", salted: Salted | None = None, encryption: Encryption = PLAIN
) -> Callable[[], Talk[Greeting]]:
    """By default the password was stretched in an earlier login: not at every cut again."""
    known = None if secret is None else Secret(secret)
    remembered = {(b64decode(SALT), 4096): SALTED} if salted is None else salted
    credentials = Credentials("user", known, NONCE, remembered)
    return lambda: login("shop", credentials, {"application_name": "agroal"}, encryption)


def offered(mechanisms: list[bytes]) -> bytes:
    return authentication(10, b"".join(name + b"\0" for name in mechanisms) + b"\0")


def sasl(mechanisms: list[bytes], flag: bytes = b"n", mechanism: bytes = b"SCRAM-SHA-256") -> Script:
    """The server offers these, and we begin."""
    first = flag + b",,n=,r=" + NONCE.encode()
    return BEGUN >> offered(mechanisms) << message("p", mechanism + b"\0" + struct.pack("!I", len(first)) + first)


def keyed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def scram(
    challenge: bytes = CHALLENGE, salted: bytes = SALTED, flag: bytes = b"n", binding: bytes = b""
) -> tuple[bytes, bytes]:
    """Our answer to the challenge, and what the server says to it: computed as RFC 5802 §3 writes it."""
    without_proof = b"c=" + b64encode(flag + b",," + binding) + b"," + challenge.partition(b",")[0]
    signed = b"n=,r=" + NONCE.encode() + b"," + challenge + b"," + without_proof
    client_key = keyed(salted, b"Client Key")
    signature = keyed(hashlib.sha256(client_key).digest(), signed)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    final = b"v=" + b64encode(keyed(keyed(salted, b"Server Key"), signed))
    return without_proof + b",p=" + b64encode(proof), final


def proved(
    mechanisms: list[bytes] = ONLY_SCRAM,
    challenge: bytes = CHALLENGE,
    salted: bytes = SALTED,
    flag: bytes = b"n",
    binding: bytes = b"",
) -> Script:
    """The whole exchange, both sides knowing the password; with `binding`, that of SCRAM-SHA-256-PLUS."""
    proof, final = scram(challenge, salted, flag, binding)
    begun = sasl(mechanisms, flag, b"SCRAM-SHA-256-PLUS" if binding else b"SCRAM-SHA-256")
    return begun >> authentication(11, challenge) << message("p", proof) >> authentication(12, final) + OK
