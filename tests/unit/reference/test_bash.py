"""What bash offers, asked of bash itself: the functions that it calls for a tabulator, without a terminal."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from agroal.reference.bash import completion
from agroal.reference.programs import Command, Option, Program, Takes, programs

SAMPLE = Program(
    "sample-program",
    "",
    (
        Option(("-f", "--file"), "", Takes.FILE, "FILE"),
        Option(("--dir",), "", Takes.DIRECTORY, "DIR"),
        Option(("-F", "--format"), "", Takes.WORD, "text|json", ("text", "json")),
        Option(("-T",), "", Takes.TEXT, "DURATION"),
        Option(("-?", "--help"), ""),
    ),
    (
        Command("flush idle", ""),
        Command("flush all", ""),
        Command("ping", ""),
        Command("conf set", "", offers={"host": "", "port": ""}),
    ),
)

# compopt works only while bash itself completes.
ASK = """
{completion}
compopt() {{ :; }}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(program: Program, *words: str, directory: Path | None = None) -> set[str]:
    """`words` are what readline makes of a line: it cuts at the equals sign, too."""
    script = ASK.format(
        completion=completion(program), words=shlex.join([program.name, *words]), name=shlex.quote(program.name)
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=directory
    )
    assert done.stderr == ""
    return set(filter(None, done.stdout.split("\n")))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fl"], {"flush"}),
        ([""], {"flush", "ping", "conf"}),
        (["flush", ""], {"idle", "all"}),
        (["flush", "i"], {"idle"}),
        (["flush", "idle", ""], set()),
        (["ping", ""], set()),
        (["conf", "set", "p"], {"port"}),
        (["-T", ""], set()),
        (["-T", "5s", "fl"], {"flush"}),
        (["-F", ""], {"text", "json"}),
        (["--format", "=", "j"], {"json"}),
        (["--format", "="], {"text", "json"}),
        (["--format", "=", "json", "flush", "a"], {"all"}),
        (["-?", "p"], {"ping"}),
        (["--f"], {"--file", "--format"}),
        (["flush", "--he"], {"--help"}),
    ],
    ids=lambda given: " ".join(sorted(given) if isinstance(given, set) else given),
)
def test_what_is_offered_follows_from_what_was_said(words: list[str], expected: set[str]) -> None:
    assert offered(SAMPLE, *words) == expected


def test_files_and_directories_are_offered_after_their_options(tmp_path: Path) -> None:
    (tmp_path / "a file.conf").touch()
    (tmp_path / "a directory").mkdir()
    assert offered(SAMPLE, "-f", "a", directory=tmp_path) == {"a file.conf", "a directory"}
    assert offered(SAMPLE, "--dir", "a", directory=tmp_path) == {"a directory"}


def test_agroal_cli_completes_its_verbs_and_the_others_what_they_have() -> None:
    agroal, cli, admin, top = programs()
    assert offered(cli, "shutd") == {"shutdown"}
    assert offered(cli, "status", "") == {"details"}
    assert offered(admin, "user", "") == {"add", "edit", "del", "ls"}
    assert offered(agroal, "--che") == {"--check"}
    assert offered(agroal, "") == {"doctor"}
    assert offered(top, "--screen", "s") == {"slots", "servers", "security"}
