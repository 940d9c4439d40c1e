from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.errors import ConfigurationError
from agroal.importing.bouncer_ini import MOST_INCLUDES, pairs, read


def sections(path: Path, text: str) -> dict[str, dict[str, str]]:
    file = path / "pgbouncer.ini"
    file.write_text(text)
    return {name: {e.key: e.value for e in found.values()} for name, found in read(file).sections.items()}


def problems(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        sections(path, text)
    return [str(problem) for problem in caught.value.problems]


def test_sections_have_keys_and_values_to_the_end_of_the_line(tmp_path: Path) -> None:
    text = "; one\n# two\n[pgbouncer]\nlisten_port = 6432 ; not a comment\n[databases]\n* = host=a\nx.y-z_1=port=1\n"
    assert sections(tmp_path, text) == {
        "pgbouncer": {"listen_port": "6432 ; not a comment"},
        "databases": {"*": "host=a", "x.y-z_1": "port=1"},
    }


def test_a_name_in_double_quotes_may_have_anything_in_it(tmp_path: Path) -> None:
    assert sections(tmp_path, '[databases]\n"a ""b"" = c" = host=x\n') == {"databases": {'a "b" = c': "host=x"}}


def test_the_last_of_two_entries_counts_and_a_section_can_be_taken_up_again(tmp_path: Path) -> None:
    text = "[pgbouncer]\na = 1\n[databases]\n[pgbouncer]\na = 2\n"
    assert sections(tmp_path, text)["pgbouncer"] == {"a": "2"}


def test_an_included_file_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "more.ini").write_text("b = 2\n[databases]\nx = host=h\n")
    text = "[pgbouncer]\na = 1\n%include more.ini\ny = host=h\n"
    assert sections(tmp_path, text) == {"pgbouncer": {"a": "1", "b": "2"}, "databases": {"x": "host=h", "y": "host=h"}}


def test_a_file_that_includes_itself_is_a_problem_and_no_end_of_stack(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "[pgbouncer]\n%include pgbouncer.ini\n")
    assert f"more than {MOST_INCLUDES} files deep" in found


def test_everything_that_is_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path, "a = 1\n[pgbouncer]\nno equals sign\n%include missing.ini\n")
    assert any(":1: a: stands before the first section" in problem for problem in found)
    assert any(":3: is not understood" in problem for problem in found)
    assert any("missing.ini: no such file" in problem for problem in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host=a port=1", [("host", "a"), ("port", "1")]),
        ("  host = a\tport =1 ", [("host", "a"), ("port", "1")]),
        ("password='it''s a secret'  user=x", [("password", "it's a secret"), ("user", "x")]),
        ("connect_query='set a = ''b=c'''", [("connect_query", "set a = 'b=c'")]),
        ("password=a'b", [("password", "a'b")]),
        ("", []),
    ],
)
def test_a_connection_string_is_pairs(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(pairs(text)) == expected


@pytest.mark.parametrize(
    "text", ["host", "=x", "host=", "password=''", "password='open", "password='a'b", "host=a 'b'"]
)
def test_what_is_no_connection_string_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        list(pairs(text))
    assert "open" not in str(caught.value)


@given(
    st.lists(st.tuples(st.from_regex(r"[a-z_]+", fullmatch=True), st.text(min_size=1).filter(lambda t: "\0" not in t)))
)
def test_quoted_values_come_back_as_they_were(given_pairs: list[tuple[str, str]]) -> None:
    text = " ".join(f"{key}='{value.replace(chr(39), chr(39) * 2)}'" for key, value in given_pairs)
    assert list(pairs(text)) == given_pairs
