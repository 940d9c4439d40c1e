from __future__ import annotations

import shutil
import subprocess

import pytest

from agroal.reference.programs import Command, Option, Program, Takes, programs
from agroal.reference.zsh import completion

OPTIONS = (
    Option(("-f", "--file"), "a file: [any]", Takes.FILE, "FILE"),
    Option(("--dir",), "it's a directory", Takes.DIRECTORY, "DIR"),
    Option(("-F",), "how", Takes.WORD, "text|json", ("text", "json")),
    Option(("-?", "--help"), "help"),
)


def test_options_exclude_their_other_spellings_and_say_what_they_take() -> None:
    assert completion(Program("x", "", OPTIONS)).splitlines()[3:] == [
        "_arguments -s -S \\",
        r"    '(-f --file)'{-f+,--file=}'[a file\: \[any\]]:FILE:_files' \ ".rstrip(),
        """    --dir='[it'"'"'s a directory]:DIR:_files -/' \\""",
        "    -F+'[how]:text|json:(text json)' \\",
        "    '(-? --help)'{'-?',--help}'[help]'",
    ]


def test_commands_are_offered_by_what_was_said() -> None:
    lines = completion(Program("x", "", OPTIONS, (Command("a b", "does: b"), Command("c", "")))).splitlines()
    assert lines[0] == "#compdef x"
    assert "    '*:: :->said'" in lines
    start = lines.index("    case ${(j: :)words[1,CURRENT-1]} in")
    said = [line.strip() for line in lines[start + 1 :]]
    assert said[:5] == ["'')", "candidates=(", "a", "c", ")"]
    assert said[6:9] == ["a)", "candidates=(", r"'b:does\: b'"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize("program", programs(), ids=lambda program: program.name)
def test_zsh_can_read_it(program: Program) -> None:
    done = subprocess.run(
        ["zsh", "-f", "-n"], input=completion(program), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
