"""agroal-top on a terminal, in front of a real agroal under load: what is seen, what is done, and what it outlives."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agroal_top.replay import ReplaySource

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.load import pgbench_running
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until
from tests.unit.tui.terminal import Terminal

SIZE = (120, 36)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where agroal-top keeps what is written down."""
    return tmp_path / "home"


def as_shown(database: Database) -> str:
    """As much of its name as the narrowest column has room for."""
    return database.name[:8]


@contextmanager
def top_on_a_terminal(pool: Agroal, home: Path, *arguments: str) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "agroal_top", "-D", str(pool.folder), "--interval", "0.5", *arguments]
    places = {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    with Terminal(command, SIZE, places) as terminal:
        terminal.see("● RUNNING")
        yield terminal


def test_a_flush_from_the_keyboard_is_seen_by_agroal_cli(agroal: Launch, database: Database, home: Path) -> None:
    pool = agroal(database, max_connections=3)
    with (
        pgbench_running(pool, "-c", "1", "-T", "5") as loads,
        top_on_a_terminal(pool, home, "--screen", "pools") as terminal,
    ):
        terminal.see(as_shown(database))
        before = pool.snapshot().counters.disconnects
        terminal.type("F")
        terminal.see("Flush gracefully: database")
        terminal.type("\x1b[B\r")
        terminal.see(f"agroal-cli flush gracefully {database.name}")
        assert pool.snapshot().counters.disconnects == before, "a dry run changes nothing"
        terminal.type("\r")  # Cancel has the focus
        terminal.type("F")
        terminal.see("Flush gracefully: database")
        terminal.type("\x1b[B\r")
        terminal.see(f"agroal-cli flush gracefully {database.name}")
        terminal.type("y")
        wait_until(lambda: pool.snapshot().counters.disconnects > before, "the connections are closed")
        events = pool.command("events").stdout
        assert "flush gracefully" in events
        assert database.name in events
        terminal.type("q")
        assert terminal.wait() == 0
    assert not any(load.hung for load in loads)
    [line] = (home / "agroal" / "actions.log").read_text().splitlines()
    assert f"agroal-cli flush gracefully {database.name} # done" in line


def test_a_daemon_that_is_killed_is_awaited_and_its_successor_recognised(
    agroal: Launch, database: Database, home: Path
) -> None:
    pool = agroal(database)
    with pool.connect(), top_on_a_terminal(pool, home) as terminal:
        terminal.see(as_shown(database))
        first = pool.snapshot().instance_id
        terminal.see(f"instance {first}")
        pool.kill()
        terminal.see("✗ LOST")
        terminal.see("data frozen")
        assert as_shown(database) in terminal.text
        pool.start()
        second = pool.snapshot().instance_id
        assert second != first
        terminal.type("r")
        terminal.see(f"instance {second}")
        terminal.see("another agroal answers")
        assert "✗ LOST" not in terminal.text
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_terminal_that_hangs_up_ends_it_and_the_recording_is_whole(
    agroal: Launch, database: Database, home: Path, tmp_path: Path
) -> None:
    pool = agroal(database)
    file = tmp_path / "a.agrec"
    with top_on_a_terminal(pool, home, "--record", str(file)) as terminal:
        terminal.see("●REC")
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP
    assert not file.with_name("a.agrec-wal").exists()
    source = ReplaySource(file)
    assert source.hello().instance_id == pool.snapshot().instance_id
    source.close()


def test_a_real_run_is_drawn(agroal: Launch, database: Database, home: Path, tmp_path: Path) -> None:
    pool = agroal(database)
    file = tmp_path / "a.svg"
    with pool.connect():
        command = [sys.executable, "-m", "agroal_top", "-D", str(pool.folder), "--interval", "0.2", "--svg", str(file)]
        with Terminal([*command, "--after", "1"], SIZE, {"XDG_CONFIG_HOME": str(home)}) as terminal:
            assert terminal.wait(60) == 0
    assert file.read_text("utf-8").startswith("<svg")
    assert as_shown(database) in file.read_text("utf-8")
