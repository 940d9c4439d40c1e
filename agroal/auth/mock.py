"""What those are challenged with whom nobody knows: it must look like what others are."""

from __future__ import annotations

import hmac

from agroal.auth.scram import ITERATIONS, Verifier
from agroal.auth.scram_messages import KEY_LENGTH

SALT_LENGTH = 16
"""Bytes; PostgreSQL's. Other implementations use other lengths, so any is accepted."""


def salt_for(user: str, key: bytes) -> bytes:
    """A salt that looks random and is the same for a user every time, as long as the secret `key` is."""
    return hmac.digest(key, user.encode(errors="surrogateescape"), "sha256")[:SALT_LENGTH]


def mock_verifier(user: str, key: bytes) -> Verifier:
    """What an unknown user is challenged with, in a doomed exchange: the same every time, like a known user's."""
    return Verifier(ITERATIONS, salt_for(user, key), bytes(KEY_LENGTH), bytes(KEY_LENGTH))
