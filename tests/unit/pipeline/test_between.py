from __future__ import annotations

import struct
from collections.abc import Callable
from typing import ClassVar

import pytest

from agroal.errors import AgroalError, ProtocolViolation, ServerRefused
from agroal.pipeline.between import OutOfStep, adopt, difference, probe, reset, reset_unheard
from agroal.wire.talk import Talk
from tests.unit.script import Script, hold, run
from tests.unit.wire.messages import IN_TRANSACTION, READY, adopting, error, learned, learning, message, parameter

IDLE, OPEN, FAILED = (ord(status) for status in "ITE")
ROLLBACK, DISCARD = message("Q", b"ROLLBACK\0"), message("Q", b"DISCARD ALL\0")
DONE = message("C", b"DISCARD ALL\0") + READY
ROLLED_BACK = message("C", b"ROLLBACK\0") + READY
REFUSED = error("SERROR", "C22023", 'Minvalid value for parameter "TimeZone": "Mars"')
NOTICE = message("N", b"SNOTICE\0Mhello\0\0")
NOTIFICATION = message("A", struct.pack("!I", 7) + b"news\0\0")


def resetting(status: int = IDLE, query: str = "DISCARD ALL") -> Callable[[], Talk[dict[str, str]]]:
    return lambda: reset(status, query, {})


class TestReset:
    @pytest.mark.parametrize(
        ("status", "query", "script"),
        [
            (IDLE, "DISCARD ALL", Script() << DISCARD >> DONE),
            (OPEN, "DISCARD ALL", Script() << ROLLBACK >> ROLLED_BACK << DISCARD >> DONE),
            (FAILED, "DISCARD ALL", Script() << ROLLBACK >> ROLLED_BACK << DISCARD >> DONE),
            (IDLE, "", Script()),
            (OPEN, "", Script() << ROLLBACK >> ROLLED_BACK),
            (FAILED, "", Script() << ROLLBACK >> ROLLED_BACK),
        ],
    )
    def test_ends_the_transaction_and_runs_the_query(self, status: int, query: str, script: Script) -> None:
        run(resetting(status, query), script)

    def test_takes_the_results_of_whatever_the_query_is(self) -> None:
        rows = message("T", b"\0\0") + message("D", b"\0\0") + message("D", b"\0\0") + message("C", b"SELECT 2\0")
        run(resetting(), Script() << DISCARD >> rows + message("I") + DONE)

    def test_keeps_account_of_the_settings_that_it_resets(self) -> None:
        parameters = {"TimeZone": "Mars", "DateStyle": "ISO, MDY"}
        run(lambda: reset(IDLE, "DISCARD ALL", parameters), Script() << DISCARD >> parameter("TimeZone", "UTC") + DONE)
        assert parameters == {"TimeZone": "UTC", "DateStyle": "ISO, MDY"}

    @pytest.mark.parametrize("said", [NOTICE, NOTIFICATION, NOTICE + NOTIFICATION])
    def test_what_a_server_says_of_its_own_accord_is_passed_over(self, said: bytes) -> None:
        run(
            resetting(OPEN),
            Script() << ROLLBACK >> said + ROLLED_BACK << DISCARD >> said + DONE[:17] + said + DONE[17:],
        )

    def test_a_query_that_fails_is_told_once_the_server_is_ready_again(self) -> None:
        with pytest.raises(ServerRefused, match="Mars"):
            run(resetting(), Script() << DISCARD >> REFUSED + READY)

    def test_a_rollback_that_fails_ends_it(self) -> None:
        with pytest.raises(ServerRefused):
            run(resetting(FAILED), Script() << ROLLBACK >> REFUSED + READY)

    @pytest.mark.parametrize("status", [b"T", b"E", b"", b"II", b"?"])
    def test_a_transaction_that_is_open_behind_it_is_out_of_step(self, status: bytes) -> None:
        with pytest.raises(OutOfStep, match="transaction is open"):
            run(resetting(), Script() << DISCARD >> message("C", b"BEGIN\0") + message("Z", status))

    @pytest.mark.parametrize(
        ("said", "failure"),
        [
            (message("R", bytes(4)), OutOfStep),
            (message("G", b"\0\0\0"), OutOfStep),  # COPY FROM STDIN waits for data that nobody has
            (message("W", b"\0\0\0"), OutOfStep),
            (message("K", bytes(8)), OutOfStep),
            (message("V", bytes(4)), OutOfStep),
            (message("S", b"TimeZone") + READY, ProtocolViolation),
            (b"C\0\0\0\3", ProtocolViolation),
        ],
    )
    def test_anything_else_is_out_of_step(self, said: bytes, failure: type[AgroalError]) -> None:
        with pytest.raises(failure):
            run(resetting(), Script() << DISCARD >> said)


