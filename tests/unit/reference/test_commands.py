from __future__ import annotations

import re

import pytest

from agroal import admin
from agroal.config.load import ROLES
from agroal.management.verb import Verb
from agroal.management.verbs import VERBS
from agroal.reference.commands import manual, page
from agroal.reference.markdown import markdown
from agroal.reference.page import Heading, Table
from agroal.reference.programs import programs

PAGE = markdown("Commands", page())


def first_cells(page: str) -> list[str]:
    return [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("verb", [v for v in VERBS if not v.lasting], ids=lambda verb: verb.name)
def test_each_verb_has_a_row_with_all_that_is_declared(verb: Verb) -> None:
    (row,) = re.findall(rf"^\| (`{verb.name}(?: [\[A-Z].*)?` \| .*) \|$", PAGE, re.MULTILINE)
    *_, also, role, changes = row.split(" | ")
    assert also.strip() == ", ".join(f"`{alias}`" for alias in verb.aliases)
    assert (role, changes) == (verb.role, "no" if verb.read_only else "yes")
    assert all(argument.name.upper() in row for argument in verb.arguments if argument.name != "timeout")
    assert all("[-T DURATION]" in row for argument in verb.arguments if argument.name == "timeout")


def test_what_agroal_cli_does_not_take_is_not_offered_for_typing() -> None:
    rows = first_cells(PAGE)
    assert not [verb.name for verb in VERBS if verb.lasting and any(row.startswith(f"`{verb.name}") for row in rows)]


def test_every_option_of_every_program_is_described() -> None:
    for program in programs():
        tables = [block for block in manual(program) if isinstance(block, Table) and block.head[0] == "option"]
        rows = [row for table in tables for row in table.rows]
        assert len(rows) == len(program.options)
        for option, (spelled, means) in zip(program.options, rows, strict=True):
            assert all(spelling in spelled for spelling in option.spellings)
            assert option.value in spelled
            assert means[1:].startswith(option.doc[1:])


def test_the_files_and_the_commands_and_the_exit_statuses_are_there() -> None:
    cells = first_cells(PAGE)
    assert {f"`{role.filename('agroal')}`" for role in ROLES} <= set(cells)
    assert {f"`{name}`" for name, _ in admin.COMMANDS.values()} <= set(cells)
    statuses = [cell for cell in cells if cell.strip("`").isdigit()]
    assert statuses == ["`0`", "`1`", "`2`", "`3`", "`4`", "`0`", "`1`", "`2`"]  # agroal-top has its own


def test_each_manual_page_has_its_chapters() -> None:
    for program in programs():
        titles = [block.text for block in manual(program) if isinstance(block, Heading)]
        assert titles[:3] == ["Synopsis", "Description", "Options"]
        assert titles[-1] == "Exit status"
