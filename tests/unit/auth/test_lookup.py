"""What PostgreSQL is asked of a stranger, and everything that it may answer."""

from __future__ import annotations

import re
import struct

import pytest

from agroal.auth.lookup import LONGEST_NAME, QUERY, STARTUP, look_up
from agroal.auth.md5 import md5_secret
from agroal.auth.scram import Verifier
from agroal.errors import ProtocolViolation, ServerRefused, ServerUnavailable
from agroal.wire import frontend
from tests.unit.script import Script, run
from tests.unit.wire.messages import READY, error, message, parameter

VERIFIER = Verifier.derive("pencil", bytes(16), 1).format()
BOUND = message("1") + message("2")
DONE = message("C", b"SELECT 1\0") + READY


def row(*values: bytes | None) -> bytes:
    columns = b"".join(struct.pack("!i", -1 if value is None else len(value)) + (value or b"") for value in values)
    return message("D", struct.pack("!H", len(values)) + columns)


def asked(user: str = "eve") -> Script:
    return Script() << frontend.extended_query(QUERY, [user])


def answered(answer: bytes) -> str | None:
    return run(lambda: look_up("eve"), asked() >> answer)


class TestAnswers:
    @pytest.mark.parametrize("secret", [VERIFIER, md5_secret("pencil", "eve")])
    def test_a_secret(self, secret: str) -> None:
        assert answered(BOUND + row(secret.encode()) + DONE) == secret

    def test_no_such_role_or_one_that_may_not_come_in(self) -> None:
        assert answered(BOUND + message("C", b"SELECT 0\0") + READY) is None

    def test_a_role_without_a_password(self) -> None:
        assert answered(BOUND + row(None) + DONE) is None

    @pytest.mark.parametrize("text", [b"", b"pencil", b"SCRAM-SHA-256$0:AA==$AA==:AA==", b"md5", b"\xff\xfe"])
    def test_a_secret_of_no_known_form_is_not_taken_for_a_password(self, text: bytes) -> None:
        """Whoever had read it could come in with it."""
        assert answered(BOUND + row(text) + DONE) is None

    def test_notices_and_changed_settings_in_between_mean_nothing(self) -> None:
        between = message("N", b"SWARNING\0C01000\0Mno\0\0") + parameter("TimeZone", "UTC")
        assert answered(between + BOUND + between + row(VERIFIER.encode()) + between + DONE) == VERIFIER


class TestWhatIsNoAnswer:
    @pytest.mark.parametrize("before", [b"", BOUND, BOUND + row(VERIFIER.encode())])
    def test_an_error_is_raised_whenever_it_comes(self, before: bytes) -> None:
        refused = error("SERROR", "C42501", "Mpermission denied for table pg_authid")
        with pytest.raises(ServerRefused, match="permission denied for table pg_authid"):
            answered(before + refused)

    @pytest.mark.parametrize(
        "malformed",
        [
            row(),
            row(b"a", b"b"),
            row(None, None),
            message("D", b""),
            message("D", b"\0\1"),
            message("D", b"\0\1\0\0\0"),
            message("D", b"\0\1" + struct.pack("!i", 4) + b"abc"),
            message("D", b"\0\1" + struct.pack("!i", 2) + b"abc"),
            message("D", b"\0\1" + struct.pack("!i", -2)),
            message("D", b"\0\1" + struct.pack("!i", -1) + b"a"),
        ],
    )
    def test_a_row_that_is_none(self, malformed: bytes) -> None:
        with pytest.raises(ProtocolViolation, match="malformed DataRow"):
            answered(BOUND + malformed + DONE)

    @pytest.mark.parametrize("kind", list("3AGHIKRTVWnst"))
    def test_messages_that_belong_to_something_else(self, kind: str) -> None:
        with pytest.raises(ServerUnavailable, match=f'unexpected message type "{kind}"'):
            answered(BOUND + message(kind, bytes(8)))

    @pytest.mark.parametrize("status", [b"T", b"E", b"", b"II"])
    def test_a_server_that_is_not_idle_at_the_end(self, status: bytes) -> None:
        with pytest.raises(ServerUnavailable, match='unexpected message type "Z"'):
            answered(BOUND + row(VERIFIER.encode()) + message("C", b"SELECT 1\0") + message("Z", status))


class TestTheQuestion:
    @pytest.mark.parametrize("user", ["eve", "x' OR true --", "\\'; DROP ROLE eve", '"', "$1", "é", "\udcff", "a b"])
    def test_the_name_is_bound_and_not_part_of_the_statement(self, user: str) -> None:
        assert run(lambda: look_up(user), asked(user) >> BOUND + DONE) is None
        (step,) = asked(user).steps
        statement, _, rest = step[1].partition(b"\0B")
        assert statement.endswith(QUERY.encode() + b"\0\0")
        assert user.encode("utf-8", "surrogateescape") in rest

    def test_everything_in_the_statement_is_named_with_its_schema(self) -> None:
        """No object of anybody else's is ever called with the superuser's rights: CVE-2018-1058."""
        assert [*re.findall(r"\bFROM (\S+)", QUERY)] == ["pg_catalog.pg_authid"]
        assert all(name.startswith("pg_catalog.") for name in re.findall(r"(\S+)\(\)", QUERY))
        without_operators = re.sub(r"OPERATOR\(pg_catalog\.[=>]\)", "", QUERY)
        assert not re.search(r"[-+*/<>=~!@#%^&|`?]", without_operators), "an operator without its schema"
        assert "::" not in QUERY

    def test_the_connection_looks_nowhere_else(self) -> None:
        assert STARTUP["search_path"] == "pg_catalog"

    def test_the_longest_name_is_as_long_as_postgresqls(self) -> None:
        assert LONGEST_NAME == 63
