from __future__ import annotations

import re

import pytest

from agroal.reference.markdown import GENERATED, escape, markdown
from agroal.reference.page import Code, Heading, Table, Text


def test_a_page_says_first_that_it_is_generated() -> None:
    assert markdown("Title", (Text("a"),)) == f"{GENERATED}\n\n# Title\n\na\n"


def test_each_block_has_its_form() -> None:
    page = markdown("T", (Heading("H"), Heading("I", 2), Code("x = *\n\ny\n"), Text("see [z](z.md)")))
    assert page.endswith("# T\n\n## H\n\n### I\n\n```\nx = *\n\ny\n```\n\nsee [z](z.md)\n")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("* is all", r"\* is all"),
        ("<dir>/x", r"\<dir\>/x"),
        ("[agroal]", r"\[agroal\]"),
        ("a\\b", r"a\\b"),
        ("one ` alone", r"one \` alone"),
        ("~/.agroal", r"\~/.agroal"),
        ("_a_ but a_b", r"\_a\_ but a_b"),
    ],
)
def test_what_markdown_would_read_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_no_cell_is_cut_by_a_bar_in_it() -> None:
    page = markdown("T", (Table(("a", "b"), (("`text|json`", "x | y"),)),))
    row = page.splitlines()[-1]
    assert row == r"| `text\|json` | x \| y |"
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
