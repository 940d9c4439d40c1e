from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agroal.management.neutral import neutral

HOSTILE = {
    "an escape sequence": ("\x1b[2J\x1b[31mroot", "␛[2J␛[31mroot"),
    "an operating system command": ("\x1b]0;owned\x07", "␛]0;owned·"),
    "a C1 control": ("\x9b31mred", "·31mred"),
    "a line end": ("psql\nFATAL forged", "psql·FATAL forged"),
    "a carriage return": ("secret\rpublic", "secret·public"),
    "a backspace": ("drop\b\b\b\bprod", "drop····prod"),
    "a tab": ("a\tb", "a·b"),
    "a nul": ("a\0b", "a·b"),
    "a delete": ("a\x7fb", "a·b"),
    "a line separator": ("a\u2028b\u2029c", "a·b·c"),
    "a bidirectional override": ("\u202edorp\u202c", "·dorp·"),
    "a bidirectional isolate": ("\u2066a\u2069", "·a·"),
    "marks of direction": ("\u200ea\u200fb\u061cc", "·a·b·c"),
    "a space of no width": ("shop\u200b", "shop·"),
    "a byte order mark": ("\ufeffshop", "·shop"),
    "a space that is none": ("a\u00a0b\u3000c", "a·b·c"),
    "a soft hyphen": ("sh\u00adop", "sh·op"),
    "hidden tag characters": ("shop\U000e0041", "shop·"),
    "a joiner between letters": ("sh\u200dop", "sh·op"),
    "a joiner at the ends": ("\u200dshop\u200d", "·shop·"),
    "a lone surrogate": ("a\ud800b", "a·b"),
    "a private character": ("a\ue000b", "a·b"),
    "no character at all": ("a\uffffb", "a·b"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_acts_is_shown_instead(text: str, shown: str) -> None:
    assert neutral(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "psql",
        "größe",
        "数据库",
        "שלום",
        "a b",
        "👩\u200d💻",
        "🏃🏽\u200d♂\ufe0f",
        "❤\ufe0f\u200d🔥",
        "~!@#$%^&*()[]{}|\\'\"",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert neutral(text) == text


def test_the_same_letter_is_spelled_one_way() -> None:
    assert neutral("gro\u0308ße") == "größe"


@pytest.mark.parametrize(("length", "shown"), [(62, "x" * 62), (63, "x" * 63), (64, "x" * 62 + "…")])
def test_what_is_too_long_is_cut(length: int, shown: str) -> None:
    assert neutral("x" * length, 63) == shown


def test_a_letter_of_many_marks_is_cut_before_it_costs_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Spy:
        category = staticmethod(unicodedata.category)

        @staticmethod
        def normalize(form: Literal["NFC"], text: str) -> str:
            seen.append(len(text))
            return unicodedata.normalize(form, text)

    monkeypatch.setattr("agroal.management.neutral.unicodedata", Spy)
    assert len(neutral("a" + "\u0301\u0316" * 10_000, 64)) == 64
    assert seen == [260]


def test_letters_that_grow_together_are_counted_as_they_are_shown() -> None:
    assert neutral(unicodedata.normalize("NFD", "ᾂ") * 63, 63) == "ᾂ" * 63


HARMFUL = st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Mn"]) | st.sampled_from(
    "\x1b\x9b\u200d\ufe0f👩💻"
)


@given(st.text(st.characters() | HARMFUL), st.integers(2, 30))
@example("👩\u200d💻" * 10, 5)
@example("👩\u200d\u200d💻", 30)
@example("👩\ufe0f\ufe0f\u200d💻", 30)
def test_nothing_that_acts_is_left_whatever_came(text: str, limit: int) -> None:
    shown = neutral(text, limit)
    assert len(shown) <= limit
    assert neutral(shown, limit) == shown
    assert unicodedata.is_normalized("NFC", shown)
    shown.encode("utf-8")
    assert shown.replace("\u200d", "").isprintable()
