from __future__ import annotations

import struct

import pytest

from agroal.auth.login import Greeting
from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.scram import Verifier
from agroal.errors import ProtocolViolation, ServerRefused, ServerUnavailable
from tests.unit.auth.logins import BEGUN, GREETING, KEY, OK, OUTCOME, proved, talk
from tests.unit.script import PEER, Script, run
from tests.unit.wire.messages import IN_TRANSACTION, READY, authentication, error, message, parameter

NOTICE = message("N", b"SNOTICE\0C00000\0Mhello\0\0")


def cleartext(password: bytes = b"pencil") -> Script:
    return BEGUN >> authentication(3) << message("p", password + b"\0") >> OK


def md5(user: str = "user") -> Script:
    response = md5_response(md5_secret("pencil", user), b"salt").encode()
    return BEGUN >> authentication(5, b"salt") << message("p", response + b"\0") >> OK


METHODS = {"trust": BEGUN >> OK, "password": cleartext(), "md5": md5(), "scram-sha-256": proved()}


class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    def test_whoever_knows_the_password_logs_in(self, method: str) -> None:
        assert run(talk(), METHODS[method] >> GREETING) == OUTCOME

    def test_nothing_has_to_be_known_of_a_user_whom_the_server_trusts(self) -> None:
        assert run(talk(None), METHODS["trust"] >> GREETING) == OUTCOME

    def test_a_password_is_sent_in_the_bytes_it_came_in(self) -> None:
        assert run(talk("p\udce4ncäl"), cleartext(b"p\xe4nc\xc3\xa4l") >> GREETING) == OUTCOME

    def test_a_long_password_is_sent_whole(self) -> None:
        assert run(talk("x" * 65_000), cleartext(b"x" * 65_000) >> GREETING) == OUTCOME

    def test_an_md5_hash_is_enough_for_md5(self) -> None:
        assert run(talk(md5_secret("pencil", "user")), METHODS["md5"] >> GREETING) == OUTCOME

    @pytest.mark.parametrize(
        "asked", [authentication(3), authentication(5, b"salt"), authentication(10, b"SCRAM-SHA-256\0\0")]
    )
    @pytest.mark.parametrize(
        ("secret", "words"),
        [(None, "knows none"), (Verifier.derive("pencil", b"salt", 1).format(), "knows only a verifier")],
        ids=["nothing", "verifier"],
    )
    def test_without_the_password_what_is_missing_is_said(self, asked: bytes, secret: str | None, words: str) -> None:
        with pytest.raises(ServerUnavailable, match=f'password of user "user" .*{words}') as refusal:
            run(talk(secret), BEGUN >> asked)
        assert "agroal-admin" in refusal.value.hint

    def test_an_md5_hash_is_not_enough_for_anything_else(self) -> None:
        with pytest.raises(ServerUnavailable, match="asks for the password"):
            run(talk(md5_secret("pencil", "user")), BEGUN >> authentication(3))

    @pytest.mark.parametrize(
        "asked", [authentication(code) for code in (1, 2, 6, 7, 9, 99)] + [authentication(5, b"sal")]
    )
    def test_a_method_that_is_not_there_is_named(self, asked: bytes) -> None:
        """Kerberos 4 and 5, SCM credentials, GSSAPI, SSPI; and an MD5 salt that is none."""
        with pytest.raises(ServerUnavailable, match=rf"method that agroal does not support \(code {asked[8]}\)"):
            run(talk(), BEGUN >> asked)

    @pytest.mark.parametrize("again", [authentication(3), authentication(5, b"salt"), authentication(10, b"\0")])
    def test_one_authentication_is_enough(self, again: bytes) -> None:
        asked = Script(cleartext().steps[:-1])
        with pytest.raises(ServerUnavailable, match=r"more than one authentication \(code \d+\)"):
            run(talk(), asked >> again)


