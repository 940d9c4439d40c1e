from __future__ import annotations

import shutil
import subprocess

import pytest

from agroal.reference.fish import completion
from agroal.reference.programs import Command, Option, Program, Takes, programs

SAMPLE = Program(
    "x-y",
    "",
    (
        Option(("-f", "--file"), "it's a \\ file", Takes.FILE, "FILE"),
        Option(("--dir",), "d", Takes.DIRECTORY, "DIR"),
        Option(("-F",), "how", Takes.WORD, "text|json", ("text", "json")),
        Option(("-T",), "for how long", Takes.TEXT, "DURATION"),
        Option(("-?", "--help"), "help"),
    ),
    (Command("a b", "does b"), Command("a d", "does d"), Command("c", "")),
)


def test_options_say_what_they_take() -> None:
    assert [line for line in completion(SAMPLE).splitlines() if " -n " not in line and line.startswith("complete")] == [
        "complete -c x-y -f",
        r"complete -c x-y -s 'f' -l file -r -F -d 'it\'s a \\ file'",
        "complete -c x-y -l dir -x -a '(__fish_complete_directories)' -d 'd'",
        "complete -c x-y -s 'F' -x -a 'text json' -d 'how'",
        "complete -c x-y -s 'T' -x -d 'for how long'",
        "complete -c x-y -s '?' -l help -d 'help'",
    ]


def test_commands_are_offered_by_what_was_said() -> None:
    page = completion(SAMPLE)
    assert "            case '-f' '--file' '--dir' '-F' '-T'\n" in page
    assert page.splitlines()[-4:] == [
        "complete -c x-y -n '__x_y_said' -a 'a'",
        "complete -c x-y -n '__x_y_said' -a 'c'",
        "complete -c x-y -n '__x_y_said a' -a 'b' -d 'does b'",
        "complete -c x-y -n '__x_y_said a' -a 'd' -d 'does d'",
    ]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [("x-y ", ["a", "c"]), ("x-y -T 5s a ", ["b", "d"]), ("x-y a b ", []), ("x-y -F ", ["json", "text"])],
)
def test_fish_offers_what_follows(line: str, offered: list[str]) -> None:
    script = f"{completion(SAMPLE)}\ncomplete -C '{line}'"
    done = subprocess.run(["fish", "--no-config"], input=script, capture_output=True, text=True, timeout=30, check=True)
    assert [found.split("\t")[0] for found in done.stdout.splitlines()] == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize("program", programs(), ids=lambda program: program.name)
def test_fish_can_read_it(program: Program) -> None:
    done = subprocess.run(
        ["fish", "--no-execute"], input=completion(program), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
