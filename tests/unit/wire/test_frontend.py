from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ProtocolViolation
from agroal.wire import frontend
from tests.unit.wire.messages import message


def test_the_messages_for_servers_have_the_layout_of_the_manual() -> None:
    assert frontend.query("ROLLBACK") == message("Q", b"ROLLBACK\0")
    assert frontend.password(b"md5abc") == message("p", b"md5abc\0")
    assert frontend.sasl_initial_response("SCRAM-SHA-256", b"n,,n=,r=x") == message(
        "p", b"SCRAM-SHA-256\0\0\0\0\x09n,,n=,r=x"
    )
    assert frontend.sasl_response(b"c=biws") == message("p", b"c=biws")
    assert message("X") == frontend.TERMINATE


def test_values_travel_beside_the_statement() -> None:
    assert frontend.extended_query("SELECT $1, $2", ["'; DROP", "ü"]) == (
        message("P", b"\0SELECT $1, $2\0\0\0")
        + message("B", b"\0\0\0\0\0\2\0\0\0\7'; DROP\0\0\0\2\xc3\xbc\0\0")
        + message("E", b"\0\0\0\0\0")
        + message("S")
    )


def test_a_password_is_one_string() -> None:
    assert frontend.parse_password(b"secret\0") == b"secret"
    for body in (b"", b"secret", b"se\0cret\0", b"secret\0\0"):
        with pytest.raises(ProtocolViolation, match="password packet"):
            frontend.parse_password(body)


def test_a_sasl_initial_response_names_its_mechanism() -> None:
    assert frontend.parse_sasl_initial_response(b"SCRAM\0\0\0\0\3n,,") == ("SCRAM", b"n,,")
    assert frontend.parse_sasl_initial_response(b"SCRAM\0\xff\xff\xff\xff") == ("SCRAM", b"")


@given(st.binary(max_size=40))
def test_a_malformed_sasl_initial_response_is_a_violation(body: bytes) -> None:
    try:
        mechanism, data = frontend.parse_sasl_initial_response(body)
    except ProtocolViolation:
        return
    assert len(mechanism) + 1 + 4 + len(data) <= len(body)