class TestGreeting:
    def test_the_last_of_equal_settings_counts(self) -> None:
        said = parameter("TimeZone", "UTC") + parameter("a", "") + parameter("TimeZone", "GMT") + READY
        assert run(talk(), BEGUN >> OK + said).parameters == {"TimeZone": "GMT", "a": ""}

    def test_a_server_without_a_cancel_key_has_none(self) -> None:
        assert run(talk(), BEGUN >> OK + READY) == Greeting({}, 0, b"")

    @pytest.mark.parametrize("length", [8, 36, 260])
    def test_a_cancel_key_may_be_long(self, length: int) -> None:
        key = struct.pack("!I", 7) + bytes(length - 4)
        greeting = run(talk(), BEGUN >> OK + message("K", key) + READY)
        assert (greeting.pid, greeting.cancel_key) == (7, key)
        assert "cancel_key" not in repr(greeting)

    @pytest.mark.parametrize(
        "illegal",
        [
            message("K", bytes(7)),
            message("K", bytes(261)),
            IN_TRANSACTION,
            message("Z", b"II"),
            message("Z"),
            OK,
            message("T", b"\0\0"),
            message("C", b"SELECT 1\0"),
            message("v", struct.pack("!II", 3 << 16, 0)),
            message("A", struct.pack("!I", 7) + b"channel\0\0"),
            message("\x01"),
        ],
    )
    def test_a_message_that_is_illegal_in_a_greeting_is_refused(self, illegal: bytes) -> None:
        with pytest.raises(ServerUnavailable, match="in the middle of the login"):
            run(talk(), BEGUN >> OK + illegal)

    @pytest.mark.parametrize(
        "illegal", [READY, message("K", KEY), parameter("a", "b"), message("S"), message("Q", b"\0")]
    )
    def test_a_message_that_is_illegal_before_it_is_refused(self, illegal: bytes) -> None:
        with pytest.raises(ServerUnavailable, match=f'type "{chr(illegal[0])}" in the middle of the login'):
            run(talk(), BEGUN >> illegal)

    @pytest.mark.parametrize(
        "malformed", [message("R"), message("R", b"\0\0\0"), OK + message("S", b"name"), OK + message("S", b"a\0b")]
    )
    def test_a_malformed_message_is_refused(self, malformed: bytes) -> None:
        with pytest.raises(ProtocolViolation, match="malformed"):
            run(talk(), BEGUN >> malformed)

    @pytest.mark.parametrize("header", [b"R\0\0\0\3", b"R\x80\0\0\0", b"S\0\1\0\1"])
    def test_a_message_of_an_impossible_length_is_refused_at_its_header(self, header: bytes) -> None:
        with pytest.raises(ProtocolViolation, match="invalid message length"):
            run(talk(), BEGUN >> header)


def moments(script: Script) -> list[tuple[Script, Script]]:
    """What was before each message of the server, and what comes with it."""
    found = []
    for at, (who, data) in enumerate(script.steps):
        begin = 0
        while who == PEER and begin < len(data):
            rest = Script(((PEER, data[begin:]), *script.steps[at + 1 :]))
            found.append((Script(script.steps[:at]) >> data[:begin], rest))
            begin += 1 + int.from_bytes(data[begin + 1 : begin + 5], "big")
    return found


class TestAtAnyMoment:
    @pytest.mark.parametrize("method", METHODS)
    def test_notices_are_passed_over(self, method: str) -> None:
        for before, rest in moments(METHODS[method] >> GREETING):
            assert run(talk(), (before >> NOTICE + NOTICE) + rest) == OUTCOME

    @pytest.mark.parametrize("method", METHODS)
    def test_an_error_ends_the_login_with_the_words_of_the_server(self, method: str) -> None:
        fields = {"S": "FATAL", "V": "FATAL", "C": "3D000", "M": 'database "shop" does not exist', "F": "postinit.c"}
        said = error(*(letter + text for letter, text in fields.items()))
        for before, _ in moments(METHODS[method] >> GREETING):
            with pytest.raises(ServerRefused) as refusal:
                run(talk(), before >> said)
            assert refusal.value.fields() == fields

    @pytest.mark.parametrize(
        ("said", "sqlstate", "words"),
        [
            (error(), "08004", "without saying why"),
            (message("E"), "08004", "without saying why"),
            (error("SFATAL", "Mno state"), "08004", "no state"),
            (error("C57P03"), "57P03", "without saying why"),
            (error("SERROR", "C53300", "Mtoo many"), "53300", "too many"),
            (message("E", b"SFATAL\0Mcut o"), "08004", "cut o"),
        ],
    )
    def test_no_field_of_an_error_is_relied_on(self, said: bytes, sqlstate: str, words: str) -> None:
        """CVE-2026-6666."""
        with pytest.raises(ServerRefused, match=words) as refusal:
            run(talk(), BEGUN >> said)
        assert refusal.value.fields()["C"] == sqlstate
        assert refusal.value.fields()["S"] == "FATAL", "it is the end for our client, too"
