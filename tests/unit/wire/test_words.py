from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.wire import words
from agroal.wire.halting import DIGITS

try:
    from agroal.wire import _halting as compiled
except ImportError:
    compiled = None

HARMLESS = [
    b"",
    b"SELECT 1",
    b"UPDATE t SET a = 1",
    b"SELECT reset, discard, listen FROM settings",
    b"SELECT attempt FROM household",
    b"SELECT 1; UPDATE t SET a = 1; SELECT 2",
    b"/* set */ SELECT 1",
    b"-- set\nSELECT 1",
    b"SELECT 'it is set'",
    b"BEGIN; COMMIT",
]
TELLING = [
    b"SET a = 1",
    b"set a = 1",
    b"SeT\ta = 1",
    b"  \r\n\t set a = 1",
    b"/* first */ SET a = 1",
    b"/* a * b ** c */-- d\n/**/ SET a = 1",
    b"SELECT 1; SET a = 1",
    b"SELECT 1;/* then */SET a = 1",
    b"SELECT 1;;\n;-- then\nSET a = 1",
    b"SET/**/a = 1",
    b"RESET ALL",
    b"DISCARD ALL",
    b"DEALLOCATE a",
    b"deallocate all",
    b"UNLISTEN *",
    b"SELECT pg_advisory_lock(1)",
    b"SELECT pg_catalog.pg_try_advisory_lock_shared(1)",
    b"SELECT PG_ADVISORY_UNLOCK_ALL()",
    b"SELECT set_config('a', 'b', false)",
    b"CREATE TEMP TABLE t ()",
    b"SELECT 1 INTO TEMPORARY t",
    b"DECLARE c CURSOR WITH HOLD FOR SELECT 1",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_everybody_asks_is_not_suspicious(text: bytes) -> None:
    assert not words.is_suspicious(b"LISTEN; SET" + text + b"\0; SET", 11, 11 + len(text) + 1)


@pytest.mark.parametrize("text", TELLING)
def test_what_leaves_something_behind_is_suspicious(text: bytes) -> None:
    assert words.is_suspicious(b"before" + text + b"\0behind", 6, 6 + len(text) + 1)


@pytest.mark.skipif(compiled is None, reason="there is no compiled twin")
@pytest.mark.parametrize("text", HARMLESS + TELLING)
def test_the_compiled_twin_suspects_the_same(text: bytes) -> None:
    assert compiled.suspicious(text + b"\0") == (text in TELLING)


@pytest.mark.parametrize("piece", [b";/*", b";--", b";/**", b";set/*", b"/**/", b"; ", b"'", b";/* ", b"\n"])
def test_no_text_is_read_again_and_again(piece: bytes) -> None:
    """Square in its length, this would take minutes."""
    text = piece * (65_536 // len(piece))
    words.is_suspicious(text, 0, len(text))


PIECES = [b"set", b"_config", b"RESET", b"Temp", b"HOLD", b"pg_", b"try_", b"Advisory_", b"deallocate", b"Discard"]
PIECES += [b"unlisten", b"s", b"e", b";", b" ", b"/*", b"*/", b"--", b"\n", b"\xff"]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join))
def test_the_quick_look_misses_nothing(text: bytes) -> None:
    assert words.is_suspicious(text, 0, len(text)) == (words.SUSPICIOUS.search(text) is not None)


def test_no_tag_that_tells_something_ends_with_a_number_of_rows() -> None:
    assert not [tag for tag in words.TAGS if tag[-1] in DIGITS]


def test_what_makes_statements_go_is_told_by_its_tag() -> None:
    assert words.FORGETTING <= words.TAGS
