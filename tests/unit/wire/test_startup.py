from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ClientFacing, NotPermitted, ProtocolViolation, UnsupportedProtocol
from agroal.wire.backend import negotiate_protocol_version
from agroal.wire.startup import (
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    build_cancel,
    build_startup,
    parse_options,
    parse_startup,
    requested_settings,
)
from tests.unit.wire.messages import startup


def parse(packet: bytes) -> object:
    return parse_startup(packet[4:])


def test_the_special_requests_are_told_apart_by_their_code() -> None:
    assert parse_startup(struct.pack("!I", 80877103)) == SSLRequest()
    assert parse_startup(struct.pack("!I", 80877104)) == GSSENCRequest()
    for length in (8, 9, 36, 260):
        assert parse_startup(struct.pack("!I", 80877102) + b"k" * length) == CancelRequest(b"k" * length)


def test_a_startup_message_says_who_wants_what() -> None:
    packet = startup("user", "ann", "database", "shop", "application_name", "x", "DateStyle", "ISO")
    assert parse(packet) == StartupMessage(3 << 16, "ann", "shop", {"application_name": "x", "DateStyle": "ISO"})


@pytest.mark.parametrize("pairs", [("user", "ann"), ("user", "ann", "database", "")])
def test_a_database_that_is_not_named_is_called_like_the_user(pairs: tuple[str, ...]) -> None:
    found = parse(startup(*pairs))
    assert isinstance(found, StartupMessage)
    assert found.database == "ann"


def test_options_of_the_protocol_itself_are_kept_apart() -> None:
    found = parse(startup("user", "ann", "_pq_.grease", "1", "a", "b", version=(3 << 16) + 9999))
    assert isinstance(found, StartupMessage)
    assert (found.version & 0xFFFF, found.unknown_options, found.parameters) == (9999, ("_pq_.grease",), {"a": "b"})


@pytest.mark.parametrize(
    ("minor", "options", "spoken", "negotiable"),
    [
        (0, (), 0, False),
        (0, ("_pq_.grease", "1"), 0, True),
        (1, (), 0, True),
        (2, (), 2, False),
        (2, ("_pq_.grease", "1"), 2, True),
        (3, (), 2, True),
        (9999, (), 2, True),
        (0xFFFF, ("_pq_.grease", "1"), 2, True),
    ],
)
def test_the_newest_version_that_both_know_is_spoken(
    minor: int, options: tuple[str, ...], spoken: int, negotiable: bool
) -> None:
    found = parse(startup("user", "ann", *options, version=3 << 16 | minor))
    assert isinstance(found, StartupMessage)
    assert (found.version, found.spoken, found.negotiable) == (3 << 16 | minor, 3 << 16 | spoken, negotiable)


def test_names_that_are_not_utf8_survive_the_way_through() -> None:
    raw = b"user\0b\xe4r\0database\0k\xe4se\0"
    found = parse_startup(struct.pack("!I", 3 << 16) + raw + b"\0")
    assert isinstance(found, StartupMessage)
    assert raw in build_startup(found.user, found.database, {})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "invalid length"),
        (b"\0\3\0", "invalid length"),
        (struct.pack("!I", 3 << 16) + b"user\0ann\0x", "terminator"),
        (struct.pack("!I", 3 << 16) + b"user\0ann\0\0\0", "terminator"),
        (struct.pack("!I", 3 << 16) + b"user\0", "without a value"),
        (struct.pack("!I", 3 << 16) + b"user\0ann\0name\0", "without a value"),
        (struct.pack("!II", 80877102, 7), "invalid length of cancel request"),
        (struct.pack("!I", 80877102) + bytes(261), "invalid length of cancel request"),
    ],
)
def test_a_malformed_packet_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(ProtocolViolation, match=words):
        parse_startup(body)


@pytest.mark.parametrize("pairs", [(), ("user", ""), ("database", "shop")])
def test_a_client_that_names_no_user_is_not_let_in(pairs: tuple[str, ...]) -> None:
    with pytest.raises(NotPermitted, match="no PostgreSQL user name"):
        parse(startup(*pairs))


