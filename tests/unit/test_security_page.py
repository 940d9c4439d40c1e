"""SECURITY.md names the tests that show what it promises: they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
PROMISES = PAGE.partition("## What is promised")[2].partition("## What is not promised")[0]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_is_named_exists(file: str, test: str) -> None:
    functions = [
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert functions
    assert not test or test in functions


def test_each_promise_names_a_test() -> None:
    promises = re.split(r"^- ", PROMISES, flags=re.MULTILINE)[1:]
    assert len(promises) > 15
    assert [promise for promise in promises if "`tests/" not in promise] == []


def test_every_file_that_looks_like_a_test_is_one_of_those_checked() -> None:
    assert len(re.findall(r"tests/\w+/", PAGE)) == len(re.findall(r"`tests/[\w/]+\.py(?:::\w+)?`", PAGE))


def test_the_readme_leads_there() -> None:
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text()
