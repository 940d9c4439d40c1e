from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agroal.demo import leash


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", leash.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_becomes_the_program() -> None:
    result = start(str(os.getpid()), "9", "-", "-", "/bin/echo", "one", "two words")

    assert (result.returncode, result.stdout) == (0, "one two words\n")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_it_starts_nothing_when_the_parent_is_dead_already() -> None:
    somebody_else = str(os.getpid() + 1)

    result = start(somebody_else, "9", "-", "-", "/bin/echo", "started")

    assert (result.returncode, result.stdout) == (0, "")


def test_a_program_that_may_outlive_its_parent_does_not_ask_who_that_is() -> None:
    assert start("1", "-", "-", "-", "/bin/echo", "started").stdout == "started\n"


def test_a_program_that_is_not_there_is_named() -> None:
    result = start(str(os.getpid()), "-", "-", "-", "/no/such/program")

    assert result.returncode == 1
    assert result.stderr == "/no/such/program: No such file or directory\n"
