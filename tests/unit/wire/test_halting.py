"""Every stream whole, at every cut, and one byte at a time; on the reference, and on its compiled twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from agroal.errors import ProtocolViolation
from agroal.wire import expectations, halting
from agroal.wire.expectations import ASKED, CLOSED, PARSED, SYNCED, TurnTally
from agroal.wire.halting import MOST_HELD
from agroal.wire.scan import HEADER, MAX_LOOKED_AT, USUAL_END
from tests.unit.wire.messages import IN_TRANSACTION, READY, SYNC, TERMINATE, error, message, parameter
from tests.unit.wire.test_scan import cuts

try:
    from agroal.wire import _halting as compiled
except ImportError:
    TWINS: list[tuple[ModuleType, ModuleType]] = [(halting, expectations)]
else:
    TWINS = [(halting, expectations), (compiled, compiled)]

QUERY = message("Q", b"SELECT 1\0")
PARSE, NAMED_PARSE = message("P", b"\0SELECT 1\0\0\0"), message("P", b"a\0SELECT 1\0\0\0")
BIND, NAMED_BIND, STALE = message("B", b"p\0\0" + bytes(6)), message("B", b"p\0a\0" + bytes(6)), message("B", bytes(8))
EXECUTE, FLUSH = message("E", b"p\0" + bytes(4)), message("H")
DONE = message("C", b"SELECT 1\0")


@dataclass
class Walked:
    """What came of a stream."""

    tally: TurnTally
    passed: bytes = b""
    halts: list[int] = field(default_factory=list)
    """Where in the stream it halted."""
    at_rest: bool = True


@pytest.fixture(params=TWINS, ids=["reference", "compiled"][: len(TWINS)])
def twin(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    made: tuple[ModuleType, ModuleType] = request.param
    return made


def walk(scanner: Any, pieces: list[bytes], into: Walked) -> Walked:
    """What it halts at passes, too, as if it had been looked at. The buffer is longer than what came."""
    for piece in pieces:
        data = scanner.cut + piece
        scanner.cut = b""
        at = scanner.walk_from(bytearray(data + b"left over"), 0, len(data))
        passed = data[:at]
        while at < len(data) and not scanner.cut:
            into.halts.append(len(into.passed) + at)
            behind = at + 1 + int.from_bytes(data[at + 1 : at + HEADER], "big")
            scanner.skip = max(0, behind - len(data))
            passed += data[at:behind]
            at = scanner.walk_from(bytearray(data + b"left over"), behind, len(data)) if behind <= len(data) else behind
            passed += data[behind:at]
        into.passed += passed
    into.at_rest = scanner.between_messages
    return into


def frontend(twin: tuple[ModuleType, ModuleType], stream: bytes, **state: object) -> Iterator[Walked]:
    for pieces in cuts(stream):
        tally = twin[1].TurnTally({})
        for name, value in state.items():
            setattr(tally, name, value)
        yield walk(twin[0].HaltingFrontend(tally), pieces, Walked(tally))


def backend(twin: tuple[ModuleType, ModuleType], stream: bytes, *expected: object) -> Iterator[Walked]:
    for pieces in cuts(stream):
        tally = twin[1].TurnTally({})
        tally.expected.extend(expected)
        tally.owed = sum(mark in (SYNCED, ASKED) for mark in expected)
        yield walk(twin[0].HaltingBackend(tally), pieces, Walked(tally))


class TestRequests:
    @pytest.mark.parametrize(
        ("stream", "owed", "expected"),
        [
            (b"", 0, []),
            (QUERY + QUERY, 2, [ASKED, ASKED]),
            (PARSE + BIND + EXECUTE + SYNC, 1, [PARSED, SYNCED]),
            (PARSE + BIND + EXECUTE + FLUSH, 0, [PARSED]),
            ((PARSE + BIND + USUAL_END) * 2, 2, [PARSED, SYNCED] * 2),
            (PARSE + QUERY + SYNC, 2, [PARSED, (ASKED, 1), SYNCED]),
            (message("C", b"Pp\0") + message("D", b"Pp\0") + SYNC, 1, [CLOSED, SYNCED]),
            (message("D", b"S\0") + SYNC, 1, [SYNCED]),
            (message("F", bytes(12)), 1, [ASKED]),
            (QUERY + message("d", b"Q\0\0\0\4") + message("c") + message("d", b"late"), 1, [ASKED, 4]),
        ],
    )
    def test_what_is_plain_passes_and_is_counted(
        self, twin: tuple[ModuleType, ModuleType], stream: bytes, owed: int, expected: list[object]
    ) -> None:
        for walked in frontend(twin, stream):
            assert (walked.passed, walked.halts, walked.at_rest) == (stream, [], True)
            assert (walked.tally.owed, list(walked.tally.expected)) == (owed, expected)

    @pytest.mark.parametrize(
        "halting",
        [
            NAMED_PARSE,
            NAMED_BIND,
            message("D", b"Sa\0"),
            message("C", b"Sa\0"),
            message("Q", b"SET a = 1\0"),
            message("P", b"\0SET a = 1\0\0\0"),
            message("Q", b"SELECT 1; DISCARD ALL\0"),
        ],
    )
    def test_it_halts_at_names_and_at_telling_texts(self, twin: tuple[ModuleType, ModuleType], halting: bytes) -> None:
        stream = PARSE + halting + EXECUTE + halting + SYNC
        for walked in frontend(twin, stream):
            assert walked.passed == stream
            assert walked.halts == [len(PARSE), len(PARSE + halting + EXECUTE)]
            assert walked.tally.queries == 1

    @pytest.mark.parametrize("stale", [STALE, message("D", b"S\0"), BIND])
    def test_it_halts_at_an_unnamed_statement_that_is_stale(
        self, twin: tuple[ModuleType, ModuleType], stale: bytes
    ) -> None:
        for walked in frontend(twin, stale + SYNC, stale=True):
            assert walked.halts == [0]

    def test_a_new_unnamed_statement_is_remembered_and_not_stale(self, twin: tuple[ModuleType, ModuleType]) -> None:
        for walked in frontend(twin, PARSE + STALE, stale=True):
            assert (walked.halts, walked.tally.unnamed, walked.tally.stale) == ([], PARSE, False)

    def test_one_that_the_server_skips_is_none(self, twin: tuple[ModuleType, ModuleType]) -> None:
        for walked in frontend(twin, PARSE + message("C", b"S\0"), skipping=True, unnamed=b"older"):
            assert walked.tally.unnamed == b"older"

    @pytest.mark.parametrize(
        ("state", "owed", "in_batch", "batch_open"),
        [({"copying": True}, 0, 2, True), ({"skipping": True}, 1, 0, False), ({"stale": True}, 1, 0, False)],
    )
    def test_the_usual_end_of_a_batch_is_counted_as_what_is_in_it(
        self, twin: tuple[ModuleType, ModuleType], state: dict[str, bool], owed: int, in_batch: int, batch_open: bool
    ) -> None:
        for walked in frontend(twin, USUAL_END, **state):
            tally = walked.tally
            assert (walked.passed, walked.halts, tally.queries) == (USUAL_END, [], 1)
            assert (tally.owed, tally.in_batch, tally.batch_open, tally.skipping) == (owed, in_batch, batch_open, False)

    def test_what_was_left_over_behind_the_end_is_not_walked(self, twin: tuple[ModuleType, ModuleType]) -> None:
        tally, end = twin[1].TurnTally({}), len(USUAL_END) - len(SYNC)
        assert twin[0].HaltingFrontend(tally).walk_from(bytearray(USUAL_END), 0, end) == end
        assert (tally.owed, tally.queries, tally.in_batch) == (0, 1, 2)

    def test_it_halts_at_a_goodbye(self, twin: tuple[ModuleType, ModuleType]) -> None:
        for walked in frontend(twin, QUERY + TERMINATE):
            assert walked.halts == [len(QUERY)]

    @pytest.mark.parametrize("malformed", [message("P"), message("B", b"p"), message("D", b"S"), message("B", b"p\0a")])
    def test_what_is_malformed_is_for_the_server_to_say(
        self, twin: tuple[ModuleType, ModuleType], malformed: bytes
    ) -> None:
        for walked in frontend(twin, malformed + SYNC):
            assert (walked.passed, walked.halts, walked.tally.owed) == (malformed + SYNC, [], 1)

    @pytest.mark.parametrize("cut", [QUERY[:-1], PARSE + QUERY[:1], NAMED_BIND[:8], message("d", b"xy")[:-1]])
    def test_a_cut_message_is_known_to_be_cut(self, twin: tuple[ModuleType, ModuleType], cut: bytes) -> None:
        for walked in frontend(twin, cut):
            assert not walked.at_rest

    @pytest.mark.parametrize("kind", ["Q", "P"])
    def test_what_is_too_long_is_halted_at_and_then_passed(
        self, twin: tuple[ModuleType, ModuleType], kind: str
    ) -> None:
        stream = message(kind, b"\0" * (kind == "P") + b"SELECT " + b"x" * MOST_HELD + b"\0")
        tally = twin[1].TurnTally({})
        walked = walk(twin[0].HaltingFrontend(tally), [stream[:9000], stream[9000:], QUERY], Walked(tally))
        assert (walked.passed, walked.halts) == (stream + QUERY, [0])

    def test_the_values_of_a_bind_are_not_collected(self, twin: tuple[ModuleType, ModuleType]) -> None:
        stream = message("B", b"p\0\0" + bytes(4 * MAX_LOOKED_AT))
        tally = twin[1].TurnTally({})
        scanner = twin[0].HaltingFrontend(tally)
        assert scanner.walk_from(stream, 0, 9) == 9
        assert (scanner.skip, scanner.cut) == (len(stream) - 9, b"")

    def test_a_name_that_never_ends_is_a_violation(self, twin: tuple[ModuleType, ModuleType]) -> None:
        stream = message("B", b"p\0" + b"x" * (2 * MOST_HELD))[: MOST_HELD + 100]
        with pytest.raises(ProtocolViolation, match="a name is too long"):
            twin[0].HaltingFrontend(twin[1].TurnTally({})).walk_from(stream, 0, len(stream))

    @pytest.mark.parametrize("stream", [message("p", b"x\0"), READY, b"\0\0\0\0\4", b"Q\0\0\0\3", b"d\xff\xff\xff\xff"])
    def test_what_no_client_may_send_is_a_violation(self, twin: tuple[ModuleType, ModuleType], stream: bytes) -> None:
        for pieces in cuts(QUERY + stream):
            tally = twin[1].TurnTally({})
            with pytest.raises(ProtocolViolation, match="the client sent"):
                walk(twin[0].HaltingFrontend(tally), pieces, Walked(tally))


class TestAnswers:
    def test_what_is_plain_passes_and_is_counted(self, twin: tuple[ModuleType, ModuleType]) -> None:
        stream = message("1") + message("2") + message("T", b"\0\0") + message("D", b"\0\0") + DONE + message("3")
        for walked in backend(twin, stream + IN_TRANSACTION + DONE + READY, PARSED, CLOSED, SYNCED, ASKED):
            assert (walked.passed, walked.halts, walked.at_rest) == (stream + IN_TRANSACTION + DONE + READY, [], True)
            tally = walked.tally
            assert (tally.owed, tally.transactions, tally.status, list(tally.expected)) == (0, 1, ord("I"), [])

    @pytest.mark.parametrize("answer", [message("1"), message("3"), READY])
    def test_it_halts_at_the_answer_to_what_we_have_added(
        self, twin: tuple[ModuleType, ModuleType], answer: bytes
    ) -> None:
        for walked in backend(twin, message("2") + answer, object()):
            assert walked.halts == [len(message("2"))]

    def test_it_halts_at_an_error(self, twin: tuple[ModuleType, ModuleType]) -> None:
        said = error("SERROR", "C42601", "Msyntax error")
        for walked in backend(twin, said + READY, ASKED):
            assert (walked.halts, walked.tally.owed) == ([0], 0)

    @pytest.mark.parametrize("tag", [b"DEALLOCATE", b"DEALLOCATE ALL", b"DISCARD ALL"])
    def test_it_halts_where_statements_go(self, twin: tuple[ModuleType, ModuleType], tag: bytes) -> None:
        for walked in backend(twin, message("C", tag + b"\0") + READY, ASKED):
            assert (walked.halts, walked.tally.tags) == ([0], [])

    @pytest.mark.parametrize("tag", [b"SET", b"RESET", b"LISTEN", b"UNLISTEN", b"PREPARE", b"DISCARD TEMP"])
    def test_tags_that_tell_of_something_left_behind_are_kept(
        self, twin: tuple[ModuleType, ModuleType], tag: bytes
    ) -> None:
        for walked in backend(twin, DONE + message("C", tag + b"\0") + READY, ASKED):
            assert (walked.halts, walked.tally.tags) == ([], [tag])

    @pytest.mark.parametrize("tag", [b"", b"SELECT 5", b"INSERT 0 1", b"SETTLE", b"LISTENED"])
    def test_others_are_not(self, twin: tuple[ModuleType, ModuleType], tag: bytes) -> None:
        for walked in backend(twin, message("C", tag + b"\0") + READY, ASKED):
            assert (walked.halts, walked.tally.tags) == ([], [])

    def test_settings_that_a_server_reports_are_followed(self, twin: tuple[ModuleType, ModuleType]) -> None:
        for walked in backend(twin, parameter("TimeZone", "UTC") + READY, ASKED):
            assert (walked.tally.parameters, walked.tally.reported) == ({"TimeZone": "UTC"}, True)

    def test_one_too_long_to_follow_makes_the_server_unfit(self, twin: tuple[ModuleType, ModuleType]) -> None:
        stream = message("S", b"search_path\0" + b"x" * MAX_LOOKED_AT + b"\0")
        tally = twin[1].TurnTally({})
        walked = walk(twin[0].HaltingBackend(tally), [stream[:9000], stream[9000:]], Walked(tally))
        assert (walked.passed, tally.owed, tally.parameters) == (stream, 1, {})

    def test_a_gigabyte_is_walked_without_being_collected(self, twin: tuple[ModuleType, ModuleType]) -> None:
        scanner = twin[0].HaltingBackend(twin[1].TurnTally({}))
        row = b"D" + (1 << 30).to_bytes(4, "big") + bytes(100)
        assert scanner.walk_from(row, 0, len(row)) == len(row)
        assert (scanner.skip, scanner.cut) == ((1 << 30) - 4 - 100, b"")

    @pytest.mark.parametrize(
        "stream", [message("R", bytes(4)), message("K", bytes(8)), QUERY, message("Z", b""), b"D\0\0\0\3", READY]
    )
    def test_what_no_server_may_send_is_a_violation(self, twin: tuple[ModuleType, ModuleType], stream: bytes) -> None:
        for pieces in cuts(READY + stream):
            tally = twin[1].TurnTally({})
            tally.requested(ord("Q"))
            with pytest.raises(ProtocolViolation):
                walk(twin[0].HaltingBackend(tally), pieces, Walked(tally))
