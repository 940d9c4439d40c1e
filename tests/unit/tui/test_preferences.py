from __future__ import annotations

from pathlib import Path

import pytest
from agroal_top.preferences import BadPreferences, Preferences, read, usual_action_log, usual_file

WISHES = """\
interval = 2
theme = "agroal-cb"
mouse = false

[keymap]
"main.quit" = "f10"

[profile.shop]
directory = "/etc/agroal"
colour = "red"
read_only = true
theme = "agroal-light"

[profile.shop.keymap]
"main.help" = "f2"

[profile.other]
socket = "~/there/.s.agroal.2346"
"""


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    return tmp_path / "top.toml"


def test_a_file_that_is_not_there_says_nothing(wishes: Path) -> None:
    assert read(wishes) == Preferences()


def test_the_top_of_the_file_is_for_all(wishes: Path) -> None:
    wishes.write_text(WISHES)
    expected = Preferences(interval=2.0, theme="agroal-cb", mouse=False, keymap={"main.quit": "f10"})
    assert read(wishes) == expected


def test_a_profile_counts_before_it(wishes: Path) -> None:
    wishes.write_text(WISHES)
    assert read(wishes, "shop") == Preferences(
        directory=Path("/etc/agroal"),
        colour="red",
        read_only=True,
        interval=2.0,
        theme="agroal-light",
        mouse=False,
        keymap={"main.quit": "f10", "main.help": "f2"},
    )
    assert read(wishes, "other").socket == Path.home() / "there/.s.agroal.2346"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interval = ", "can't be read"),
        ("interval = 0.1", "interval: seconds between 0.2 and 3600"),
        ("interval = true", "interval: seconds between"),
        ("theme = 3", "theme: a text was expected"),
        ('ascii = "yes"', "ascii: true or false was expected"),
        ('screen = "kitchen"', "screen: one of overview, pools"),
        ('directory = "/etc"', "directory is not known: there are colour"),
        ("keymap = 3", "keymap is to be a table"),
        ('[profile.shop]\n[keymap]\n"main.quit" = 3', "keymap.main.quit: a text was expected"),
        ("profile = 3", "profile is to be a table"),
        ('[profile.shop]\nsockt = "/x"', "profile.shop.sockt is not known"),
        ('[profile.shop]\nsocket = "/x"\nconfig = "/y"', "one of config, directory, socket, uri is enough"),
        ('[profile.other]\nsocket = "/x"', "no profile “shop”: it has other"),
    ],
)
def test_what_can_not_be_followed_is_said_with_its_place(wishes: Path, text: str, said: str) -> None:
    wishes.write_text(text)
    with pytest.raises(BadPreferences) as caught:
        read(wishes, "shop")
    assert said in str(caught.value)
    assert str(wishes) in str(caught.value)


def test_the_files_are_where_the_base_directories_are() -> None:
    assert usual_file({"XDG_CONFIG_HOME": "/wishes"}) == Path("/wishes/agroal/top.toml")
    assert usual_file({}) == Path.home() / ".config/agroal/top.toml"
    assert usual_action_log({"XDG_STATE_HOME": "/state"}) == Path("/state/agroal/actions.log")
    assert usual_action_log({}) == Path.home() / ".local/state/agroal/actions.log"
