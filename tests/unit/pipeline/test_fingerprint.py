from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agroal.pipeline.fingerprint import LOOKED_AT, SHOWN, fingerprint

CASES = [
    ("SELECT * FROM t WHERE id = 7", "select * from t where id = ?"),
    ("select *\n\tfrom t  where id=$1;", "select * from t where id = ?"),
    ("select 1 -- of ann", "select ?"),
    ("select 1 -- of ann\r, 2", "select ?, ?"),
    ("select /* a /* nested */ 'one' */ 1", "select ?"),
    ("select 1 /* without an end 'x'", "select ?"),
    ("select 'it''s', \"It's\"", 'select ?, "It\'s"'),
    (r"select E'it\'s', e'\\', 2", "select ?, ?, ?"),
    ("select B'1', x'1F', N'a', U&'d\\0061', U&\"d\\0061\"", 'select ?, ?, ?, ?, U&"d\\0061"'),
    ("select $$a$$, $f$ $$ $g$ $f$, $1", "select ?, ?, ?"),
    ("select a$b$ from c$", "select a$b$ from c$"),
    ("select 1.5e-3, .5, 0x1F, 1_000, 12abc", "select ?, ?, ?, ?, ?"),
    ("select date '2026-01-01'", "select date ?"),
    ("select count(*), f (a, 1)", "select count(*), f(a, ?)"),
    ("select a[1], ARRAY[1,2,3]::int[]", "select a[?], array[?]::int[]"),
    ("select * from t where id in (1, -2, $3)", "select * from t where id in (?)"),
    ("insert into t(a, b) values (1, 'x'), (2, 'y'), (3, null)", "insert into t(a, b) values (?), (?, null)"),
    ("select x where (a,b) in ((1,2),(3,4))", "select x where (a, b) in ((?))"),
    ("select a-1, a - -1, -1, a=-1, a<>+1", "select a - ?, a - ?, ?, a = ?, a <> ?"),
    ("select a->>'b', a @- 1, a<=b", "select a ->> ?, a @- ?, a <= b"),
    ("select a--b\n+1", "select a + ?"),
    ('select S."T" . c', 'select s."T".c'),
    ("begin; commit;;", "begin; commit"),
    ("", ""),
    (";", ""),
]


class TestText:
    @pytest.mark.parametrize(("statement", "text"), CASES)
    def test_is_the_statement_without_what_it_is_about(self, statement: str, text: str) -> None:
        assert fingerprint(statement.encode()).text == text

    @pytest.mark.parametrize(
        "statement",
        [
            "select 'secret",
            "select E'secret",
            "select E'secret\\",
            'select "secret',
            "select $a$secret$b$",
            "select U&'secret",
        ],
    )
    def test_shows_nothing_behind_a_quote_that_is_never_closed(self, statement: str) -> None:
        assert fingerprint(statement.encode()).text == "select ?"

    @pytest.mark.parametrize(
        "statement", [r"select 'a\'secret', 'b'", r"select 'a\''secret'", r"select 'c:\' + secret"]
    )
    def test_shows_nothing_behind_a_backslash_that_may_or_may_not_escape_a_quote(self, statement: str) -> None:
        assert fingerprint(statement.encode()).text == "select ? …"

    def test_is_bounded_in_whole_words(self) -> None:
        long = b"select " + b", ".join(b"column_%d" % number for number in range(1000))
        text = fingerprint(long).text
        assert SHOWN - 15 < len(text) <= SHOWN
        assert re.fullmatch(r"select (column_\d+, )*column_\d+,? …", text)
        assert fingerprint(b"select " + b"a" * 1000, 20).text == "select …"
        assert fingerprint(b"a" * 1000, 20).text == "…"

    def test_has_what_is_no_text_replaced(self) -> None:
        assert fingerprint(b'select "\xff\xe4"').text == 'select "��"'


