from __future__ import annotations

import pytest

from agroal.pipeline.ledger import Dirt, judge
from agroal.wire.chosen import BackendScanner, FrontendScanner, Tally
from tests.unit.wire.messages import IN_TRANSACTION, READY, SYNC, TERMINATE, message

QUERY = message("Q", b"SELECT 1\0")
BATCH = message("P", b"\0SELECT 1\0\0\0") + message("B", bytes(8)) + message("E", bytes(5))
ANSWER = message("D", b"\0\0") + message("C", b"SELECT 1\0")
FAILURE = message("E", b"SERROR\0C42601\0Msyntax\0\0")
COPY_IN = message("G", b"\0\0\0")


def verdict(requests: bytes, answers: bytes, unsent: bool = False) -> Dirt | None:
    """What the judge says of a server that was sent and has said this."""
    tally = Tally({})
    scanners = FrontendScanner(tally), BackendScanner(tally)
    for scanner, data in zip(scanners, (requests, answers), strict=True):
        scanner.walk(data, len(data))
    return judge(tally, *scanners, unsent)


@pytest.mark.parametrize(
    ("requests", "answers"),
    [
        (b"", b""),
        (QUERY, ANSWER + READY),
        (QUERY, FAILURE + READY),
        (QUERY + QUERY, ANSWER + READY + FAILURE + READY),
        (QUERY, ANSWER + IN_TRANSACTION),
        (BATCH + SYNC, ANSWER + READY),
        (BATCH + SYNC, FAILURE + READY),
        (BATCH + SYNC + BATCH + SYNC, ANSWER + READY + ANSWER + READY),
        (BATCH + message("H") + SYNC, ANSWER + READY),
        (message("F", bytes(12)), message("V", b"\0\0\0\0") + READY),
        (QUERY + message("d", b"1\n") + message("c"), COPY_IN + ANSWER + READY),
        (QUERY + message("f", b"no\0"), COPY_IN + FAILURE + READY),
        (QUERY + TERMINATE, ANSWER + READY),
        (QUERY, ANSWER + READY + message("A", bytes(4) + b"news\0\0")),
        (BATCH + QUERY, ANSWER + ANSWER + READY),
    ],
)
def test_a_server_that_has_answered_all_is_clean(requests: bytes, answers: bytes) -> None:
    """Also one in a transaction: that is rolled back."""
    assert verdict(requests, answers) is None


@pytest.mark.parametrize(
    ("requests", "answers", "dirt"),
    [
        (QUERY, b"", Dirt.OWES_ANSWERS),
        (QUERY, ANSWER, Dirt.OWES_ANSWERS),
        (QUERY + QUERY, ANSWER + READY, Dirt.OWES_ANSWERS),
        (BATCH + SYNC + SYNC, ANSWER + READY, Dirt.OWES_ANSWERS),
        (BATCH + SYNC, FAILURE, Dirt.OWES_ANSWERS),
        (QUERY + message("d", b"1\n"), COPY_IN, Dirt.OWES_ANSWERS),
        (b"", READY, Dirt.OWES_NOTHING_ASKED),
        (QUERY, ANSWER + READY + READY, Dirt.OWES_NOTHING_ASKED),
        (BATCH, b"", Dirt.BATCH_OPEN),
        (BATCH, ANSWER, Dirt.BATCH_OPEN),
        (BATCH, FAILURE, Dirt.BATCH_OPEN),
        (BATCH + message("H"), ANSWER, Dirt.BATCH_OPEN),
        (QUERY + message("C", b"S\0"), ANSWER + READY, Dirt.BATCH_OPEN),
        (QUERY[:1], b"", Dirt.REQUEST_CUT),
        (QUERY[:-1], b"", Dirt.REQUEST_CUT),
        (QUERY + SYNC[:3], ANSWER + READY, Dirt.REQUEST_CUT),
        (QUERY, ANSWER + READY + b"N", Dirt.ANSWER_CUT),
        (QUERY, ANSWER + READY + message("N", bytes(100))[:-1], Dirt.ANSWER_CUT),
        (QUERY, ANSWER + READY[:-1], Dirt.OWES_ANSWERS),
    ],
)
def test_in_doubt_there_is_a_reason_to_close_it(requests: bytes, answers: bytes, dirt: Dirt) -> None:
    assert verdict(requests, answers) is dirt


def test_what_the_server_has_not_taken_makes_it_unfit() -> None:
    assert verdict(QUERY, ANSWER + READY, unsent=True) is Dirt.UNSENT


def test_a_setting_too_long_to_be_followed_makes_the_server_unfit() -> None:
    settings = message("S", b"search_path\0" + b"x" * 70_000 + b"\0")
    assert verdict(QUERY, settings + ANSWER + READY) is Dirt.OWES_ANSWERS


def test_a_cut_request_is_the_first_reason() -> None:
    """It is never cancelled and waited for: the server waits for the rest of it, and does nothing else."""
    assert verdict(QUERY + QUERY[:4], ANSWER[:3], unsent=True) is Dirt.REQUEST_CUT
