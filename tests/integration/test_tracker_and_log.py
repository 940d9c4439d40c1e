"""What an operator can follow: the life of each slot and client, in files that rotate and can be moved away."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ +\S")


def tracked(pool: Agroal, kind: str) -> list[list[str]]:
    """The columns of the tracker's lines of this kind."""
    lines = [line.partition("AGROAL|")[2].rstrip("|") for line in pool.log.splitlines() if f"AGROAL|{kind}|" in line]
    return [line.split("|")[1:] for line in lines]


def test_each_step_of_a_slot_and_of_a_client_is_a_line(agroal: Launch, database: Database) -> None:
    pool = agroal(database, tracker=True)
    with pool.connect(application_name="fol|lowed") as client:
        pid = backend_pid(client)
        address = pool.snapshot().clients[0].address
    wait_until(lambda: [slot.state for slot in pool.snapshot().slots] == ["free"], "its server is free")
    pool.manage("flush", "idle")
    wait_until(lambda: tracked(pool, "slot")[-1][2] == "not-init", "its slot is empty")

    slots = tracked(pool, "slot")
    assert [(was, to) for _, was, to, *_ in slots] == [
        ("not-init", "init"),
        ("init", "in-use"),
        ("in-use", "free"),
        ("free", "flush"),
        ("flush", "not-init"),
    ]
    assert {index for index, *_ in slots} == {"0"}
    assert [int(columns[4]) for columns in slots[2:4]] == [pid] * 2
    assert all(float(milliseconds) >= 0 for _, _, _, milliseconds, *_ in slots)
    assert all(columns[5:] == [database.scram.name, database.name] for columns in slots)
    clients = tracked(pool, "client")
    assert [state for _, state, *_ in clients] == ["waiting", "active", "closing"]
    assert clients[1][2:] == ["0", address, database.scram.name, database.name, "fol lowed"]


def test_the_tracker_is_switched_without_a_restart(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    pool.connect().close()
    assert "AGROAL|" not in pool.log
    pool.manage("conf", "set", "tracker", "on")
    pool.connect().close()
    wait_until(lambda: [state for _, state, *_ in tracked(pool, "client")][-1:] == ["closing"], "it is followed")
    wait_until(lambda: [to for _, _, to, *_ in tracked(pool, "slot")][-1:] == ["free"], "so is its slot")
    pool.manage("conf", "set", "tracker", "off")
    before = pool.log.count("AGROAL|")
    pool.connect().close()
    pool.come_to_rest()
    assert pool.log.count("AGROAL|") == before


@pytest.fixture
def filed(agroal: Launch, database: Database, tmp_path: Path) -> Agroal:
    """It writes its log to files in a directory, every client into it, and begins a new one every two kilobytes."""
    path = tmp_path / "agroal-%Y.log"
    how: dict[str, Any] = {"log_connections": True, "log_disconnections": True, "log_rotation_size": "2K"}
    return agroal(database, log_type="file", log_path=path, **how)


@pytest.fixture
def current(tmp_path: Path) -> Path:
    """The file to which it writes at first."""
    return tmp_path / time.strftime("agroal-%Y.log")


def test_a_file_that_grows_is_set_aside_and_no_line_is_lost(filed: Agroal, current: Path) -> None:
    def written() -> list[str]:
        return [line for path in files() for line in path.read_text().splitlines()]

    def files() -> list[Path]:
        return sorted(current.parent.glob("agroal-*.log*"))

    names = [f"visitor {number}" for number in range(30)]
    for name in names:
        filed.connect(application_name=name).close()
    wait_until(lambda: sum("disconnect:" in line for line in written()) == 30, "all are in the log")

    came = [line.partition("application_name=")[2] for line in written() if " connect:" in line]
    assert sorted(came) == sorted(names)
    assert all(LINE.match(line) for line in written())
    assert len(files()) > 3
    assert all(path.stat().st_size <= 2048 for path in files())
    assert current in files()


def test_a_file_that_was_moved_away_is_begun_anew_on_a_signal(filed: Agroal, current: Path) -> None:
    filed.connect(application_name="before").close()
    wait_until(lambda: "before" in current.read_text(), "it is in the file")
    aside = current.rename(current.with_name("aside"))
    filed.connect(application_name="between").close()
    wait_until(lambda: "between" in aside.read_text(), "it is in the file that was moved away")

    filed.signal(signal.SIGUSR1)

    wait_until(current.exists, "there is a new file")
    filed.connect(application_name="after").close()
    wait_until(lambda: "application_name=after" in current.read_text(), "it is in the new file")
    assert "application_name=after" not in aside.read_text()


def test_a_reload_leads_to_another_file(filed: Agroal, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    filed.configure(log_type="file", log_path=other, log_connections=True)
    filed.signal(signal.SIGHUP)
    wait_until(other.exists, "there is another file")
    filed.connect(application_name="led").close()
    wait_until(lambda: "application_name=led" in other.read_text(), "it is in the other file")


def test_the_last_lines_are_read_without_the_file(filed: Agroal) -> None:
    filed.connect(application_name="read").close()
    wait_until(lambda: "application_name=read" in str(filed.manage("log", "tail")), "it is there")
    lines = filed.manage("log", "tail", "3")["lines"]
    assert len(lines) == 3
    assert filed.command("log", "tail", "1000", "warn").stdout == ""