SET = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY


class TestResetOfAServerThatWasNotHeard:
    ASKED = learning("TimeZone", "DateStyle")

    @pytest.mark.parametrize("reported", [b"", parameter("TimeZone", "UTC")])
    def test_it_is_asked_for_its_settings(self, reported: bytes) -> None:
        """It has told its last client of some that it does not tell again."""
        parameters = {"TimeZone": "Mars", "DateStyle": "ISO, MDY"}
        script = Script() << DISCARD >> reported + DONE << self.ASKED >> learned("UTC", "SQL, DMY")
        run(lambda: reset_unheard(IDLE, "DISCARD ALL", parameters), script)
        assert parameters == {"TimeZone": "UTC", "DateStyle": "SQL, DMY"}

    def test_what_it_does_not_know_stays(self) -> None:
        parameters = {"TimeZone": "UTC", "DateStyle": "ISO, MDY"}
        script = Script() << ROLLBACK >> ROLLED_BACK << DISCARD >> DONE << self.ASKED >> learned("Mars", None)
        run(lambda: reset_unheard(FAILED, "DISCARD ALL", parameters), script)
        assert parameters == {"TimeZone": "Mars", "DateStyle": "ISO, MDY"}

    def test_a_refusal_is_told(self) -> None:
        with pytest.raises(ServerRefused, match="Mars"):
            self.asked(REFUSED + READY)

    @pytest.mark.parametrize(
        "said", [READY, learned("UTC"), learned("UTC", "ISO", "?"), learned("UTC", "ISO")[:-6] + learned("UTC", "ISO")]
    )
    def test_another_answer_is_out_of_step(self, said: bytes) -> None:
        with pytest.raises(OutOfStep, match="asked for its settings"):
            self.asked(said)

    def asked(self, said: bytes) -> None:
        parameters = {"TimeZone": "UTC", "DateStyle": "ISO, MDY"}
        run(lambda: reset_unheard(IDLE, "DISCARD ALL", parameters), Script() << DISCARD >> DONE << self.ASKED >> said)


class TestWearing:
    """What the reset puts back on of the last client's settings, for a next one that is its twin."""

    LAST: ClassVar = {"application_name": "shop", "TimeZone": "Mars", "work_mem": "1MB", "client_encoding": "LATIN1"}
    BARE: ClassVar = {"application_name": "agroal", "TimeZone": "UTC", "client_encoding": "UTF8"}
    WEAR = adopting("application_name", "shop", "TimeZone", "Mars")
    UNDRESSED = parameter("application_name", "agroal") + parameter("TimeZone", "UTC") + DONE
    DRESSED = parameter("application_name", "shop") + parameter("TimeZone", "Mars") + SET

    def dressing(self, parameters: dict[str, str]) -> Callable[[], Talk[dict[str, str]]]:
        return lambda: reset(IDLE, "DISCARD ALL", parameters, self.LAST)

    def test_the_plainest_settings_go_with_the_reset(self) -> None:
        script = Script() << DISCARD + self.WEAR >> self.UNDRESSED + self.DRESSED
        bare = {"application_name": "agroal", "TimeZone": "UTC"}
        assert run(self.dressing({"application_name": "shop", "TimeZone": "Mars"}), script) == bare

    def test_what_is_worn_is_known(self) -> None:
        parameters = {**self.BARE, "application_name": "shop"}
        hold(self.dressing(parameters)(), Script() << DISCARD + self.WEAR >> self.UNDRESSED + self.DRESSED)
        assert parameters == {"application_name": "shop", "TimeZone": "Mars", "client_encoding": "UTF8"}

    def test_a_twin_needs_nothing_and_another_gets_what_was_underneath(self) -> None:
        parameters = dict(self.BARE)
        script = Script() << DISCARD + self.WEAR >> self.UNDRESSED + self.DRESSED
        worn = hold(self.dressing(parameters)(), script).result
        assert isinstance(worn, dict)
        assert difference({**worn, "application_name": "shop", "TimeZone": "Mars"}, parameters) == {}
        assert difference({**worn, "application_name": ""}, parameters) == {"application_name": "", "TimeZone": "UTC"}

    def test_what_is_refused_is_not_worn(self) -> None:
        script = Script() << DISCARD + self.WEAR >> self.UNDRESSED + REFUSED + READY
        assert run(self.dressing(dict(self.BARE)), script) == {}

    def test_a_reset_that_fails_is_told_all_the_same(self) -> None:
        with pytest.raises(ServerRefused, match="Mars"):
            run(self.dressing(dict(self.BARE)), Script() << DISCARD + self.WEAR >> REFUSED + READY + self.DRESSED)

    def test_a_server_that_does_not_report_a_setting_does_not_wear_it(self) -> None:
        script = Script() << DISCARD + adopting("TimeZone", "Mars") >> DONE + SET
        assert run(self.dressing({"TimeZone": "UTC"}), script) == {"TimeZone": "UTC"}

    def test_without_a_reset_query_nothing_is_worn(self) -> None:
        assert run(lambda: reset(IDLE, "", dict(self.BARE), self.LAST), Script()) == {}


