"""Completion for zsh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote

from agroal.reference.bash import GENERATED
from agroal.reference.programs import Option, Program, Takes, next_words

_ACTIONS = {Takes.FILE: "_files", Takes.DIRECTORY: "_files -/", Takes.TEXT: " "}


def completion(program: Program) -> str:
    lines = [f"#compdef {program.name}", GENERATED, ""]
    if program.commands:
        lines += ["local -a state line candidates", "local curcontext=$curcontext", ""]
    lines += ["_arguments -C -s -S \\"] if program.commands else ["_arguments -s -S \\"]
    specs = [_option(option) for option in program.options]
    if program.commands:
        specs.append(quote("*:: :->said"))
    lines += [f"    {spec} \\" for spec in specs[:-1]] + [f"    {specs[-1]}"]
    if program.commands:
        lines += ["", "if [[ $state == said ]]; then", "    case ${(j: :)words[1,CURRENT-1]} in"]
        lines += [f"        {line}" for line in _commands(next_words(program.commands))]
        lines += ["    esac", "    _describe -t commands command candidates", "fi"]
    return "\n".join(lines) + "\n"


def _option(option: Option) -> str:
    """One spec for all spellings, which exclude each other: `'(-c --config)'{-c+,--config=}'[doc]:FILE:_files'`."""
    exclusive = quote(f"({' '.join(option.spellings)})") if len(option.spellings) > 1 else ""
    spelled = ",".join(quote(spelling + _joined(option, spelling)) for spelling in option.spellings)
    spelled = f"{{{spelled}}}" if len(option.spellings) > 1 else spelled
    return f"{exclusive}{spelled}{quote(_explained(option))}"


def _joined(option: Option, spelling: str) -> str:
    """What says that the value may be the next word, or stand in the same: `--format=json`, `-Fjson`."""
    if option.takes is Takes.NOTHING:
        return ""
    return "=" if spelling.startswith("--") else "+"


def _explained(option: Option) -> str:
    doc = f"[{_escaped(option.doc, '[]:')}]"
    match option.takes:
        case Takes.NOTHING:
            return doc
        case Takes.WORD:
            return f"{doc}:{option.value}:({' '.join(option.words)})"
        case takes:
            return f"{doc}:{_escaped(option.value, ':')}:{_ACTIONS[takes]}"


def _commands(said: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for before, words in said.items():
        yield f"{quote(before)})"
        yield "    candidates=("
        for word, doc in words.items():
            explained = f":{_escaped(doc, ':')}" if doc else ""
            yield f"        {quote(_escaped(word, ':') + explained)}"
        yield "    )"
        yield "    ;;"


def _escaped(text: str, special: str) -> str:
    for char in "\\" + special:
        text = text.replace(char, f"\\{char}")
    return text
