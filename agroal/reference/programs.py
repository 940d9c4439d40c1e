"""The command lines of the programs, as their parsers and tables declare them."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from agroal_top import command_line, headless

from agroal import admin, cli, main
from agroal.config.keys import Support
from agroal.config.settings import KEYS
from agroal.management.verb import POSITIONAL, Verb
from agroal.management.verbs import VERBS
from agroal.reference import doctor
from agroal.reference.page import doc

COMMON_STATUS = {cli.DONE: "done", cli.FAILED: "refused or failed", cli.USAGE: "a command line that can't be followed"}
"""The exit statuses of all programs but agroal-top."""
TOP_STATUS = {
    headless.OK: "done, and all is well",
    headless.UNREACHABLE: "agroal can't be reached, or a file can't be read or written",
    headless.USAGE: "a command line or a top.toml that can't be followed",
    headless.DENIED: "agroal does not let us in",
    headless.DEGRADED: "done, and agroal is in trouble: a server is down, a pool can't connect, or a client waits for "
    "longer than a second",
}


class Takes(Enum):
    """What a shell can offer after an option."""

    NOTHING = auto()
    FILE = auto()
    DIRECTORY = auto()
    WORD = auto()
    """one of its words"""
    TEXT = auto()
    """something that a shell can't guess"""


@dataclass(frozen=True, slots=True)
class Option:
    spellings: tuple[str, ...]
    doc: str
    takes: Takes = Takes.NOTHING
    value: str = ""
    """How its value is called."""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """What a program does when it is given these words."""

    name: str
    doc: str
    aliases: tuple[str, ...] = ()
    offers: Mapping[str, str] = field(default_factory=dict)
    """What may be said next, each with what it is."""


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    summary: str
    options: tuple[Option, ...]
    commands: tuple[Command, ...] = ()

    @property
    def valued(self) -> tuple[str, ...]:
        """The spellings of options that the next word belongs to."""
        return tuple(s for option in self.options if option.takes is not Takes.NOTHING for s in option.spellings)


def programs() -> tuple[Program, Program, Program, Program]:
    """agroal, agroal-cli, agroal-admin, agroal-top."""
    verbs = tuple(Command(v.name, v.doc, v.aliases, _offers(v)) for v in VERBS if not v.lasting)
    return (
        _program(main.parser(), (Command("doctor", doctor.SUMMARY),)),
        _program(cli.parser(), verbs),
        _program(admin.parser(), tuple(_admin_commands())),
        _program(command_line.parser()),
    )


def next_words(commands: tuple[Command, ...]) -> Mapping[str, Mapping[str, str]]:
    """By what was said so far, the words that can follow, each with what it does when it is the last."""
    docs = {spelling: command.doc for command in commands for spelling in (command.name, *command.aliases)}
    said: dict[str, dict[str, str]] = {}
    for command in commands:
        words = command.name.split()
        for length, word in enumerate(words):
            spelled = " ".join(words[: length + 1])
            said.setdefault(" ".join(words[:length]), {})[word] = docs.get(spelled, "")
        if command.offers:
            said.setdefault(command.name, {}).update(command.offers)
    return said


def _offers(verb: Verb) -> Mapping[str, str]:
    """The values of its first argument, where they are known before agroal is asked."""
    first = verb.arguments[0] if verb.arguments else None
    if first is None or first.kind not in POSITIONAL:
        return {}
    if first.name == "key":
        return {key.name: key.doc for key in KEYS if key.support is not Support.NEVER}
    return dict.fromkeys(first.choices, "")


def _admin_commands() -> Iterable[Command]:
    names = dict.fromkeys(name for name, _ in admin.COMMANDS.values())
    for name in names:
        aliases = tuple(s for s, (of, _) in admin.COMMANDS.items() if of == name and s != name)
        yield Command(name, doc(admin.COMMANDS[name][1]), aliases)


def _program(parser: ArgumentParser, commands: tuple[Command, ...] = ()) -> Program:
    options = tuple(_option(action, parser.prog) for action in parser._actions if action.option_strings)
    return Program(parser.prog, parser.description or "", options, commands)


def _option(action: Action, program: str) -> Option:
    text = (action.help or "") % {**vars(action), "prog": program}
    spellings = tuple(action.option_strings)
    if action.nargs == 0:
        return Option(spellings, text)
    if action.choices:
        words = tuple(map(str, action.choices))
        return Option(spellings, text, Takes.WORD, "|".join(words), words)
    value = str(action.metavar or action.dest.upper())
    if action.type is not Path:
        return Option(spellings, text, Takes.TEXT, value)
    return Option(spellings, text, Takes.DIRECTORY if value == "DIR" else Takes.FILE, value)
