from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from agroal.daemon.about import fields_of
from agroal.daemon.slow import asked, report
from agroal.pipeline.fingerprint import fingerprint
from agroal.pipeline.statements import Statement
from tests.unit.pipeline.model import bind, execute, parse, query
from tests.unit.wire.messages import SYNC


class Session(SimpleNamespace):
    def __str__(self) -> str:
        return "client [local] user=ann database=shop"


def test_a_slow_statement_is_a_line_without_a_value_in_it(caplog: pytest.LogCaptureFixture) -> None:
    statement = b"SELECT * FROM t WHERE name = 'Ann\n' AND id IN (1, 2)"
    with caplog.at_level(logging.INFO):
        report(Session(), statement, 0.8123)  # type: ignore[arg-type]
    digest = fingerprint(statement).digest
    (line,) = caplog.records
    assert line.getMessage() == (
        "slow statement: 812.3 ms, client [local] user=ann database=shop, "
        f"fingerprint {digest}: select * from t where name = ? and id in (?)"
    )
    expected: dict[str, Any] = {
        "event": "slow-statement",
        "seconds": 0.8123,
        "fingerprint": digest,
        "statement": "select * from t where name = ? and id in (?)",
    }
    assert fields_of(line) == expected


KNOWN = {b"a": Statement(b"agroal_1", b"SELECT 2\0\0\0")}


@pytest.mark.parametrize(
    ("words", "statement"),
    [
        (query("SELECT 1") + query("SELECT 2"), b"SELECT 1"),
        (query("SELECT 1")[:-4], b"SELEC"),
        (parse("s", "SELECT $1") + bind("s") + execute() + SYNC, b"SELECT $1"),
        (bind("a") + execute() + SYNC, b"SELECT 2"),
        (bind("b") + execute() + SYNC, b"execute b"),
        (SYNC, b""),
        (b"Q\0\0", b""),
        (b"", b""),
    ],
    ids=["query", "cut", "parse", "known", "unknown", "sync", "header", "nothing"],
)
def test_the_statement_in_what_a_client_sent(words: bytes, statement: bytes) -> None:
    assert asked(words, KNOWN) == statement
