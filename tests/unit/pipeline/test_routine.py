from __future__ import annotations

from agroal.pipeline.routine import VARIANTS, Routine, recorded, routine
from agroal.wire.talk import Talk, read_answer
from tests.unit.script import Script, hold, run
from tests.unit.wire.messages import READY, adopting, message, parameter

DISCARD = message("Q", b"DISCARD ALL\0")
DONE = message("C", b"DISCARD ALL\0") + READY
SET = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + message("3") + READY
LAST = {"application_name": "psql", "work_mem": "1MB"}
ANSWER = parameter("application_name", "") + DONE + parameter("application_name", "psql") + SET


def wearing() -> Routine:
    return Routine("DISCARD ALL", (("application_name", "psql"),))


class TestRoutine:
    def test_asks_for_what_a_reset_asks_for(self) -> None:
        assert Routine("DISCARD ALL", ()).request == DISCARD
        assert wearing().request == DISCARD + adopting("application_name", "psql")

    def test_an_answer_that_nobody_has_understood_is_not_known(self) -> None:
        parameters = {"application_name": "x"}
        assert wearing().follow(ANSWER, parameters) is None
        assert parameters == {"application_name": "x"}

    def test_one_that_was_understood_says_what_the_server_wears_and_reports(self) -> None:
        known = wearing()
        known.learn(ANSWER)
        parameters = {"application_name": "x", "TimeZone": "UTC"}
        assert known.follow(ANSWER, parameters) == {"application_name": ""}
        assert parameters == {"application_name": "psql", "TimeZone": "UTC"}

    def test_what_the_query_did_not_report_is_underneath_as_it_was(self) -> None:
        known = wearing()
        answer = DONE + parameter("application_name", "psql") + SET
        known.learn(answer)
        for before in ("x", "y"):
            parameters = {"application_name": before}
            assert known.follow(answer, parameters) == {"application_name": before}
            assert parameters == {"application_name": "psql"}

    def test_nothing_worn_is_known_too(self) -> None:
        known = Routine("DISCARD ALL", ())
        known.learn(DONE)
        assert known.follow(DONE, {}) == {}
        assert known.follow(DONE + READY, {}) is None
        assert known.follow(DONE[:-1] + b"T", {}) is None

    def test_a_server_that_did_not_report_a_setting_before_is_listened_to(self) -> None:
        known = wearing()
        known.learn(ANSWER)
        assert known.follow(ANSWER, {"TimeZone": "UTC"}) is None

    def test_the_beginning_of_a_known_answer_goes_on(self) -> None:
        known = wearing()
        known.learn(ANSWER)
        assert all(known.goes_on(ANSWER[:end]) for end in range(len(ANSWER)))
        assert not known.goes_on(ANSWER)
        assert not known.goes_on(ANSWER[:9] + b"?")

    def test_only_so_many_answers_and_no_long_ones_are_kept(self) -> None:
        known = wearing()
        known.learn(parameter("application_name", "x" * 2000) + ANSWER)
        assert not known.goes_on(b"")
        for number in range(VARIANTS + 1):
            known.learn(parameter("TimeZone", str(number)) + ANSWER)
        last = {"application_name": "", "TimeZone": ""}
        assert known.follow(parameter("TimeZone", str(VARIANTS - 1)) + ANSWER, dict(last)) is not None
        assert known.follow(parameter("TimeZone", str(VARIANTS)) + ANSWER, dict(last)) is None


def test_the_same_request_has_one_routine() -> None:
    reported = {"application_name": "", "TimeZone": "UTC"}
    assert routine("DISCARD ALL", LAST, reported) is routine("DISCARD ALL", {**LAST, "work_mem": "2MB"}, dict(reported))
    assert routine("DISCARD ALL", LAST, reported) is not routine("DISCARD ALL", LAST, {})


def test_all_that_is_to_be_worn_has_to_be() -> None:
    assert wearing().is_worn({"application_name": ""})
    assert not wearing().is_worn({})


def test_a_recorded_talk_is_the_same_and_what_was_heard_is_kept() -> None:
    def ask() -> Talk[bytes]:
        yield b"hello"
        first = yield from read_answer()
        yield b"again"
        return first + (yield from read_answer())

    script = Script() << b"hello" >> DONE << b"again" >> READY
    assert run(ask, script) == run(lambda: recorded(ask(), []), script)
    heard: list[bytes] = []
    hold(recorded(ask(), heard), script)
    assert heard == [DONE, READY]
