"""Completion for fish."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.reference.bash import GENERATED
from agroal.reference.programs import Option, Program, Takes, next_words

_SAID = """\
function {name} --description 'Whether these words, and no others, were said after the program'
    set -l said
    set -l value_follows 0
    for word in (commandline -opc)[2..-1]
        if test $value_follows = 1
            set value_follows 0
            continue
        end
        switch $word
            case {valued}
                set value_follows 1
            case '-*'
            case '*'
                set -a said $word
        end
    end
    test "$said" = "$argv"
end
"""


def completion(program: Program) -> str:
    lines = [GENERATED, "", f"complete -c {program.name} -f"]
    lines += [_option(program.name, option) for option in program.options]
    if program.commands:
        lines += ["", *_commands(program)]
    return "\n".join(lines) + "\n"


def _option(program: str, option: Option) -> str:
    spelled = " ".join(f"-l {s[2:]}" if s.startswith("--") else f"-s {_quoted(s[1:])}" for s in option.spellings)
    match option.takes:
        case Takes.NOTHING:
            takes = ""
        case Takes.FILE:
            takes = " -r -F"
        case Takes.DIRECTORY:
            takes = " -x -a '(__fish_complete_directories)'"
        case Takes.WORD:
            takes = f" -x -a {_quoted(' '.join(option.words))}"
        case Takes.TEXT:
            takes = " -x"
    return f"complete -c {program} {spelled}{takes} -d {_quoted(option.doc)}"


def _commands(program: Program) -> Iterator[str]:
    name = f"__{program.name.replace('-', '_')}_said"
    yield _SAID.format(name=name, valued=" ".join(map(_quoted, program.valued)))
    for before, words in next_words(program.commands).items():
        for word, doc in words.items():
            explained = f" -d {_quoted(doc)}" if doc else ""
            yield f"complete -c {program.name} -n {_quoted(f'{name} {before}'.rstrip())} -a {_quoted(word)}{explained}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
