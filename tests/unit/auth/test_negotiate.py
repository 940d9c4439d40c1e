from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.accept import negotiate, permit
from agroal.config.model import ClientCert, HbaLine, HbaType, Method, Name, Scope
from agroal.errors import NotPermitted, ProtocolViolation, UnsupportedProtocol
from agroal.wire.startup import CancelRequest, StartupMessage
from agroal.wire.talk import Conversation
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

    @pytest.mark.parametrize("requests", [[SSL], [GSS], [SSL, GSS], [GSS, SSL]])
    @pytest.mark.parametrize("again", [SSL, GSS])
    def test_the_same_encryption_is_not_asked_for_twice(self, requests: list[bytes], again: bytes) -> None:
        if again not in requests:
            requests = [*requests, again]
        with pytest.raises(
            UnsupportedProtocol, match=rf"frontend protocol 1234\.{again[-2] * 256 + again[-1]}: server"
        ):
            run(negotiate, declined(requests) >> again)

    @pytest.mark.parametrize("request_", [SSL, GSS])
    @pytest.mark.parametrize("ahead", [STARTUP, b"\x16", GSS])
    def test_nothing_may_be_sent_behind_a_question_about_encryption(self, request_: bytes, ahead: bytes) -> None:
        """CVE-2021-23214: what was sent in the clear would count as encrypted."""
        with pytest.raises(ProtocolViolation, match="unencrypted data"):
            raise hold(negotiate(), Script() >> request_ + ahead).error or AssertionError("it was taken")

    @pytest.mark.parametrize("version", [3 << 16, 3 << 16 | 2])
    def test_what_is_spoken_is_not_negotiated(self, version: int) -> None:
        found = run(negotiate, Script() >> startup("user", "ann", version=version))
        assert found == StartupMessage(version, "ann", "ann", {})

    @pytest.mark.parametrize(
        ("minor", "options", "spoken"),
        [
            (0, ("_pq_.grease",), 0),
            (1, (), 0),
            (1, ("_pq_.grease",), 0),
            (2, ("_pq_.a", "_pq_.b"), 2),
            (3, (), 2),
            (9999, (), 2),
            (9999, ("_pq_.test_protocol_negotiation",), 2),
        ],
    )
    def test_what_is_newer_is_negotiated_down_once(self, minor: int, options: tuple[str, ...], spoken: int) -> None:
        version = 3 << 16 | minor
        pairs = [text for name in options for text in (name, "1")]
        listed = b"".join(name.encode() + b"\0" for name in options)
        script = (
            Script()
            >> SSL
            << b"N"
            >> startup("user", "ann", *pairs, "DateStyle", "ISO", version=version)
            << message("v", struct.pack("!II", 3 << 16 | spoken, len(options)) + listed)
        )
        found = run(negotiate, script)
        assert found == StartupMessage(version, "ann", "ann", {"DateStyle": "ISO"}, options)
        assert found.spoken == 3 << 16 | spoken

    @pytest.mark.parametrize("version", [1 << 16, 2 << 16, 4 << 16])
    def test_another_major_version_is_refused(self, version: int) -> None:
        with pytest.raises(
            UnsupportedProtocol, match=rf"frontend protocol {version >> 16}\.0: server supports 3\.0 to 3\.2"
        ):
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


def secured(before: list[bytes], inside: bytes, cuts: list[int]) -> Conversation[StartupMessage | CancelRequest]:
    """A client that asks for these encryptions, gets TLS by the last, and then says this in these pieces."""
    conversation = Conversation(negotiate(True))
    conversation.start()
    said = b""
    for request in before:
        for byte in request:
            assert not conversation.securing
            conversation.receive(bytes([byte]))
        said += conversation.to_send()
    assert conversation.securing
    assert said == b"N" * (len(before) - 1) + b"S"
    conversation.secured()
    for begin, end in pairwise([0, *cuts, len(inside)]):
        conversation.receive(inside[begin:end])
    return conversation


