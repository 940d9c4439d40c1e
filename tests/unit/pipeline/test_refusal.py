from __future__ import annotations

import pytest

from agroal.errors import Cancelled
from agroal.pipeline.refusal import refused_request
from tests.unit.pipeline.model import bind, execute, parse, query
from tests.unit.wire.messages import READY, SYNC, message

ERROR = Cancelled("canceling statement due to user request")
BATCH = parse("", "SELECT 1") + bind("") + execute()


@pytest.mark.parametrize("said", [query("SELECT 1"), BATCH + SYNC, SYNC, message("F", bytes(12)), BATCH + query("x")])
def test_who_asked_for_one_thing_can_go_on(said: bytes) -> None:
    answer = refused_request(said, ERROR)
    assert answer is not None
    assert answer[:1] == b"E"
    for field in (b"SERROR\0", b"VERROR\0", b"C57014\0", b"Mcanceling statement due to user request\0"):
        assert field in answer
    assert answer.endswith(READY)


@pytest.mark.parametrize("said", [b"", b"Q", query("SELECT 1")[:-1], BATCH, query("a") * 2, BATCH + SYNC + BATCH])
def test_who_has_asked_for_less_or_more_can_not(said: bytes) -> None:
    assert refused_request(said, ERROR) is None
