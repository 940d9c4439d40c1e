from __future__ import annotations

import struct

import pytest

from agroal.auth.accept import negotiate, permit
from agroal.config.model import HbaLine, HbaType, Method, Name, Scope
from agroal.errors import NotPermitted, ProtocolViolation, UnsupportedProtocol
from agroal.wire.startup import CancelRequest, StartupMessage
from tests.unit.script import Script, hold, run
from tests.unit.wire.messages import message, startup

SSL, GSS = (struct.pack("!II", 8, code) for code in (80877103, 80877104))
STARTUP = startup("user", "ann", "database", "shop")
MESSAGE = StartupMessage(3 << 16, "ann", "shop", {})


def declined(requests: list[bytes]) -> Script:
    """Each of these questions about encryption, and our no."""
    return sum((Script() >> request << b"N" for request in requests), Script())


class TestNegotiate:
    @pytest.mark.parametrize("requests", [[], [SSL], [GSS], [SSL, GSS], [GSS, SSL]])
    def test_each_encryption_is_declined_and_the_startup_message_is_taken(self, requests: list[bytes]) -> None:
        assert run(negotiate, declined(requests) >> STARTUP) == MESSAGE

    @pytest.mark.parametrize("requests", [[], [SSL], [GSS, SSL]])
    def test_a_cancel_request_is_taken_before_and_after_a_question_about_encryption(
        self, requests: list[bytes]
    ) -> None:
        key = b"12345678"
        assert run(negotiate, declined(requests) >> struct.pack("!II", 16, 80877102) + key) == CancelRequest(key)

    @pytest.mark.parametrize("request_", [SSL, GSS])
    def test_the_same_encryption_is_not_asked_for_twice(self, request_: bytes) -> None:
        with pytest.raises(ProtocolViolation, match="same encryption twice"):
            run(negotiate, Script() >> request_ << b"N" >> request_)

    @pytest.mark.parametrize("request_", [SSL, GSS])
    @pytest.mark.parametrize("ahead", [STARTUP, b"\x16", GSS])
    def test_nothing_may_be_sent_behind_a_question_about_encryption(self, request_: bytes, ahead: bytes) -> None:
        """CVE-2021-23214: what was sent in the clear would count as encrypted."""
        with pytest.raises(ProtocolViolation, match="unencrypted data"):
            raise hold(negotiate(), Script() >> request_ + ahead).error or AssertionError("it was taken")

    @pytest.mark.parametrize(
        ("minor", "options"), [(0, ("_pq_.grease",)), (1, ()), (2, ()), (9999, ("_pq_.test_protocol_negotiation",))]
    )
    def test_what_is_newer_is_negotiated_down_once(self, minor: int, options: tuple[str, ...]) -> None:
        version = 3 << 16 | minor
        pairs = [text for name in options for text in (name, "1")]
        listed = b"".join(name.encode() + b"\0" for name in options)
        script = (
            Script()
            >> SSL
            << b"N"
            >> startup("user", "ann", *pairs, "DateStyle", "ISO", version=version)
            << message("v", struct.pack("!II", 3 << 16, len(options)) + listed)
        )
        assert run(negotiate, script) == StartupMessage(version, "ann", "ann", {"DateStyle": "ISO"}, options)

    @pytest.mark.parametrize("version", [1 << 16, 2 << 16, 4 << 16])
    def test_another_major_version_is_refused(self, version: int) -> None:
        with pytest.raises(UnsupportedProtocol, match=rf"frontend protocol {version >> 16}\.0: server supports 3\.0"):
            run(negotiate, Script() >> startup("user", "ann", version=version))

    @pytest.mark.parametrize(
        "garbage",
        [
            b"GET / HTTP/1.1\r\nHost: db\r\n\r\n",
            b"\x16\x03\x01\x02\x00",  # a TLS ClientHello without asking first
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\0\0\0\0",
            b"\0\0\0\7",
            struct.pack("!I", 10_001),
            b"\xff\xff\xff\xff",
            message("p", b"secret\0"),  # CVE-2015-4054
        ],
    )
    def test_what_can_not_be_a_startup_packet_is_refused_at_its_fourth_byte(self, garbage: bytes) -> None:
        with pytest.raises(ProtocolViolation, match="invalid length of startup packet"):
            run(negotiate, Script() >> garbage[:4])

    def test_the_largest_startup_packet_is_taken(self) -> None:
        name = "n" * (10_000 - len(startup("user", "ann", "application_name", "")))
        outcome = hold(negotiate(), Script() >> startup("user", "ann", "application_name", name), range(0, 10_000, 977))
        assert outcome.result == StartupMessage(3 << 16, "ann", "ann", {"application_name": name})

    @pytest.mark.parametrize("body", [b"\0\3\0\0user\0ann", b"\0\3\0\0user\0ann\0database", b"\0\3\0\0user\0"])
    def test_a_packet_whose_length_cuts_it_short_is_refused(self, body: bytes) -> None:
        with pytest.raises(ProtocolViolation):
            run(negotiate, Script() >> struct.pack("!I", len(body) + 4) + body)


class TestPermit:
    @staticmethod
    def line(method: Method) -> HbaLine:
        everybody = (Name("all", keyword=True),)
        return HbaLine("agroal_hba.conf", 3, HbaType.HOST, everybody, everybody, Scope.ALL, method)

    @pytest.mark.parametrize("method", [method for method in Method if method is not Method.REJECT])
    def test_a_line_that_matches_lets_the_client_try(self, method: Method) -> None:
        line = self.line(method)
        assert permit(line, MESSAGE, "10.0.0.7") is line

    def test_no_line_is_a_no_in_the_words_of_postgresql(self) -> None:
        with pytest.raises(NotPermitted) as refusal:
            permit(None, MESSAGE, "10.0.0.7")
        assert refusal.value.sqlstate == "28000"
        assert refusal.value.message == (
            'no agroal_hba.conf entry for host "10.0.0.7", user "ann", database "shop", no encryption'
        )

    def test_a_line_that_rejects_is_a_no_in_the_words_of_postgresql(self) -> None:
        with pytest.raises(NotPermitted) as refusal:
            permit(self.line(Method.REJECT), MESSAGE, "[local]")
        assert refusal.value.message == (
            'agroal_hba.conf rejects connection for host "[local]", user "ann", database "shop", no encryption'
        )
