from __future__ import annotations

import struct

import pytest

from agroal.errors import PoolIsFull, ProtocolViolation, ServerRefused
from agroal.wire import backend
from agroal.wire.codes import Authentication
from agroal.wire.fields import build_fields, parse_fields
from tests.unit.wire.messages import READY, message


def test_the_greeting_lets_a_client_in_and_gives_it_its_key() -> None:
    assert backend.greeting(b"12345678") == message("R", bytes(4)) + message("K", b"12345678")


def test_the_welcome_ends_what_a_server_says_after_a_login() -> None:
    assert backend.welcome({"TimeZone": "UTC"}) == message("S", b"TimeZone\0UTC\0") + READY


def test_the_mechanisms_end_with_an_empty_one() -> None:
    built = backend.authentication_sasl(["SCRAM-SHA-256"])
    assert built == message("R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
    code, data = backend.parse_authentication(built[5:])
    assert code == Authentication.SASL
    assert backend.parse_mechanisms(data) == ["SCRAM-SHA-256"]


@pytest.mark.parametrize(
    ("data", "mechanisms"), [(b"", []), (b"\0", []), (b"A\0B\0\0", ["A", "B"]), (b"A\0B\0", ["A", "B"])]
)
def test_a_list_of_mechanisms_may_be_short_of_its_end(data: bytes, mechanisms: list[str]) -> None:
    assert backend.parse_mechanisms(data) == mechanisms


def test_negotiation_lists_the_options_that_are_unknown() -> None:
    assert backend.negotiate_protocol_version(3 << 16 | 2, ("_pq_.a", "_pq_.b")) == message(
        "v", struct.pack("!II", 3 << 16 | 2, 2) + b"_pq_.a\0_pq_.b\0"
    )


def test_an_error_says_all_it_knows_and_ends_with_a_zero() -> None:
    error = PoolIsFull("connection pool is full", detail="5 of 5", hint="wait")
    assert backend.error_response(error) == message(
        "E", b"SFATAL\0VFATAL\0C53300\0Mconnection pool is full\0D5 of 5\0Hwait\0\0"
    )


def test_what_the_server_said_is_handed_on_as_fatal() -> None:
    error = ServerRefused(
        {"S": "ERROR", "V": "ERROR", "C": "3D000", "M": 'database "x" does not exist', "R": "InitPostgres"}
    )
    assert parse_fields(backend.error_response(error)[5:]) == {
        "S": "FATAL", "V": "FATAL", "C": "3D000", "M": 'database "x" does not exist', "R": "InitPostgres",
    }  # fmt: skip


def test_a_refusal_without_a_single_field_is_still_one() -> None:
    fields = parse_fields(backend.error_response(ServerRefused({}))[5:])
    assert fields["C"] == "08004"
    assert "without saying why" in fields["M"]


@pytest.mark.parametrize(("detail", "field"), [("", b""), ("no route", b"Dno route\0")])
def test_a_notice_is_of_no_consequence(detail: str, field: bytes) -> None:
    assert backend.notice_response("waiting", detail) == message(
        "N", b"SNOTICE\0VNOTICE\0C00000\0Mwaiting\0" + field + b"\0"
    )


def test_fields_survive_any_text_but_a_zero_byte() -> None:
    assert parse_fields(build_fields({"M": "a\0b", "D": "ü"})) == {"M": "a b", "D": "ü"}


@pytest.mark.parametrize("body", [b"", b"name", b"name\0", b"name\0value"])
def test_a_malformed_parameter_status_is_a_violation(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        backend.parse_parameter_status(body)


def test_the_settings_of_a_server_are_kept_up_to_date_and_bounded() -> None:
    kept: dict[str, str] = {}
    for number in range(backend.MAX_PARAMETERS):
        backend.note_parameter(b"setting_%d\0old\0" % number, kept)
    backend.note_parameter(b"setting_7\0new\0", kept)
    assert (len(kept), kept["setting_7"], kept["setting_8"]) == (backend.MAX_PARAMETERS, "new", "old")
    for body in (b"one_more\0x\0", b"setting_7\0%s\0" % (b"x" * backend.MAX_PARAMETER)):
        with pytest.raises(ProtocolViolation, match="more settings than can be kept"):
            backend.note_parameter(body, kept)
    assert kept["setting_7"] == "new"
