from __future__ import annotations

from agroal.console.commands import COMMANDS
from agroal.console.inside import EQUIVALENTS
from agroal.console.shows import SHOWS
from agroal.reference.console import page
from agroal.reference.markdown import escape, markdown
from agroal.reference.page import sentence

PAGE = markdown("The SQL console", page())


def test_each_command_is_explained() -> None:
    for command in COMMANDS:
        assert f"| {sentence(command.doc)} |" in PAGE
        assert f"| `{command.usage.replace('|', chr(92) + '|')}` |" in PAGE


def test_each_column_of_each_table_is_explained_and_those_of_agroal_alone_are_marked() -> None:
    for show in SHOWS:
        chapter = PAGE.split(f"SHOW {show.name.upper()}\n" if "_" not in show.name else f"`{show.name.upper()}`\n")[1]
        for column in show.columns:
            mark = " +" if column.own and not show.own else ""
            row = f"| `{column.name}`{mark} | {column.type.name.lower()} |"
            [meaning] = [line.removeprefix(row) for line in chapter.partition("###")[0].splitlines() if row in line]
            assert meaning.strip(" |").replace("`", "") == escape(column.doc.replace("`", ""))


def test_each_key_of_pgbouncer_that_is_known_is_named() -> None:
    for name, key in EQUIVALENTS.items():
        assert f"| `{name}` | `{key}` |" in PAGE