class TestTls:
    @pytest.mark.parametrize("before", [[SSL], [GSS, SSL]])
    @pytest.mark.parametrize("cut", range(1, len(STARTUP)))
    def test_tls_is_accepted_and_the_startup_message_taken_inside(self, before: list[bytes], cut: int) -> None:
        conversation = secured(before, STARTUP, [cut])
        assert conversation.done
        assert conversation.result == MESSAGE
        assert (conversation.to_send(), conversation.take_unread()) == (b"", b"")

    def test_what_is_newer_is_negotiated_down_inside(self) -> None:
        conversation = secured([SSL], startup("user", "ann", version=3 << 16 | 9999), [])
        assert conversation.to_send() == message("v", struct.pack("!II", 3 << 16 | 2, 0))

    def test_a_cancel_request_is_taken_inside(self) -> None:
        key = bytes(range(36))
        assert secured([SSL], struct.pack("!II", 44, 80877102) + key, []).result == CancelRequest(key)

    @pytest.mark.parametrize("before", [[SSL], [GSS, SSL]])
    @pytest.mark.parametrize(("again", "number"), [(SSL, 5679), (GSS, 5680)])
    def test_no_further_encryption_can_be_asked_for_inside(
        self, before: list[bytes], again: bytes, number: int
    ) -> None:
        with pytest.raises(UnsupportedProtocol, match=rf"unsupported frontend protocol 1234\.{number}: server"):
            secured(before, again, [])

    @pytest.mark.parametrize("ahead", [STARTUP, b"\x16\x03\x01", b"\0", GSS])
    def test_bytes_behind_the_request_are_refused_and_the_answer_is_not_given(self, ahead: bytes) -> None:
        """CVE-2021-23214."""
        outcome = hold(negotiate(True), Script() >> SSL + ahead)
        assert isinstance(outcome.error, ProtocolViolation)
        assert "unencrypted data" in outcome.error.message

    @pytest.mark.parametrize("tls", [False, True])
    @pytest.mark.parametrize("requests", [[], [SSL], [GSS], [SSL, GSS], [GSS, SSL]])
    def test_who_began_with_tls_gets_no_more_of_it(self, requests: list[bytes], tls: bool) -> None:
        assert run(lambda: negotiate(tls, secured=True), declined(requests) >> STARTUP) == MESSAGE

    @pytest.mark.parametrize("requests", [[], [GSS]])
    def test_that_tls_is_offered_forces_nobody(self, requests: list[bytes]) -> None:
        assert run(lambda: negotiate(True), declined(requests) >> STARTUP) == MESSAGE


@given(
    st.lists(st.sampled_from([SSL, GSS, STARTUP]) | st.binary(max_size=40), max_size=5), st.booleans(), st.booleans()
)
def test_whatever_comes_the_talk_ends_or_waits_or_refuses(units: list[bytes], tls: bool, direct: bool) -> None:
    conversation = Conversation(negotiate(tls, secured=direct))
    conversation.start()
    with suppress(ProtocolViolation, UnsupportedProtocol, NotPermitted):
        for unit in units:
            if conversation.securing:
                conversation.secured()
            conversation.receive(unit)
    offered = b"[NS]" if tls and not direct else b"N"
    assert re.fullmatch(offered + rb"{0,2}(v.{4}\x00\x03\x00[\x00\x02].*)?", conversation.to_send(), re.DOTALL)


class TestPermit:
    @staticmethod
    def line(method: Method) -> HbaLine:
        everybody = (Name("all", keyword=True),)
        return HbaLine("agroal_hba.conf", 3, HbaType.HOST, everybody, everybody, Scope.ALL, method)

    @staticmethod
    def certain(clientcert: ClientCert) -> HbaLine:
        return replace(TestPermit.line(Method.SCRAM_SHA_256), type=HbaType.HOSTSSL, clientcert=clientcert)

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

    def test_that_the_connection_is_encrypted_is_said(self) -> None:
        with pytest.raises(NotPermitted, match=r'database "shop", SSL encryption$'):
            permit(None, MESSAGE, "10.0.0.7", encrypted=True)
        with pytest.raises(NotPermitted, match=r"rejects connection .* SSL encryption$"):
            permit(self.line(Method.REJECT), MESSAGE, "10.0.0.7", encrypted=True)

    @pytest.mark.parametrize("clientcert", [ClientCert.VERIFY_CA, ClientCert.VERIFY_FULL])
    def test_a_certificate_that_is_wanted_must_be_there(self, clientcert: ClientCert) -> None:
        with pytest.raises(NotPermitted, match=r"^connection requires a valid client certificate$"):
            permit(self.certain(clientcert), MESSAGE, "10.0.0.7", encrypted=True)
        assert permit(self.certain(clientcert), MESSAGE, "10.0.0.7", encrypted=True, certified="ann")

    @pytest.mark.parametrize("certified", ["", "Ann", "ann ", "bob"])
    def test_with_verify_full_it_must_be_the_users(self, certified: str) -> None:
        assert permit(self.certain(ClientCert.VERIFY_CA), MESSAGE, "10.0.0.7", encrypted=True, certified=certified)
        with pytest.raises(NotPermitted, match=r'^certificate authentication failed for user "ann"$'):
            permit(self.certain(ClientCert.VERIFY_FULL), MESSAGE, "10.0.0.7", encrypted=True, certified=certified)