class TestDigest:
    def test_is_the_same_for_statements_that_differ_in_their_values_only(self) -> None:
        statements = [
            b"SELECT * FROM t WHERE id IN (1, 2, 3) AND name = 'ann'",
            b"select * /* twice */ from t where id in ($1) and name = $2;",
        ]
        assert len({fingerprint(statement).digest for statement in statements}) == 1
        assert re.fullmatch("[0-9a-f]{16}", fingerprint(statements[0]).digest)

    @pytest.mark.parametrize(
        "other", ["select a from u", 'select "A" from t', "select a, a from t", "select a + ? from t"]
    )
    def test_is_another_for_another_statement(self, other: str) -> None:
        assert fingerprint(other.encode()).digest != fingerprint(b"select a from t").digest

    def test_tells_statements_apart_whose_shown_text_is_the_same(self) -> None:
        one, two = (fingerprint(b"select " + b"a, " * 500 + end) for end in (b"b", b"c"))
        assert one.text == two.text
        assert one.digest != two.digest

    def test_does_not_look_at_what_is_very_long_to_its_end(self) -> None:
        start = b"select " + b"a, " * LOOKED_AT
        assert fingerprint(start + b"b") == fingerprint(start + b"c")


PIECES = (
    *(b"'", b'"', b"\\", b"$", b"$a$", b"$$", b"/*", b"*/", b"--", b"\n", b"(", b")", b"[", b"]", b",", b";", b"::"),
    *(b"-", b"+", b"?", b".", b"e", b"E'", b"U&", b" ", b"a", b"1", b"1e", b"=", b"@", b"\xff", b"\xc3\xa4", b"in"),
)
hostile = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))


@settings(max_examples=1000)
@given(hostile)
@example(b"=--?")
@example(b"(?,?),(?,?)")
def test_whatever_it_gets_it_says_the_same_of_what_it_says(statement: bytes) -> None:
    once = fingerprint(statement)
    assert fingerprint(once.text.encode()) == once
    assert len(once.text) <= SHOWN


SECRET = "s3cr3tv4lu3"


def literals() -> st.SearchStrategy[str]:
    inside = st.text("abc'\\\"$ \n-/*", max_size=6)
    plain = st.builds(lambda a, b: f"{a}{SECRET}{b}".replace("\\", "").replace("'", "''"), inside, inside)
    escaped = st.builds(lambda a, b: f"{a}{SECRET}{b}".replace("\\", "\\\\").replace("'", "\\'"), inside, inside)
    tagged = st.builds(lambda a, b: f"{a}{SECRET}{b}".replace("$", ""), inside, inside)
    return st.one_of(
        plain.map("'{}'".format),
        plain.map("U&'{}'".format),
        escaped.map("E'{}'".format),
        tagged.map("$tag${}$tag$".format),
        st.just(f"1{SECRET}"),
    )


@settings(max_examples=500)
@given(
    st.lists(
        st.one_of(
            literals(), st.sampled_from(["select", ",", "(", ")", "=", "-", "::text", '"Name"', "/* x */", "1.5", "$1"])
        ),
        max_size=12,
    )
)
def test_no_literal_survives(parts: list[str]) -> None:
    assert SECRET not in fingerprint(" ".join(parts).encode()).text


@given(st.integers(1, 40))
def test_a_literal_that_is_cut_off_does_not_survive_either(length: int) -> None:
    statement = b"x" * (LOOKED_AT - length) + b" 'a" + SECRET.encode() * 10 + b"'"
    assert SECRET not in fingerprint(statement, 10 * LOOKED_AT).text


@pytest.mark.parametrize("piece", [*PIECES, b"a.", b"(1,", b"'\\", b"$a", b"/*x", b"-1"])
def test_it_takes_no_longer_than_its_input_allows(piece: bytes) -> None:
    """Were it quadratic, sixteen thousand pieces would outlast the time that a test has."""
    for _ in range(20):
        fingerprint((piece * LOOKED_AT)[:LOOKED_AT])
