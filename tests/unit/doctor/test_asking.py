from __future__ import annotations

import struct

import pytest

from agroal.doctor import asking
from agroal.doctor.patient import Role
from agroal.errors import ProtocolViolation, ServerRefused
from agroal.wire.talk import Conversation, Talk

SYNCED = b"Z\0\0\0\x05I"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def row(*values: str | None) -> bytes:
    cells = [b"\xff\xff\xff\xff" if v is None else struct.pack("!I", len(v.encode())) + v.encode() for v in values]
    return message(b"D", struct.pack("!H", len(values)) + b"".join(cells))


def answer(*rows: bytes) -> bytes:
    return message(b"1", b"") + message(b"2", b"") + b"".join(rows) + message(b"C", b"SELECT\0") + SYNCED


def refusal(text: str) -> bytes:
    return message(b"E", b"SERROR\0VERROR\0C42601\0M" + text.encode() + b"\0\0") + SYNCED


def converse(talk: Talk[object], *answers: bytes) -> tuple[object, list[bytes]]:
    """What it comes to, and what was said each time."""
    conversation = Conversation(talk, b"", 1 << 20)
    conversation.start()
    said = [conversation.to_send()]
    for one in answers:
        conversation.receive(memoryview(one))
        said.append(conversation.to_send())
    assert conversation.done
    return conversation.result, said


def test_rows_come_as_text_and_null() -> None:
    assert converse(asking.rows("SELECT 1"), answer(row("a", None), row("", "ü")))[0] == [("a", None), ("", "ü")]


@pytest.mark.parametrize("body", [b"", b"\0\1", b"\0\1\0\0\0\x05ab", b"\0\1\xff\xff\xff\xfe"])
def test_a_row_that_is_none_is_a_violation(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        converse(asking.rows("SELECT 1"), answer(message(b"D", body)))


def test_after_a_refusal_the_next_can_be_asked() -> None:
    def talk() -> Talk[object]:
        try:
            yield from asking.rows("SELECT x")
        except ServerRefused:
            return (yield from asking.rows("SELECT 1"))

    assert converse(talk(), refusal("no x"), answer(row("1")))[0] == [("1",)]


def test_facts_of_who_may_see_everything() -> None:
    answers = [
        answer(row("170002", "f", "t")),
        answer(row("max_connections", "100")),
        answer(row("7")),
        answer(row("web", "t", "f", "-1", "scram"), row("old", "f", "t", "0", "md5")),
        answer(row("shop", "-1"), row("small", "0")),
    ]
    found, said = converse(asking.facts("root", ["web", 'o"ld'], 5), *answers)
    assert found.connections == 2  # type: ignore[attr-defined]
    assert found.roles == {  # type: ignore[attr-defined]
        "web": Role("scram"),
        "old": Role("md5", can_login=False, expired=True, limit=0),
    }
    assert found.databases == {"shop": -1, "small": 0}  # type: ignore[attr-defined]
    assert b"pg_authid WHERE" in said[3]
    assert b'{"web","o\\"ld"}' in said[3]


def test_facts_of_who_may_not_see_secrets() -> None:
    answers = [
        answer(row("170002", "t", "f")),
        answer(),
        answer(row("1")),
        answer(row("web", "t", "f", "5", None)),
        answer(),
    ]
    found, said = converse(asking.facts("web", ["web"], 9), *answers)
    assert (found.standby, found.connections) == (True, 0)  # type: ignore[attr-defined]
    assert found.roles == {"web": Role(None, limit=5)}  # type: ignore[attr-defined]
    assert b"pg_roles WHERE" in said[3]


def test_a_reset_query_is_parsed_statement_by_statement_and_never_run() -> None:
    parsed = message(b"1", b"") + SYNCED
    problem, said = converse(asking.reset("RESET ALL; SELECT 'a;b' ;"), parsed, parsed)
    assert problem == ""
    assert b"SELECT 'a;b'" in said[1]
    assert not any(b"E\0\0\0" in words for words in said), "nothing is executed"
    assert converse(asking.reset("DISCARD ALLES"), refusal("syntax error"))[0] == "syntax error"
    assert list(asking.reset("")) == []


def test_who_asks_for_secrets_is_asked_who_it_is() -> None:
    assert converse(asking.lookup("asks"), answer(row("t")), answer(row("SCRAM…")))[0] == (True, True)
    assert converse(asking.lookup("asks"), answer(row("f")), answer())[0] == (False, False)