class TestAdopt:
    @pytest.mark.parametrize(
        ("wanted", "parameters"),
        [({}, {}), ({}, {"TimeZone": "UTC"}), ({"TimeZone": "UTC"}, {"TimeZone": "UTC", "DateStyle": "ISO, MDY"})],
    )
    def test_where_nothing_differs_nothing_is_said(self, wanted: dict[str, str], parameters: dict[str, str]) -> None:
        run(lambda: adopt(wanted, parameters), Script())

    def test_all_that_differs_is_set_in_one_round_trip(self) -> None:
        wanted = {"TimeZone": "GMT", "application_name": "psql", "search_path": "a, b"}
        parameters = {"TimeZone": "UTC", "application_name": "psql"}
        said = parameter("TimeZone", "GMT") + SET
        run(
            lambda: adopt(wanted, dict(parameters)),
            Script() << adopting("TimeZone", "GMT", "search_path", "a, b") >> said,
        )

    def test_what_the_server_makes_of_a_value_is_kept(self) -> None:
        parameters = {"DateStyle": "ISO, MDY"}
        script = Script() << adopting("DateStyle", "german") >> parameter("DateStyle", "German, DMY") + SET
        hold(adopt({"DateStyle": "german"}, parameters), script)
        assert parameters == {"DateStyle": "German, DMY"}

    @pytest.mark.parametrize("value", ["'; DROP TABLE users; --", "$1", "ünïcode", "", "a\\b"])
    def test_a_value_travels_beside_the_statement(self, value: str) -> None:
        run(lambda: adopt({"application_name": value}, {}), Script() << adopting("application_name", value) >> SET)

    def test_a_name_travels_beside_the_statement_too(self) -> None:
        name = "a', 'b', false); DROP TABLE users; --"
        run(lambda: adopt({name: "x"}, {}), Script() << adopting(name, "x") >> SET)

    def test_a_refusal_has_the_words_of_the_server(self) -> None:
        with pytest.raises(ServerRefused, match="Mars") as refusal:
            run(
                lambda: adopt({"TimeZone": "Mars"}, {}),
                Script() << adopting("TimeZone", "Mars") >> message("1") + message("2") + REFUSED + READY,
            )
        assert refusal.value.fields()["C"] == "22023"

    def test_a_transaction_that_is_open_behind_it_is_out_of_step(self) -> None:
        with pytest.raises(OutOfStep):
            run(lambda: adopt({"a.b": "c"}, {}), Script() << adopting("a.b", "c") >> SET[:-6] + IN_TRANSACTION)


QUESTION = message("Q", b"SELECT 1\0")
ANSWER = message("T", b"\0\0") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY


class TestProbe:
    def test_a_server_that_answers_works(self) -> None:
        run(lambda: probe({}), Script() << QUESTION >> ANSWER)

    def test_what_it_reports_meanwhile_is_kept(self) -> None:
        parameters = {"TimeZone": "UTC"}
        hold(probe(parameters), Script() << QUESTION >> NOTICE + parameter("TimeZone", "Mars") + ANSWER)
        assert parameters == {"TimeZone": "Mars"}

    def test_a_refusal_is_told_once_the_server_is_ready_again(self) -> None:
        with pytest.raises(ServerRefused, match="Mars"):
            run(lambda: probe({}), Script() << QUESTION >> REFUSED + READY)

    @pytest.mark.parametrize("answer", [ANSWER[:-6] + IN_TRANSACTION, message("R", bytes(4))])
    def test_anything_else_is_out_of_step(self, answer: bytes) -> None:
        with pytest.raises(OutOfStep):
            run(lambda: probe({}), Script() << QUESTION >> answer)
