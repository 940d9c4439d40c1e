"""docs/operations.md: what it names is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from agroal import admin, cli, main
from agroal.management.verbs import spelled
from tests.unit.test_house import ROOT

PAGE = ROOT / "docs" / "operations.md"
TEXT = PAGE.read_text()


def commands() -> Iterator[list[str]]:
    """Of the blocks for a shell, without what stands before the program."""
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        yield from (shlex.split(line) for line in block.splitlines() if not line.startswith("("))


def calls(program: str) -> list[list[str]]:
    """The arguments that a program is given, in blocks and in the text."""
    quoted = [text.split() for text in re.findall(rf"`({program} [^`]*)`", TEXT)]
    found = []
    for words in [*commands(), *quoted]:
        at = next((at for at, word in enumerate(words) if word.rpartition("/")[2] == program), None)
        if at is not None:
            found.append(words[at + 1 :])
    return found


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    headings = {"#" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    inside = [link for link in links if link.startswith("#")]
    assert inside
    assert [link for link in inside if link not in headings] == []
    assert [link for link in links if link not in inside and not (PAGE.parent / link).exists()] == []


def test_files_of_ours_are_there() -> None:
    words = [word for command in commands() for word in command]
    ours = [word for word in words if re.match(r"(conf|deploy)/", word)]
    assert ours
    assert [word for word in ours if not list(ROOT.glob(word))] == []


@pytest.mark.parametrize("arguments", calls("agroal-cli"), ids=" ".join)
def test_what_agroal_cli_is_asked_it_can_be_asked(arguments: list[str]) -> None:
    options = cli.parser().parse_intermixed_args(arguments)
    assert spelled(options.words)


@pytest.mark.parametrize("arguments", calls("agroal-admin"), ids=" ".join)
def test_what_agroal_admin_is_told_it_can_be_told(arguments: list[str]) -> None:
    assert admin.parser().parse_args(arguments)


@pytest.mark.parametrize("arguments", [one for one in calls("agroal") if one and one[0] == "-D"], ids=" ".join)
def test_what_agroal_is_told_it_can_be_told(arguments: list[str]) -> None:
    assert main.parser().parse_args(arguments)


def test_the_metrics_have_these_names() -> None:
    known = (ROOT / "docs" / "metrics.md").read_text()
    named = set(re.findall(r"`((?:agroal|process)_[a-z_]+)", TEXT)) - {"agroal_databases", "agroal_hba"}
    assert len(named) > 5
    assert {name for name in named if f"`{name}`" not in known and not name.startswith("process_")} == set()
