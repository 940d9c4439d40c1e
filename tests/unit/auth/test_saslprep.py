from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.saslprep import prepare, saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # RFC 4013 §3, all of its examples that are not refused
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("a\u3000b", "a b"),
        ("a\u200bb", "a b"),  # in both mapping tables: PostgreSQL takes it for a space
        ("a\u200cb\ufe0fc", "abc"),
        ("p\u00e4ss", "p\u00e4ss"),
        ("pa\u0308ss", "p\u00e4ss"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("\u06271\u0628", "\u06271\u0628"),
        ("\u2135a", "\u05d0a"),  # looked at before it is normalised, ALEF SYMBOL is a left-to-right character
        ("~`!@#$%^&*()_+ =", "~`!@#$%^&*()_+ ="),
    ],
)
def test_text_is_prepared_as_the_rfc_and_postgresql_do(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared
    assert prepare(text) == prepared.encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing is left"),
        ("\u00ad\u200d", "nothing is left"),
        ("\u0007", "prohibited"),  # RFC 4013 §3
        ("a\u0085", "prohibited"),
        ("\ue000", "prohibited"),
        ("\ufdd0", "prohibited"),
        ("\udcff", "prohibited"),
        ("\ufff9", "prohibited"),
        ("\u2ff0", "prohibited"),
        ("\u0340", "prohibited"),  # NFKC would make an innocent U+0300 of it
        ("\U000e0020", "prohibited"),
        ("\U0001f600", "unassigned"),
        ("\u0627a\u0628", "both directions"),
        ("\u06271", "begin and end"),  # RFC 4013 §3
        ("1\u0627", "begin and end"),
    ],
)
def test_what_the_rfc_refuses_is_used_raw_as_postgresql_does(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        saslprep(text)
    assert prepare(text) == text.encode(errors="surrogateescape")


def test_a_refusal_does_not_quote_the_password() -> None:
    with pytest.raises(ValueError) as caught:
        saslprep("hunter2\u0007")
    assert "hunter2" not in str(caught.value)


@given(st.binary())
def test_any_bytes_of_a_client_have_a_prepared_form(raw: bytes) -> None:
    text = raw.decode(errors="surrogateescape")
    assert isinstance(prepare(text), bytes)


@given(st.binary(min_size=1).filter(lambda raw: raw.decode(errors="replace").encode() != raw))
def test_bytes_that_are_not_utf_8_are_used_as_they_are(raw: bytes) -> None:
    assert prepare(raw.decode(errors="surrogateescape")) == raw
