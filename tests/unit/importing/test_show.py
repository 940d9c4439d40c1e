from __future__ import annotations

from pathlib import Path

import pytest

from agroal.importing.findings import Findings, Outcome, Place
from agroal.importing.show import as_facts, as_markdown, as_text


@pytest.fixture
def findings() -> Findings:
    found = Findings()
    found.add(Outcome.TAKEN, Place("a.ini", 2), "x = 1", became="y = 1")
    found.human(Place("a.ini", 1), "bad | <b> \x1b[2J", "look *here*")
    return found


def test_what_needs_somebody_comes_first(findings: Findings) -> None:
    lines = list(as_text(findings))
    assert lines[0] == "needs you (1)"
    assert lines.index("taken over (1)") > 0
    assert "  a.ini:2: x = 1 → y = 1" in lines


def test_nothing_that_was_imported_acts_on_the_terminal_or_the_page(findings: Findings) -> None:
    page = as_markdown(findings, Path("a.ini"), ["agroal.conf"])
    assert "\x1b" not in page + "\n".join(as_text(findings))
    assert "bad \\| \\<b\\>" in page
    assert "look \\*here\\*" in page
    rows = [line for line in page.splitlines() if line.startswith("| a.ini")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)


def test_the_page_names_the_files_and_what_to_do_next(findings: Findings) -> None:
    page = as_markdown(findings, Path("a.ini"), ["agroal.conf"])
    assert "- `agroal.conf`" in page
    assert "agroal doctor -D" in page


def test_for_programs_each_finding_has_all_its_parts(findings: Findings) -> None:
    assert as_facts(findings)[0] == {
        "outcome": "taken",
        "place": "a.ini:2",
        "what": "x = 1",
        "became": "y = 1",
        "says": "",
    }
