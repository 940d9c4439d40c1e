from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.scram_messages import (
    MAX_ITERATIONS,
    MAX_NONCE,
    MAX_SALT,
    ClientFinal,
    ClientFirst,
    ServerFirst,
    read_client_final,
    read_client_first,
    read_server_final,
    read_server_first,
)
from tests.unit.auth.test_scram import damaged

PROOF = bytes(range(32))
FINAL = b"c=biws,r=abcdefSERVER,p=" + b64encode(PROOF)
SERVER_FIRST = b"r=abcdefSERVER,s=" + b64encode(b"salt") + b",i=4096"


@pytest.mark.parametrize("flag", [b"n", b"y", b"p=tls-server-end-point", b"p=tls-unique", b"p="])
def test_the_first_message_of_a_client_begins_with_what_it_binds(flag: bytes) -> None:
    assert read_client_first(flag + b",,n=ann,r=abcdef,x=1") == ClientFirst(flag, b"n=ann,r=abcdef,x=1", b"abcdef")


def test_the_last_message_of_a_client_ends_with_its_proof() -> None:
    found = read_client_final(FINAL, b"abcdefSERVER")
    assert found == ClientFinal(b"c=biws,r=abcdefSERVER", b"biws", PROOF)


def test_the_messages_of_a_server() -> None:
    assert read_server_first(SERVER_FIRST, b"abcdef") == ServerFirst(b"abcdefSERVER", b"salt", 4096)
    assert read_server_final(b"v=" + b64encode(PROOF)) == PROOF


@pytest.mark.parametrize(
    ("read", "right"),
    [
        (read_client_first, b"p=tls-server-end-point,,n=,r=abcdef"),
        (lambda message: read_client_final(message, b"abcdefSERVER"), FINAL),
        (lambda message: read_server_first(message, b"abcdef"), SERVER_FIRST),
        (read_server_final, b"v=" + b64encode(PROOF)),
    ],
)
@given(st.data())
def test_any_bytes_are_read_or_complained_about(
    read: Callable[[bytes], object], right: bytes, data: st.DataObject
) -> None:
    with suppress(ValueError):
        match read(data.draw(damaged(right) | st.binary())):
            case ClientFirst(flag, bare, nonce):
                assert flag in (b"n", b"y") or flag.startswith(b"p=")
                assert b"r=" + nonce in bare
                assert 1 <= len(nonce) <= MAX_NONCE
            case ClientFinal(without_proof, channel, proof):
                assert without_proof.startswith(b"c=" + channel + b",r=abcdefSERVER")
                assert len(proof) == 32
            case ServerFirst(nonces, salt, iterations):
                assert nonces.startswith(b"abcdef")
                assert 1 <= len(salt) <= MAX_SALT
                assert 1 <= iterations <= MAX_ITERATIONS
