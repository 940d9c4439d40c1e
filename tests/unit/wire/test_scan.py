"""Every case runs whole, at every cut, and one byte at a time; on the reference, and on its compiled twin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ProtocolViolation
from agroal.wire import scan as reference
from agroal.wire.scan import MAX_LOOKED_AT, USUAL_END, BackendScanner, FrontendScanner, Scanner, Tally
from tests.unit.wire.messages import IN_TRANSACTION, READY, SYNC, TERMINATE, message

try:
    from agroal.wire import _scan as compiled
except ImportError:
    TWINS = [reference]
else:
    TWINS = [reference, compiled]

PARSE, BIND, EXECUTE = message("P", b"s\0SELECT 1\0\0\0"), message("B", b"\0s\0" + bytes(6)), message("E", bytes(5))
QUERY = message("Q", b"SELECT 1\0")


@pytest.fixture(scope="module", autouse=True, params=TWINS, ids=lambda twin: twin.__name__)
def twin(request: pytest.FixtureRequest) -> None:
    """What this page calls by these names, each test has in both makings."""
    globals().update({name: getattr(request.param, name) for name in ("BackendScanner", "FrontendScanner", "Tally")})


def test_the_compiled_twin_is_there_where_it_can_be() -> None:
    assert len(TWINS) == 2 or not shutil.which("cc"), "is there no Cython? `make test` installs it"


def cuts(stream: bytes) -> Iterator[list[bytes]]:
    """The stream whole, in two pieces at every place, and one byte at a time."""
    yield [stream]
    for at in range(1, len(stream)):
        yield [stream[:at], stream[at:]]
    yield [bytes([byte]) for byte in stream]


def walk(scanner: Scanner, pieces: list[bytes]) -> tuple[bytes, bool]:
    """What is passed on, and whether the client said goodbye. The buffer is longer than what came, as the pump's is."""
    passed = b""
    for piece in pieces:
        taken = scanner.walk(bytearray(piece + b"left over from before"), len(piece))
        passed += piece[:taken]
        if taken < len(piece):
            return passed, True
    return passed, False


def frontend(stream: bytes) -> Iterator[tuple[Tally, Scanner, bytes, bool]]:
    for pieces in cuts(stream):
        tally = Tally({})
        scanner = FrontendScanner(tally)
        yield tally, scanner, *walk(scanner, pieces)


def backend(stream: bytes, owed: int = 0) -> Iterator[tuple[Tally, Scanner, bytes]]:
    for pieces in cuts(stream):
        tally = Tally({})
        tally.owed = owed
        scanner = BackendScanner(tally)
        yield tally, scanner, walk(scanner, pieces)[0]


@pytest.mark.parametrize(
    ("stream", "owed", "queries", "batch_open"),
    [
        (b"", 0, 0, False),
        (QUERY, 1, 1, False),
        (QUERY * 3, 3, 3, False),
        (PARSE + BIND + EXECUTE, 0, 1, True),
        (PARSE + BIND + EXECUTE + SYNC, 1, 1, False),
        (BIND + EXECUTE + SYNC + BIND, 1, 1, True),
        (BIND + EXECUTE + SYNC + message("H"), 1, 1, False),
        (PARSE + BIND + USUAL_END + BIND + USUAL_END, 2, 2, False),
        (BIND + USUAL_END + PARSE, 1, 1, True),
        (PARSE + QUERY, 1, 1, False),
        (message("F", bytes(12)), 1, 1, False),
        (QUERY + message("d", b"1\t2\n") * 2 + message("c"), 1, 1, False),
        (message("H") + message("C", b"Ss\0") + message("D", b"Ss\0"), 0, 0, True),
    ],
)
def test_what_a_client_is_owed(stream: bytes, owed: int, queries: int, batch_open: bool) -> None:
    for tally, scanner, passed, goodbye in frontend(stream):
        assert (tally.owed, tally.queries, tally.batch_open) == (owed, queries, batch_open)
        assert passed == stream
        assert scanner.between_messages
        assert not goodbye


def test_the_usual_end_of_a_batch_is_what_it_looks_like() -> None:
    assert message("D", b"P\0") + message("E", bytes(5)) + SYNC == USUAL_END


def test_its_sync_is_ignored_while_the_server_takes_copy_data() -> None:
    for pieces in cuts(USUAL_END):
        tally = Tally({})
        tally.copying = True
        assert walk(FrontendScanner(tally), pieces)[0] == USUAL_END
        assert (tally.owed, tally.queries, tally.batch_open) == (0, 1, True)


def test_what_was_left_over_behind_the_end_is_not_walked() -> None:
    tally = Tally({})
    assert FrontendScanner(tally).walk(bytearray(USUAL_END), len(USUAL_END) - len(SYNC)) == len(USUAL_END) - len(SYNC)
    assert (tally.owed, tally.queries, tally.batch_open) == (0, 1, True)


@pytest.mark.parametrize("before", [b"", QUERY, PARSE + BIND + EXECUTE + SYNC])
@pytest.mark.parametrize("after", [b"", b"X", QUERY])
def test_terminate_never_reaches_the_server(before: bytes, after: bytes) -> None:
    for _, scanner, passed, goodbye in frontend(before + TERMINATE + after):
        assert goodbye
        assert passed == before
        assert scanner.between_messages


