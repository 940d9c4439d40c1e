"""agroal-top without a screen, as scripts and checks of health use it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agroal.management.snapshot import Snapshot
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.load import pgbench_running
from tests.integration.postgres import Database, OwnPostgres
from tests.integration.waiting import wait_until


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=3)


def command(pool: Agroal, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "agroal_top", "-D", str(pool.folder), *arguments]


def top(pool: Agroal, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(pool, *arguments), capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def top_running(pool: Agroal, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command(pool, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def replayed(file: Path, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "agroal_top", "--replay", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_once_shows_people_who_is_there(pool: Agroal) -> None:
    with pool.connect(application_name="till-1"), pool.connect(application_name="till-2"):
        done = top(pool, "--once", "--screen", "clients")
    assert (done.returncode, done.stderr) == (0, "")
    heads, *rows = done.stdout.splitlines()
    assert heads.split()[:2] == ["id", "state"]
    assert [name for row in rows for name in ("till-1", "till-2") if name in row] == ["till-1", "till-2"]
    assert all(pool.database.name in row for row in rows)


def test_once_tells_programs_how_fast_it_goes(pool: Agroal) -> None:
    with pgbench_running(pool, "-c", "1", "-t", "20", "-R", "50") as loads:
        wait_until(lambda: all(load.done for load in loads), "the load has begun")
        done = top(pool, "--once", "-f", "json", "--interval", "0.5")
    document = json.loads(done.stdout)
    assert document["now"][0]["tps"] > 1
    picture = Snapshot.from_json(document["snapshot"])
    assert picture.instance_id == document["instance_id"] == pool.snapshot().instance_id
    assert [row["tps"] > 1 for row in document["pools"]] == [True]


def test_once_gives_a_table_to_a_spreadsheet(pool: Agroal) -> None:
    with pool.connect():
        done = top(pool, "--once", "-f", "csv", "--screen", "slots")
    rows = list(csv.DictReader(StringIO(done.stdout)))
    assert rows
    assert {row["database"] for row in rows} == {pool.database.name}
    assert all(int(row["age_us"]) > 0 for row in rows)


def test_the_log_and_the_configuration_can_be_had(pool: Agroal) -> None:
    assert "listens on 127.0.0.1" in top(pool, "--once", "--screen", "log").stdout
    [setting] = [
        row
        for row in json.loads(top(pool, "--once", "-f", "json", "--screen", "config").stdout)["config"]
        if row["key"] == "max_connections"
    ]
    assert (setting["value"], setting["reloadable"]) == ("3", False)


def test_watch_prints_a_line_each_time_and_may_be_cut_short(pool: Agroal) -> None:
    with top_running(pool, "--watch", "0.3", "--screen", "servers") as watch:
        assert watch.stdout
        lines = [json.loads(watch.stdout.readline()) for _ in range(3)]
        walls = [line["wall"] for line in lines]
        assert walls == sorted(set(walls))
        assert lines[0]["servers"][0]["name"] == "primary"
        watch.stdout.close()  # as `| head -3` does
        assert watch.wait(30) == 1


def test_what_was_recorded_is_replayed(pool: Agroal, tmp_path: Path) -> None:
    file = tmp_path / "a.agrec"
    with top_running(pool, "--headless", "--record", str(file), "--interval", "0.2") as recorder:
        wait_until(file.exists, "it records")
        before = pool.snapshot().mono_us
        pool.manage("flush", "idle")
        wait_until(lambda: pool.snapshot().mono_us > before + 1_500_000, "time has passed")
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(30) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    [last] = replayed(file, "--once", "-f", "json")
    picture = Snapshot.from_json(last["snapshot"])
    assert picture.instance_id == pool.snapshot().instance_id
    assert picture.mono_us > before
    lines = replayed(file, "--watch", "0.2")
    assert len(lines) >= 3
    assert lines[-1]["wall"] == last["wall"]


def test_a_recorder_that_was_killed_has_what_it_saw(pool: Agroal, tmp_path: Path) -> None:
    file = tmp_path / "a.agrec"
    with top_running(pool, "--watch", "0.2", "--record", str(file)) as recorder:
        assert recorder.stdout
        seen = [json.loads(recorder.stdout.readline())["wall"] for _ in range(3)]
        recorder.kill()
        recorder.wait(30)
    assert [line["wall"] for line in replayed(file, "--watch", "0.2")][:3] == seen


def test_nobody_there_is_status_1(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    assert top(pool, "--once", "--screen", "servers").returncode == 0
    pool.stop()
    done = top(pool, "--once")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("agroal-top: no agroal listens on ")
    assert top(pool, "--watch", "1").returncode == 1


def test_a_watch_outlives_a_restart(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with top_running(pool, "--watch", "0.2", "--screen", "servers") as watch:
        assert watch.stdout
        assert watch.stderr
        first = json.loads(watch.stdout.readline())
        pool.stop()
        assert "next attempt in 0.5 s" in watch.stderr.readline()
        pool.start()
        again = next(line for line in map(json.loads, watch.stdout) if line["instance_id"] != first["instance_id"])
        assert again["instance_id"] == pool.snapshot().instance_id


def test_a_server_that_is_down_is_status_4(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database)
    pool.allow_in_log("primary|refused")
    with pg.stopped():
        with pytest.raises(psycopg.OperationalError):
            pool.connect()
        done = top(pool, "--once", "-f", "json", "--screen", "servers")
        assert done.returncode == 4
        document = json.loads(done.stdout)
        assert document["degraded"] is True
        assert [server["state"] for server in document["servers"]] == ["down"]
