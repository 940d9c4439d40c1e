from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from agroal.config.keys import Key, Kind, Support, boolean, choice, duration, integer, keys_of, path, size, text

# ruff: noqa: RUF009 (path, choice and the like return dataclass fields)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A declaration of one key of each kind."""

    name: str
    port: int = integer(low=1, high=65535, required=True, restart=True, doc="Port.")
    proud: bool = boolean(True, spellings={"perhaps": False}, doc="Proud?")
    pause: float = duration(0.25, low=0.001, high=60, unit="ms", doc="Pause.")
    room: int = size(1024, low=1, high=1 << 20, doc="Room.")
    colour: Colour = choice(Colour.RED, spellings={"r": Colour.RED}, doc="Colour.")
    folder: Path | None = path(None, derived="<home>/x", doc="Folder.")
    motto: str = text("On!", doc="Motto.")
    token: str = text(secret=True, doc="Token.")
    pin: int = integer(0, low=0, high=9999, secret=True, doc="Pin.")


KEYS = {key.name: key for key in keys_of(Sample)}


def parse(name: str, value: str) -> object:
    return KEYS[name].parse(value, {"HOME": "/root"})


def complaint(name: str, value: str) -> str:
    with pytest.raises(ValueError) as caught:
        parse(name, value)
    return str(caught.value)


def test_the_fields_of_a_dataclass_are_its_keys_and_plain_fields_are_not() -> None:
    assert list(KEYS) == ["port", "proud", "pause", "room", "colour", "folder", "motto", "token", "pin"]
    assert KEYS["pause"].kind is Kind.DURATION
    assert KEYS["port"].restart
    assert not KEYS["proud"].restart


def test_the_dataclass_has_the_declared_defaults_and_wants_what_is_required() -> None:
    sample = Sample(name="x", port=1)
    assert (sample.proud, sample.pause, sample.colour, sample.folder, sample.motto) == (
        True,
        0.25,
        Colour.RED,
        None,
        "On!",
    )
    with pytest.raises(TypeError, match="port"):
        Sample(name="x")


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("port", "1", 1),
        ("port", "65535", 65535),
        ("proud", "OFF", False),
        ("proud", "yes", True),
        ("proud", "0", False),
        ("proud", "Perhaps", False),
        ("pause", "500", 0.5),
        ("room", "1K", 1024),
        ("colour", "GREEN", Colour.GREEN),
        ("colour", "R", Colour.RED),
        ("folder", "$HOME/x", Path("/root/x")),
        ("folder", "", None),
        ("motto", "", ""),
        ("motto", "$HOME", "$HOME"),
    ],
)
def test_each_kind_reads_its_values(name: str, value: str, parsed: object) -> None:
    result = parse(name, value)
    assert result == parsed
    assert type(result) is type(parsed)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "", "expected a whole number from 1 to 65535, not nothing"),
        ("port", "x", "expected a whole number, not 'x'"),
        ("port", "0", "expected a whole number from 1 to 65535, not '0'"),
        ("port", "65536", "expected a whole number from 1 to 65535, not '65536'"),
        ("proud", "maybe", "expected on or off, not 'maybe'"),
        ("proud", "", "expected on or off, not ''"),
        ("pause", "0", "expected a duration from 1ms to 1m, not '0'"),
        ("pause", "2m", "expected a duration from 1ms to 1m, not '2m'"),
        ("room", "2M", "expected a size from 1 to 1M, not '2M'"),
        ("colour", "pink", "expected red, green or blue, not 'pink'"),
        ("folder", "$GONE", "expected the environment variable GONE to be set"),
    ],
)
def test_a_bad_value_is_told_what_was_expected(name: str, value: str, message: str) -> None:
    assert complaint(name, value) == message


@pytest.mark.parametrize(("name", "value"), [("pin", "sesame"), ("pin", "12345")])
def test_the_text_of_a_secret_is_in_no_message(name: str, value: str) -> None:
    assert value not in complaint(name, value)


@pytest.mark.parametrize(
    ("name", "value", "spelled"),
    [
        ("proud", False, "off"),
        ("pause", 0.5, "500ms"),
        ("room", 1024, "1K"),
        ("colour", Colour.GREEN, "green"),
        ("folder", None, ""),
        ("folder", Path("/x"), "/x"),
        ("port", 80, "80"),
    ],
)
def test_a_value_is_spelled_as_in_a_file(name: str, value: bool | float | str | Path | None, spelled: str) -> None:
    assert KEYS[name].spell(value) == spelled


def test_the_text_of_a_default() -> None:
    assert {name: key.default_text for name, key in KEYS.items()} == {
        "port": "",
        "proud": "on",
        "pause": "250ms",
        "room": "1K",
        "colour": "red",
        "folder": "<home>/x",
        "motto": "On!",
        "token": "",
        "pin": "0",
    }


def test_a_key_without_meaning_says_so_whatever_its_value() -> None:
    key = Key(kind=Kind.BOOL, default=True, doc="all sockets are.", support=Support.NEVER)
    assert key.remark(True) == key.remark(False) == "accepted, but has no meaning here: all sockets are."


@pytest.mark.parametrize(
    ("support", "explanation"),
    [
        (Support.HONOURED, "All sockets are."),
        (Support.LATER, "All sockets are. It has no effect yet."),
        (Support.NEVER, "It has no meaning here: All sockets are."),
    ],
)
def test_a_key_explains_what_it_does_and_whether_it_does_it(support: Support, explanation: str) -> None:
    assert Key(kind=Kind.BOOL, default=True, doc="All sockets are.", support=support).explanation == explanation


@pytest.mark.parametrize(("value", "shown"), [("", ""), ("sesame", "********")])
def test_a_secret_is_shown_as_a_mask_when_there_is_one(value: str, shown: str) -> None:
    assert KEYS["token"].show(value) == shown
    assert KEYS["motto"].show(value) == value


@pytest.mark.parametrize("asked", [True, 5.0, "foreground", Path("/x")])
def test_a_key_of_a_later_version_says_so_when_it_asks_for_something(asked: bool | float | str | Path) -> None:
    key = Key(kind=Kind.TEXT, default="", doc="", support=Support.LATER)
    assert key.remark(asked) == "accepted, but has no effect yet"


@pytest.mark.parametrize("nothing", [False, 0, 0.0, "", None, "off", "disabled", "never"])
def test_a_key_of_a_later_version_is_silent_when_it_asks_for_nothing(nothing: bool | float | str | None) -> None:
    assert Key(kind=Kind.TEXT, default="", doc="", support=Support.LATER).remark(nothing) == ""


def test_a_value_that_is_never_heeded_names_the_one_that_holds_and_why() -> None:
    key = Key(kind=Kind.ENUM, default=Colour.RED, doc="", unheeded={Colour.GREEN: "grass is no signal"})
    assert key.remark(Colour.GREEN) == "accepted, but green is never heeded, red holds: grass is no signal"
    assert key.remark(Colour.RED) == ""
