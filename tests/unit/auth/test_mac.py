from __future__ import annotations

import hmac

import pytest

from agroal.auth.mac import BLOCK, Mac


@pytest.mark.parametrize("size", [1, 32, BLOCK - 1, BLOCK, BLOCK + 1, 200])
def test_signs_as_hmac_does_each_time(size: int) -> None:
    key = bytes(range(size))
    mac = Mac(key)
    for message in (b"", b"n=,r=nonce", b"x" * 500, b""):
        assert mac.sign(message) == hmac.digest(key, message, "sha256")


def test_signs_as_rfc_4231_says() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert Mac(b"Jefe").sign(b"what do ya want for nothing?").hex() == expected
