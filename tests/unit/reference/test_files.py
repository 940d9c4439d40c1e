"""The files in the project against the tables they are drawn from, and what a wheel installs of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from agroal.pool.slot import SlotState, diagram
from agroal.reference.files import SLOTS, differing, drawn, write

ROOT = Path(__file__).parents[3]
DRAWN = drawn(ROOT)
MANUALS = {path: text for path, text in DRAWN.items() if path.startswith("man/")}


@pytest.mark.parametrize("path", DRAWN)
def test_what_is_shipped_is_what_the_tables_say(path: str) -> None:
    assert (ROOT / path).exists(), "run `make docs`"
    assert (ROOT / path).read_text("utf-8") == DRAWN[path], "run `make docs`"


def test_nothing_else_lies_beside_it() -> None:
    for folder in ("man", "completions"):
        there = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert there == {path for path in DRAWN if path.startswith(f"{folder}/")}


def test_each_file_is_installed_where_its_reader_looks() -> None:
    places = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["data-files"]
    wanted = {
        "man/*.1": "share/man/man1",
        "man/*.5": "share/man/man5",
        "completions/bash/*": "share/bash-completion/completions",
        "completions/zsh/_*": "share/zsh/site-functions",
        "completions/fish/*.fish": "share/fish/vendor_completions.d",
    }
    for path in DRAWN:
        installed = [place for place, patterns in places.items() if any(fnmatch(path, each) for each in patterns)]
        assert installed == [place for pattern, place in wanted.items() if fnmatch(path, pattern)]
        assert len(installed) == (0 if path.startswith("docs/") else 1)


def test_the_page_about_slots_has_every_state_in_words_and_in_the_diagram() -> None:
    page = DRAWN[SLOTS]
    assert page.count(diagram()) == 1
    assert all(f"| {state} |" in page for state in SlotState)


def test_neither_the_terminal_nor_the_day_nor_the_language_changes_a_word() -> None:
    program = (
        "import json, pathlib, sys; from agroal.reference.files import drawn;"
        "print(json.dumps(drawn(pathlib.Path(sys.argv[1]))))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, str(ROOT)],
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tui'}", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for environment in (
            {"COLUMNS": "40", "PYTHONHASHSEED": "1", "HOME": "/nowhere", "LC_ALL": "C"},
            {"COLUMNS": "200", "PYTHONHASHSEED": "2", "AGROAL_CONFIG_DIR": "/elsewhere", "LANGUAGE": "de"},
        )
    ]
    assert outputs[0] == outputs[1]
    assert not re.search(r"20[0-9][0-9]-|/home/|/root/", "".join(DRAWN.values()))


@pytest.mark.parametrize("path", MANUALS)
def test_a_manual_page_is_sound(path: str) -> None:
    """What groff would complain about: requests and escapes it does not know, text without a place, bytes not ASCII."""
    text = MANUALS[path]
    assert text.isascii()
    lines = text.splitlines()
    requests = [line.split()[0] for line in lines if line.startswith((".", "'"))]
    assert set(requests) <= {r".\"", ".TH", ".nh", ".SH", ".SS", ".PP", ".TP", ".br", ".RS", ".RE", ".nf", ".fi"}
    assert requests[:4] == [r".\"", ".TH", ".nh", ".SH"]
    assert [request for request in requests if request in (".nf", ".fi")] == [".nf", ".fi"] * requests.count(".nf")
    assert requests.count(".RS") == requests.count(".RE")
    code = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        code = (code or line == ".nf") and line != ".fi"
        assert line or code
        assert line not in (".TP", ".PP") or (following and (line == ".PP" or not following.startswith(".")))
        assert line.count(r"\fB") == line.count(r"\fR") or not code
    assert not re.search(r"\\(?!fB|fR|e|-|&|\"|\(aq|\(ga|\(ha|\(ti|\(dq|\[u[0-9A-F]{4,6}\])", text)
    assert text.count(r"\fB") == text.count(r"\fR")
    assert max(map(len, (line for line in lines if not line.startswith(".TH")))) <= 120


def test_writing_makes_what_is_missing_and_touches_nothing_else(tmp_path: Path) -> None:
    slots = tmp_path / SLOTS
    slots.parent.mkdir()
    slots.write_text("by hand\n```mermaid\nold\n```\nby hand, too\n", "utf-8")
    assert set(differing(tmp_path)) == set(DRAWN)
    assert set(write(tmp_path)) == set(DRAWN)
    assert slots.read_text("utf-8") == f"by hand\n```mermaid\n{diagram()}```\nby hand, too\n"
    assert differing(tmp_path) == write(tmp_path) == []
    (tmp_path / "man/agroal.1").write_text("changed", "utf-8")
    assert differing(tmp_path) == ["man/agroal.1"]
    assert write(tmp_path) == ["man/agroal.1"]
