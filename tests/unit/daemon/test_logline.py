from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.model import LogLevel
from agroal.daemon.about import What, keep, said
from agroal.daemon.journal import entry
from agroal.daemon.logline import LEVELS, LONGEST_MESSAGE, LONGEST_TRACE, JsonFormatter, LineFormatter


def record(message: str, *args: object, level: int = logging.INFO, **values: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "agroal.test", "msg": message, "args": args, "levelno": level, "created": 1_800_000_000.25, **values}
    )
    keep(made)
    return made


def failure(text: str) -> Any:
    def fail() -> None:
        raise ValueError(text)

    try:
        fail()
    except ValueError as error:
        return ValueError, error, error.__traceback__


def parsed(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert "\n" not in line
    assert line.isascii()
    members: dict[str, Any] = json.loads(line)
    return members


class TestJson:
    def test_is_one_object_with_the_time_to_the_microsecond(self) -> None:
        assert JsonFormatter().format(record("ready: %d", 7)) == (
            '{"time":"2027-01-15T08:00:00.250000Z","level":"info","logger":"agroal.test","message":"ready: 7"}'
        )

    @pytest.mark.parametrize("level", LogLevel)
    def test_calls_the_levels_as_the_configuration_does(self, level: LogLevel) -> None:
        assert parsed(record("x", level=LEVELS[level]))["level"] == level.value

    def test_has_what_the_line_is_about_beside_the_message(self) -> None:
        fields = said(event=What.DISCONNECT, reason="client_gone", slot=0, seconds=1.5)
        members = parsed(record("gone", **fields))
        assert {name: members[name] for name in ("event", "reason", "slot", "seconds", "message")} == {
            "event": "disconnect",
            "reason": "client_gone",
            "slot": 0,
            "seconds": 1.5,
            "message": "gone",
        }

    def test_has_a_traceback_as_one_text(self) -> None:
        members = parsed(record("failed", exc_info=failure("a\x1bb")))
        first, *_, last = members["traceback"].split("\n")
        assert (first, last) == ("Traceback (most recent call last):", r"ValueError: a\x1bb")

    def test_has_names_that_are_harmless_when_a_program_has_read_them(self) -> None:
        members = parsed(record("%s", "ann\x1b[2J", **said(user="ann\x1b[2J\x7f\u202e", application="bär")))
        assert (members["message"], members["user"]) == (r"ann\x1b[2J", r"ann\x1b[2J\x7f\u202e")
        assert members["application"] == "bär"


FORMATS = [LineFormatter("%Y"), LineFormatter("", with_level=False), JsonFormatter()]
HARMFUL = {
    *map(chr, range(32)),
    *map(chr, range(127, 160)),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
}


@pytest.mark.parametrize("formatter", FORMATS, ids=["text", "message", "json"])
@given(text=st.text(), user=st.text())
def test_no_format_lets_a_control_character_through(formatter: logging.Formatter, text: str, user: str) -> None:
    line = formatter.format(record("%s", text, **said(user=user)))
    assert not HARMFUL.intersection(line)
    line.encode()
    if isinstance(formatter, JsonFormatter):
        assert not HARMFUL.intersection("".join(str(value) for value in json.loads(line).values()))


@given(text=st.text(), user=st.text())
def test_no_field_of_the_journal_can_be_forged(text: str, user: str) -> None:
    made = record("%s", text, **said(user=user))
    lines = entry(LineFormatter("", with_level=False).format(made), made).split(b"\n")
    assert lines[-1] == b""
    names = [line.partition(b"=")[0].decode() for line in lines[:-1]]
    assert names == ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "AGROAL_LOGGER", "AGROAL_USER"]


@pytest.mark.parametrize("formatter", FORMATS, ids=["text", "message", "json"])
def test_no_line_is_longer_than_its_bound(formatter: logging.Formatter) -> None:
    line = formatter.format(record("%s", "x" * 100_000, exc_info=failure("y" * 100_000 + "end")))
    assert len(line) < 2 * (LONGEST_MESSAGE + LONGEST_TRACE)
    assert "91808 more characters" in line
    assert line.rstrip('"}').endswith("yend")