def test_a_terminate_inside_a_message_is_data() -> None:
    stream = message("d", TERMINATE * 3) + message("Q", b"X\0\0\0\4\0")
    for _, _, passed, goodbye in frontend(stream):
        assert passed == stream
        assert not goodbye


@pytest.mark.parametrize("cut", [QUERY[:-1], PARSE + QUERY[:1], QUERY[:5]])
def test_a_cut_message_is_known_to_be_cut(cut: bytes) -> None:
    for _, scanner, passed, _ in frontend(cut):
        assert not scanner.between_messages
        assert passed == cut


@pytest.mark.parametrize(
    "stream",
    [
        message("p", b"secret\0"),
        message("Z", b"I"),
        message("T"),
        b"\0\0\0\0\4",
        b"Q\0\0\0\3",
        b"Q\0\0\0\0",
        b"d\xff\xff\xff\xff",
        b"d\x80\0\0\0",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_what_no_client_may_send_is_a_violation(stream: bytes) -> None:
    for pieces in cuts(QUERY + stream):
        with pytest.raises(ProtocolViolation, match="the client sent"):
            walk(FrontendScanner(Tally({})), pieces)


def test_a_server_settles_what_it_owes() -> None:
    stream = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + IN_TRANSACTION + READY
    for tally, scanner, passed in backend(stream, owed=2):
        assert (tally.owed, tally.status, tally.transactions) == (0, ord("I"), 1)
        assert passed == stream
        assert scanner.between_messages


def test_the_last_transaction_status_counts() -> None:
    for tally, _, _ in backend(READY + IN_TRANSACTION, owed=2):
        assert tally.status == ord("T")


def test_an_answer_that_nobody_asked_for_makes_the_count_negative() -> None:
    for tally, _, _ in backend(READY):
        assert tally.owed == -1


def test_settings_that_a_server_reports_are_followed() -> None:
    stream = (
        message("S", b"TimeZone\0UTC\0") + message("D", b"x" * 40) + message("S", b"TimeZone\0Asia/Tokyo\0") + READY
    )
    for tally, _, passed in backend(stream, owed=1):
        assert tally.parameters == {"TimeZone": "Asia/Tokyo"}
        assert passed == stream


def test_a_setting_too_long_to_follow_makes_the_server_unfit() -> None:
    tally = Tally({})
    tally.owed = 1
    stream = message("S", b"search_path\0" + b"x" * MAX_LOOKED_AT + b"\0") + READY
    scanner = BackendScanner(tally)
    assert walk(scanner, [stream[:4000], stream[4000:]])[0] == stream
    assert tally.owed == 1
    assert "search_path" not in tally.parameters


def test_a_fatal_error_is_remembered_and_an_ordinary_one_is_counted() -> None:
    ordinary = message("E", b"SERROR\0VERROR\0C42601\0Msyntax error\0\0")
    fatal = message("E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0")
    for tally, _, passed in backend(ordinary + READY + fatal, owed=1):
        assert (tally.errors, tally.fatal) == (2, "57P01 terminating connection")
        assert passed.endswith(fatal)


def test_an_error_without_any_field_is_survived() -> None:
    for tally, _, _ in backend(message("E", b"") + message("E", b"\0") + READY, owed=1):
        assert (tally.errors, tally.fatal, tally.owed) == (2, "", 0)


@pytest.mark.parametrize(
    "stream",
    [
        message("R", b"\0\0\0\0"),
        message("K", bytes(8)),
        message("Q", b"x\0"),
        message("Z", b""),
        message("Z", b"II"),
        b"Z\x7f\xff\xff\xff",
        b"D\0\0\0\3",
        b"S\0\0\0\6a\0",
    ],
)
def test_what_no_server_may_send_is_a_violation(stream: bytes) -> None:
    for pieces in cuts(READY + stream):
        with pytest.raises(ProtocolViolation):
            walk(BackendScanner(Tally({})), pieces)


def test_a_gigabyte_is_walked_without_being_collected() -> None:
    scanner = BackendScanner(Tally({}))
    scanner.walk(b"D" + (1 << 30).to_bytes(4, "big"), 5)
    piece = bytes(1 << 17)
    for _ in range(4):
        assert scanner.walk(piece, len(piece)) == len(piece)
    assert scanner.skip == (1 << 30) - 4 - 4 * len(piece)
    assert scanner.cut == b""


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    one = st.builds(message, st.sampled_from("QPBEDCHSFdcf"), st.binary(max_size=30))
    stream = b"".join(draw(st.lists(one | st.just(USUAL_END), max_size=12)))
    places = draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=8))
    return stream, sorted(places)


@given(streams())
def test_the_tally_does_not_depend_on_the_cuts(case: tuple[bytes, list[int]]) -> None:
    stream, places = case
    whole, cut = Tally({}), Tally({})
    walk(FrontendScanner(whole), [stream])
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True) if a < b]
    assert walk(FrontendScanner(cut), pieces)[0] == stream
    assert (whole.owed, whole.queries, whole.batch_open) == (cut.owed, cut.queries, cut.batch_open)
