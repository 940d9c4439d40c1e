from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.console.face import Face
from agroal.console.talk import CHUNK
from agroal.errors import ProtocolViolation
from agroal.management.controls import Role, Setting
from tests.unit.console.sitting import Sitting, fields, kinds, names, query, rows
from tests.unit.management.fake import FakeControls
from tests.unit.wire.messages import SYNC, TERMINATE, message

IDLE, OPEN, FAILED = ("Z", b"I"), ("Z", b"T"), ("Z", b"E")
FLUSH = message("H")


def parse(sql: str, name: str = "") -> bytes:
    return message("P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(portal: str = "", statement: str = "", formats: tuple[int, ...] = ()) -> bytes:
    codes = struct.pack(f"!{len(formats) + 1}H", len(formats), *formats)
    return message("B", portal.encode() + b"\0" + statement.encode() + b"\0\0\0\0\0" + codes)


def execute(portal: str = "", most: int = 0) -> bytes:
    return message("E", portal.encode() + b"\0" + struct.pack("!i", most))


def about(kind: str, what: str, name: str = "") -> bytes:
    """Describe or Close, of a statement or a portal."""
    return message(kind, what.encode() + name.encode() + b"\0")


class TestComingIn:
    @pytest.mark.parametrize(("role", "superuser"), [(Role.ADMIN, "on"), (Role.MONITOR, "off")])
    def test_a_client_is_told_what_drivers_want_to_know(self, role: Role, superuser: str) -> None:
        welcome = Sitting(Face.PGBOUNCER, role).welcome
        told = dict(body.decode().split("\0")[:2] for kind, body in welcome if kind == "S")
        assert welcome[-1] == IDLE
        assert told["server_version"] == "1.25.0/bouncer"
        assert (told["client_encoding"], told["standard_conforming_strings"]) == ("UTF8", "on")
        assert (told["is_superuser"], told["application_name"]) == (superuser, "psql")

    def test_it_leaves_with_a_goodbye(self) -> None:
        sitting = Sitting()
        assert sitting.hear(TERMINATE) == []
        assert sitting.over


class TestSimpleQueries:
    def test_a_table_is_described_sent_and_completed(self) -> None:
        heard = Sitting(Face.PGBOUNCER).query("SHOW VERSION")
        assert kinds(heard) == "TDCZ"
        assert names(heard) == ["version"]
        assert rows(heard) == [("PgBouncer 1.25.0 (as shown by agroal 0.1.0)",)]
        assert heard[-2:] == [("C", b"SHOW\0"), IDLE]

    def test_several_statements_are_answered_in_order(self) -> None:
        heard = Sitting().query("SELECT 1; SET search_path TO y; DISABLE shop;; SELECT 'a' b, true")
        assert kinds(heard) == "TDCCNCTDCZ"
        assert rows(heard) == [("1",), ("a", "t")]

    @pytest.mark.parametrize("sql", ["", ";", " ;; ", "-- nothing", "/* nothing */"])
    def test_an_empty_query_is_answered_as_such(self, sql: str) -> None:
        assert Sitting().query(sql) == [("I", b""), IDLE]

    @pytest.mark.parametrize("sql", ["SHOW ", "SHOW x", "'", "/* /* */", "x" * 1_000_000, "\x01", "COPY x FROM STDIN"])
    def test_garbage_is_an_error_and_the_console_goes_on(self, sql: str) -> None:
        sitting = Sitting()
        heard = sitting.query(sql)
        assert kinds(heard) == "EZ"
        assert fields(heard)["S"] == fields(heard)["V"] == "ERROR"
        assert kinds(sitting.query("SHOW VERSION")) == "TDCZ"

    def test_nothing_is_done_of_a_query_whose_end_can_not_be_understood(self) -> None:
        sitting = Sitting()
        assert kinds(sitting.query("PAUSE; PAUSE a b")) == "EZ"
        assert sitting.errands == []

    def test_what_follows_an_error_is_not_done(self) -> None:
        sitting = Sitting()
        heard = sitting.query("SELECT 1; KILL_CLIENT 99; RELOAD")
        assert kinds(heard) == "TDCEZ"
        assert [errand.verb for errand in sitting.errands] == ["kill"]

    @pytest.mark.parametrize(
        ("body", "sqlstate"), [(b"SHOW POOLS\0x\0", "08P01"), (b"SHOW", "08P01"), (b"SHOW \xff\0", "22021")]
    )
    def test_a_malformed_query_is_an_error_and_no_end(self, body: bytes, sqlstate: str) -> None:
        sitting = Sitting()
        heard = sitting.hear(message("Q", body))
        assert (kinds(heard), fields(heard)["C"]) == ("EZ", sqlstate)
        assert kinds(sitting.query("SELECT 1")) == "TDCZ"

    def test_an_error_is_told_without_what_acts_on_a_terminal(self) -> None:
        controls = FakeControls()
        controls.error = RuntimeError("\x1b[2J")
        told = fields(Sitting(controls=controls).query("RELOAD"))
        assert (told["C"], told["M"]) == ("XX000", "agroal made a mistake here: its log says which")
        assert "\x1b" not in fields(Sitting().query("'\x1b' x"))["M"]


class TestCommands:
    def test_a_command_is_done_and_says_what_it_did(self) -> None:
        sitting = Sitting()
        heard = sitting.query("DISABLE shop")
        assert [(errand.verb, errand.args) for errand in sitting.errands] == [("disable", {"database": "shop"})]
        assert ("switch", "shop", False) in sitting.controls.done
        assert fields(heard, "N")["M"] == "shop: new clients are refused; 2 clients connected now may go on"
        assert heard[-2] == ("C", b"DISABLE\0")

    def test_what_takes_several_verbs_says_what_each_did(self) -> None:
        heard = Sitting().query("KILL shop")
        told = [body.split(b"\0")[3][1:].decode() for kind, body in heard if kind == "N"]
        assert told[0].startswith("shop: paused; 2 clients wait")
        assert told[-1].startswith("shop: 3 idle connections are closed; 1 leased connection is closed while in use")
        assert heard[-2] == ("C", b"KILL\0")

    def test_who_did_it_is_written_down(self) -> None:
        sitting = Sitting()
        sitting.query("KILL_CLIENT 7")
        assert sitting.controls.recorded == [("ops", "kill 7")]

    def test_a_key_is_set(self) -> None:
        sitting = Sitting()
        heard = sitting.query("SET blocking_timeout = 20s")
        assert ("set", "blocking_timeout", "20s") in sitting.controls.done
        assert heard[-2] == ("C", b"SET\0")

    @pytest.mark.parametrize(
        ("sql", "sqlstate"),
        [
            ("KILL_CLIENT 99", "55000"),
            ("SET x = 1", "22023"),
            ("KILL nowhere", "22023"),
        ],
    )
    def test_what_a_verb_refuses_is_an_error(self, sql: str, sqlstate: str) -> None:
        assert fields(Sitting().query(sql))["C"] == sqlstate

    @pytest.mark.parametrize(
        "sql", ["PAUSE", "RELOAD", "KILL_CLIENT 7", "SHUTDOWN", "SET blocking_timeout = 1", "KILL x"]
    )
    def test_a_monitor_may_only_look(self, sql: str) -> None:
        sitting = Sitting(role=Role.MONITOR)
        assert fields(sitting.query(sql))["C"] == "42501"
        assert (sitting.controls.done, sitting.controls.shutdowns, sitting.controls.recorded) == ([], [], [])
        assert kinds(sitting.query("SHOW POOLS")) == "TDCZ"

    def test_a_pause_that_is_cancelled_while_it_waits_is_taken_back(self) -> None:
        sitting = Sitting(impatient=True)
        heard = sitting.query("PAUSE shop; SELECT 1")
        assert (kinds(heard), fields(heard)["C"]) == ("EZ", "57014")
        assert [errand.verb for errand in sitting.errands] == ["pause", "pause", "resume"]


class TestTransactions:
    def test_they_begin_and_end_and_change_nothing(self) -> None:
        sitting = Sitting()
        assert sitting.query("BEGIN") == [("C", b"BEGIN\0"), OPEN]
        assert sitting.query("SELECT 1")[-1] == OPEN
        assert sitting.query("COMMIT") == [("C", b"COMMIT\0"), IDLE]

    def test_after_an_error_only_its_end_is_accepted(self) -> None:
        sitting = Sitting()
        assert sitting.query("BEGIN; SHOW POOLS")[-1] == OPEN
        assert sitting.query("SHOW")[-1] == FAILED
        assert fields(sitting.query("SHOW POOLS"))["C"] == "25P02"
        assert fields(sitting.query("BEGIN"))["C"] == "25P02"
        assert sitting.query("COMMIT") == [("C", b"ROLLBACK\0"), IDLE]

    def test_an_error_outside_of_one_leaves_none(self) -> None:
        assert Sitting().query("SHOW")[-1] == IDLE


class TestExtendedQueries:
    def test_a_statement_is_parsed_described_bound_and_executed(self) -> None:
        heard = Sitting().hear(
            parse("SHOW STATE", "s")
            + about("D", "S", "s")
            + bind("p", "s")
            + about("D", "P", "p")
            + execute("p")
            + SYNC
        )
        assert kinds(heard) == "1tT2TDCZ"
        assert heard[1] == ("t", b"\0\0")
        assert len(rows(heard)) == 3

    def test_nothing_is_sent_before_the_client_wants_it(self) -> None:
        sitting = Sitting()
        assert sitting.hear(parse("SELECT 1")) == []
        assert kinds(sitting.hear(FLUSH)) == "1"
        assert kinds(sitting.hear(bind() + execute(), SYNC)) == "2DCZ"

    def test_a_command_has_no_rows(self) -> None:
        sitting = Sitting()
        heard = sitting.hear(parse("RELOAD"), about("D", "S"), bind(), about("D", "P"), execute(), SYNC)
        assert [kind for kind in kinds(heard) if kind != "N"] == ["1", "t", "n", "2", "n", "C", "Z"]
        assert ("reload",) in sitting.controls.done

    def test_nothing_is_done_before_it_is_executed(self) -> None:
        sitting = Sitting()
        sitting.hear(parse("RELOAD"), about("D", "S"), bind(), about("D", "P"), SYNC)
        assert sitting.errands == []

    def test_an_empty_statement_is_answered_as_such(self) -> None:
        assert kinds(Sitting().hear(parse(""), about("D", "S"), bind(), execute(), SYNC)) == "1tn2IZ"

    def test_rows_are_binary_where_that_is_asked_for(self) -> None:
        heard = Sitting().hear(parse("SELECT 1, 'a', true"), bind(formats=(1,)), execute(), SYNC)
        [row] = [body for kind, body in heard if kind == "D"]
        assert row == struct.pack("!Hii", 3, 4, 1) + struct.pack("!is", 1, b"a") + struct.pack("!i?", 1, True)

    def test_rows_are_fetched_a_few_at_a_time(self) -> None:
        sitting = Sitting()
        heard = sitting.hear(parse("SHOW LISTS"), bind("p"), execute("p", 10), FLUSH)
        assert kinds(heard) == "12Ds"
        assert len(rows(heard)) == 10
        heard = sitting.hear(execute("p", 4), SYNC)
        assert (kinds(heard), len(rows(heard))) == ("DCZ", 4), "there are no more"

    def test_portals_end_with_the_transaction(self) -> None:
        sitting = Sitting()
        sitting.hear(parse("SELECT 1", "s"), bind("p", "s"), SYNC)
        assert fields(sitting.hear(execute("p"), SYNC))["C"] == "34000"
        sitting.query("BEGIN")
        sitting.hear(bind("p", "s"), SYNC)
        assert kinds(sitting.hear(execute("p"), SYNC)) == "DCZ"

    def test_statements_stay_until_they_are_closed(self) -> None:
        sitting = Sitting()
        sitting.hear(parse("SELECT 1", "s"), SYNC)
        assert kinds(sitting.hear(bind("", "s"), execute(), SYNC)) == "2DCZ"
        assert kinds(sitting.hear(about("C", "S", "s"), about("C", "S", "never"), SYNC)) == "33Z"
        assert fields(sitting.hear(bind("", "s"), SYNC))["C"] == "26000"

    @pytest.mark.parametrize("sql", ["DEALLOCATE s", "DEALLOCATE ALL", "DISCARD ALL"])
    def test_statements_are_forgotten_on_demand(self, sql: str) -> None:
        sitting = Sitting()
        sitting.hear(parse("SELECT 1", "s"), SYNC)
        assert kinds(sitting.query(sql)) == "CZ"
        assert fields(sitting.hear(about("D", "S", "s"), SYNC))["C"] == "26000"
        assert fields(sitting.query("DEALLOCATE s"))["C"] == "26000"

    def test_an_error_skips_to_the_next_sync(self) -> None:
        sitting = Sitting()
        heard = sitting.hear(parse("SHOW"), bind(), execute(), query("SELECT 1"), FLUSH, SYNC)
        assert kinds(heard) == "EZ"
        assert kinds(sitting.hear(parse("SELECT 1"), bind(), execute(), SYNC)) == "12DCZ"

    def test_two_batches_are_two_answers(self) -> None:
        heard = Sitting().hear(parse("SHOW") + SYNC + parse("SELECT 1") + bind() + execute() + SYNC)
        assert kinds(heard) == "EZ12DCZ"

    @pytest.mark.parametrize(
        ("said", "sqlstate"),
        [
            (parse("SELECT 1; SELECT 2"), "42601"),
            (parse("SELECT $1"), "0A000"),
            (parse("SELECT 1", "s") + parse("SELECT 1", "s"), "42P05"),
            (parse("SELECT 1") + bind("p") + bind("p"), "42P03"),
            (bind("", "nobody"), "26000"),
            (about("D", "P", "nobody"), "34000"),
            (parse("SELECT 1") + bind(formats=(7,)), "22023"),
            (parse("SELECT 1") + bind(formats=(0, 0)), "08P01"),
            (parse("SELECT 1") + message("B", b"\0\0\0\0\0\1\0\0\0\1x\0\0"), "08P01"),
            (parse("SELECT 1", "s" * 300), "54000"),
            (message("P", b"no end"), "08P01"),
            (message("B", b"\0\0\0"), "08P01"),
            (message("B", b""), "08P01"),
            (message("D", b"X\0"), "08P01"),
            (message("D", b""), "08P01"),
            (message("E", b"\0"), "08P01"),
            (message("C", b"Sx"), "08P01"),
        ],
    )
    def test_what_does_not_fit_is_an_error_and_no_end(self, said: bytes, sqlstate: str) -> None:
        sitting = Sitting()
        heard = sitting.hear(said, SYNC)
        assert (fields(heard)["C"], heard[-1]) == (sqlstate, IDLE)
        assert kinds(sitting.query("SELECT 1")) == "TDCZ"

    def test_no_more_is_kept_than_a_bound(self) -> None:
        sitting = Sitting()
        heard = sitting.hear(*(parse("SELECT 1", f"s{number}") for number in range(1001)), SYNC)
        assert kinds(heard) == "1" * 1000 + "EZ"
        assert fields(heard)["C"] == "54000"


class TestOtherMessages:
    def test_a_call_of_a_function_is_refused(self) -> None:
        assert kinds(Sitting().hear(message("F", b"x"))) == "EZ"

    @pytest.mark.parametrize("kind", "dcf")
    def test_what_comes_too_late_of_a_copy_means_nothing(self, kind: str) -> None:
        assert Sitting().hear(message(kind, b"x\0")) == []

    @pytest.mark.parametrize("kind", "RzA\x00p")
    def test_what_has_no_place_in_the_protocol_is_the_end(self, kind: str) -> None:
        with pytest.raises(ProtocolViolation):
            Sitting().hear(message(kind, b""))


BATCH = (
    query("SHOW VERSION; SELECT 1")
    + parse("SHOW STATE", "s")
    + bind("", "s", (1,))
    + execute("", 2)
    + execute()
    + SYNC
    + query("SHOW")
    + query("BEGIN")
    + parse("x")
    + SYNC
    + query("ROLLBACK")
    + TERMINATE
)


def test_it_does_not_matter_how_the_bytes_are_cut() -> None:
    whole = Sitting().hear(BATCH)
    assert kinds(whole) == "TDCTDCZ12DsDCZEZCZEZCZ"
    assert Sitting().hear(*(BATCH[at : at + 1] for at in range(len(BATCH)))) == whole
    for at in range(1, len(BATCH)):
        assert Sitting().hear(BATCH[:at], BATCH[at:]) == whole, f"cut at {at}"


@given(
    st.lists(
        st.tuples(st.sampled_from("QPBDECHSXdcfF"), st.one_of(st.binary(max_size=30), st.just(b"SELECT 1\0"))),
        max_size=12,
    )
)
def test_whatever_is_said_every_query_and_sync_is_answered(said: list[tuple[str, bytes]]) -> None:
    sitting, owed, skipping = Sitting(), 0, False
    heard = []
    for kind, body in said:
        answer = sitting.hear(message(kind, body))
        heard += answer
        if sitting.over:
            break
        if kind == "S":
            owed, skipping = owed + 1, False
        elif kind in "QF" and not skipping:
            owed += 1
        elif kind in "PBDEC":
            skipping = skipping or kinds(answer).endswith("E")
    assert sum(kind == "Z" for kind, _ in heard) == owed


def test_a_long_answer_is_sent_in_pieces() -> None:
    controls = FakeControls()
    long = Setting("k", "v" * 1000, "", "default", True, None, "")
    controls.settings = lambda prefix: [long] * 1000  # type: ignore[method-assign]
    sitting = Sitting(controls=controls)
    sitting.query("SHOW CONFIG")
    assert CHUNK < sitting.longest < 2 * CHUNK
