from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest
from agroal_top import command_line

from agroal import admin, cli, main
from agroal.config.settings import KEYS
from agroal.management.verbs import VERBS
from agroal.reference import programs as module
from agroal.reference.programs import Command, Option, Program, Takes, next_words, programs

AGROAL, CLI, ADMIN, TOP = programs()


@pytest.mark.parametrize(
    ("program", "parser"),
    [(AGROAL, main.parser()), (CLI, cli.parser()), (ADMIN, admin.parser()), (TOP, command_line.parser())],
    ids=["agroal", "agroal-cli", "agroal-admin", "agroal-top"],
)
def test_every_spelling_that_a_parser_takes_is_there(program: Program, parser: ArgumentParser) -> None:
    assert {s for option in program.options for s in option.spellings} == set(parser._option_string_actions)
    assert program.name == parser.prog
    assert all(option.doc for option in program.options)


def test_options_say_what_they_take() -> None:
    parser = ArgumentParser(prog="x", add_help=False)
    parser.add_argument("-s", "--switch", action="store_true", help="of %(prog)s")
    parser.add_argument("--file", type=Path, default=Path("/a"), metavar="FILE", help="a file (%(default)s)")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="d")
    parser.add_argument("--format", choices=("text", "json"), help="f")
    parser.add_argument("--length", type=int, help="l")
    parser.add_argument("word")
    assert module._program(parser).options == (
        Option(("-s", "--switch"), "of x"),
        Option(("--file",), "a file (/a)", Takes.FILE, "FILE"),
        Option(("--dir",), "d", Takes.DIRECTORY, "DIR"),
        Option(("--format",), "f", Takes.WORD, "text|json", ("text", "json")),
        Option(("--length",), "l", Takes.TEXT, "LENGTH"),
    )
    assert module._program(parser).valued == ("--file", "--dir", "--format", "--length")


def test_the_commands_of_agroal_cli_are_the_verbs_that_it_takes() -> None:
    assert [(c.name, c.aliases) for c in CLI.commands] == [(v.name, v.aliases) for v in VERBS if not v.lasting]


def test_the_commands_of_agroal_admin_are_there_in_each_spelling() -> None:
    assert {s for c in ADMIN.commands for s in (c.name, *c.aliases)} == set(admin.COMMANDS)


def test_what_can_follow_is_known_by_what_was_said() -> None:
    commands = (
        Command("ping", "are you there"),
        Command("flush idle", "now", ("flush-idle",)),
        Command("flush gracefully", "later", ("flush",)),
        Command("log", "the log"),
        Command("log level", "", offers={"info": "", "debug": "more"}),
    )
    assert next_words(commands) == {
        "": {"ping": "are you there", "flush": "later", "log": "the log"},
        "flush": {"idle": "now", "gracefully": "later"},
        "log": {"level": ""},
        "log level": {"info": "", "debug": "more"},
    }


def test_after_conf_set_the_keys_are_offered() -> None:
    offered = next_words(CLI.commands)["conf set"]
    assert set(offered) <= {key.name for key in KEYS}
    assert {"max_connections", "idle_timeout"} <= set(offered)
    assert "hugepage" not in offered
