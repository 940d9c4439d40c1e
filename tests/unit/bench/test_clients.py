from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agroal.demo.processes import ProgramFailed, nothing
from tests.bench import clients as module
from tests.bench.clients import Clients
from tests.bench.failure import BenchFailed
from tests.bench.server import Server


class Shell(Server):
    """A server whose client programs are scripts: the arguments are what a shell shall do, $0 is the user."""

    def __init__(self, pulse: Callable[[], None] = nothing) -> None:
        self.pulse = pulse

    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin"}

    def command(self, program: str, host: str, port: int, user: str, arguments: Sequence[str]) -> list[str]:
        return ["/bin/sh", "-c", *arguments, user]


def test_a_program_runs_in_the_folder_where_its_leavings_are_found(tmp_path: Path) -> None:
    clients = Clients(Shell(), "127.0.0.1", 1, tmp_path)
    assert clients.run("sh", "trusted", ["echo text > log.1; echo more > log.2; echo $0"], 1) == "trusted\n"
    assert list(clients.leavings("log.*")) == ["text\n", "more\n"]
    assert list(clients.leavings("log.*")) == []


def test_those_who_run_together_wait_for_each_other(tmp_path: Path) -> None:
    clients = Clients(Shell(), "127.0.0.1", 1, tmp_path)
    meeting = 'touch here.$0; until [ -e here.one ] && [ -e here.two ]; do :; done; echo "$0 saw both"'
    assert clients.run_together("sh", ["one", "two"], [meeting], 1) == ["one saw both\n", "two saw both\n"]


def test_the_one_who_failed_among_many_is_named_with_its_words(tmp_path: Path) -> None:
    clients = Clients(Shell(), "127.0.0.1", 1, tmp_path)
    with pytest.raises(ProgramFailed, match=r"sh of two failed \(status 3\):\nalas"):
        clients.run_together("sh", ["one", "two"], ["[ $0 = one ] || { echo alas >&2; exit 3; }"], 1)


def test_who_is_interrupted_leaves_nobody_behind(tmp_path: Path) -> None:
    written = tmp_path / "pid"

    def interrupt() -> None:
        if written.exists() and written.read_text().endswith("\n"):
            raise KeyboardInterrupt

    clients = Clients(Shell(interrupt), "127.0.0.1", 1, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clients.run_together("sh", ["one"], ["echo $$ > pid; exec tail -f /dev/null"], 1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(written.read_text()), 0)


def test_who_takes_far_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    clients = Clients(Shell(), "127.0.0.1", 1, tmp_path)
    with pytest.raises(BenchFailed, match="was asked to run for 0 s"):
        clients.run("sh", "one", ["exec tail -f /dev/null"], 0)
    with pytest.raises(BenchFailed, match="was asked to run for 0 s"):
        clients.run_together("sh", ["one"], ["exec tail -f /dev/null"], 0)