@pytest.mark.parametrize("version", [2 << 16, 4 << 16, 0, 0xFFFFFFFF])
def test_another_major_version_is_refused(version: int) -> None:
    words = rf"unsupported frontend protocol {version >> 16}\.{version & 0xFFFF}: server supports 3\.0 to 3\.2"
    with pytest.raises(UnsupportedProtocol, match=words) as refusal:
        parse(startup("user", "ann", version=version))
    assert ("PostgreSQL 7.4 or newer" in refusal.value.hint) is (version >> 16 < 3)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(body: bytes) -> None:
    for data in (body, struct.pack("!I", 3 << 16) + body):
        with suppress(ClientFacing):
            parse_startup(data)


@given(
    st.sampled_from([3 << 16, 3 << 16 | 2, 3 << 16 | 9999]),
    st.lists(
        st.binary(max_size=9) | st.sampled_from([b"user", b"database", b"_pq_.x", b"options", b"replication", b""])
    ),
    st.sampled_from([b"", b"\0", b"\0\0"]),
)
def test_what_is_taken_of_a_startup_message_can_be_said_again(version: int, pieces: list[bytes], end: bytes) -> None:
    with suppress(ClientFacing):
        found = parse_startup(struct.pack("!I", version) + b"\0".join(pieces) + end)
        assert isinstance(found, StartupMessage)
        again = build_startup(found.user, found.database, found.parameters)
        assert parse(again) == StartupMessage(3 << 16, found.user, found.database, found.parameters)
        assert negotiate_protocol_version(found.spoken, found.unknown_options).count(b"_pq_.") >= len(
            found.unknown_options
        )
        requested_settings(found)


def test_a_cancel_request_for_a_server_has_its_key() -> None:
    assert build_cancel(b"12345678") == struct.pack("!II", 16, 80877102) + b"12345678"


def test_a_name_with_a_zero_byte_can_not_be_sent() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        build_startup("ann\0database\0other", "shop", {})


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("", {}),
        ("  ", {}),
        ("-c a=b", {"a": "b"}),
        ("-ca=b --work-mem=1MB", {"a": "b", "work_mem": "1MB"}),
        (r"-c search_path=a\ b\\c", {"search_path": r"a b\c"}),
        ("-c a=", {"a": ""}),
        ("-c a=b=c", {"a": "b=c"}),
        (r"-c a=x\ -c\ role=postgres", {"a": "x -c role=postgres"}),
        ("-c a=1 -c a=2", {"a": "2"}),
    ],
)
def test_options_are_settings(options: str, settings: dict[str, str]) -> None:
    assert parse_options(options) == settings


@pytest.mark.parametrize("options", ["-B 100", "-c", "--", "stray", "-d5"])
def test_a_switch_that_is_no_setting_is_named(options: str) -> None:
    with pytest.raises(UnsupportedProtocol, match="command-line switch"):
        parse_options(options)


@pytest.mark.parametrize("options", ["-c a", "-c =b", "--a"])
def test_a_setting_without_a_value_is_named(options: str) -> None:
    with pytest.raises(ProtocolViolation, match="requires a value"):
        parse_options(options)


def settings(*pairs: str) -> dict[str, str]:
    packet = parse(startup("user", "ann", *pairs))
    assert isinstance(packet, StartupMessage)
    return requested_settings(packet)


def test_what_a_client_names_itself_goes_before_its_options() -> None:
    asked = settings("options", "-c DateStyle=German -c geqo=off", "DateStyle", "ISO", "application_name", "x")
    assert asked == {"application_name": "x", "DateStyle": "ISO", "geqo": "off"}


def test_a_client_without_an_application_name_has_an_empty_one() -> None:
    assert settings() == {"application_name": ""}


def test_replication_is_refused_unless_it_is_off() -> None:
    assert "replication" not in settings("replication", "false")
    for value in ("true", "database", "on"):
        with pytest.raises(UnsupportedProtocol, match="replication"):
            settings("replication", value)
