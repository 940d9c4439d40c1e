"""Completion for bash, without the bash-completion package."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from agroal.reference.programs import Option, Program, Takes, next_words

GENERATED = "# Written by `make docs` from the program's own tables: what is changed here is lost."

# COMP_WORDBREAKS makes three words of --format=json: the option, = and the value.
_START = """\
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
    if [[ $cur == = ]]; then
        cur=""
    elif [[ $prev == = ]]; then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    case $prev in
{values}
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W {options} -- "$cur")
        return
    fi
"""

_SAID = """\
    local i said="" words=""
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
            {valued})
                [[ ${{COMP_WORDS[i + 1]}} == = ]] && ((i++))
                ((i++))
                ;;
            -*) ;;
            *) said+="${{COMP_WORDS[i]}} " ;;
        esac
    done
    case $said in
{commands}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
"""


def completion(program: Program) -> str:
    name = "_" + program.name.replace("-", "_")
    return "\n".join([GENERATED, "", f"{name}() {{", f"{_body(program)}}}", f"complete -F {name} {program.name}", ""])


def _body(program: Program) -> str:
    spellings = quote(" ".join(s for option in program.options for s in option.spellings))
    cases = "\n".join(_value(option) for option in program.options if option.takes is not Takes.NOTHING)
    body = _START.format(values=cases, options=spellings)
    if program.commands:
        body += _SAID.format(valued="|".join(program.valued), commands="\n".join(_commands(program)))
    return body


def _value(option: Option) -> str:
    match option.takes:
        case Takes.FILE:
            does = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); '
        case Takes.DIRECTORY:
            does = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); '
        case Takes.WORD:
            does = f'mapfile -t COMPREPLY < <(compgen -W {quote(" ".join(option.words))} -- "$cur"); '
        case Takes.TEXT | Takes.NOTHING:
            does = ""
    return f"        {'|'.join(option.spellings)}) {does}return ;;"


def _commands(program: Program) -> Iterator[str]:
    for before, words in next_words(program.commands).items():
        said = quote(f"{before} " if before else "")
        yield f"        {said}) words={quote(' '.join(words))} ;;"
