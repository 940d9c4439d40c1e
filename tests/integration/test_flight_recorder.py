"""The flight recorder's files, opened as agroal-top opens them."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from agroal_top.replay import ReplaySource

from agroal.management.event import Event
from agroal.management.snapshot import Snapshot
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database, Login
from tests.integration.waiting import wait_until


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def pool(agroal: Launch, database: Database, records: Path) -> Agroal:
    return agroal(database, flight_recorder_path=records)


def played(path: Path) -> tuple[list[Snapshot], list[Event]]:
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        items = list(source.snapshots(1.0))
    pictures = [item for item in items if isinstance(item, Snapshot)]
    return pictures, [event for item in items if isinstance(item, tuple) for event in item]


def written(directory: Path) -> Path | None:
    """The file, when it is complete: while it is written it has no frames."""
    for path in directory.glob("*.agrec"):
        if path.stat().st_size:
            return path
    return None


def pools(picture: Snapshot) -> set[tuple[str, str]]:
    return {(pool.database, pool.user) for pool in picture.pools}


class TestVerb:
    def test_the_file_shows_the_pools_and_clients_as_they_are(self, pool: Agroal, records: Path) -> None:
        with pool.connect(application_name="a visitor") as client:
            client.execute("SELECT 'a secret value'")
            now = pool.snapshot()
            told = pool.manage("record", "dump")
        path = Path(told["path"])
        assert path.parent == records
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size == told["bytes"]
        pictures, events = played(path)
        assert len(pictures) == told["frames"] >= 1
        assert pools(pictures[-1]) == pools(now)
        assert [one.application_name for one in pictures[-1].clients] == ["a visitor"]
        assert [slot.server_pid for slot in pictures[-1].slots] == [slot.server_pid for slot in now.slots]
        assert [event.kind for event in events] == ["started"]
        assert b"a secret value" not in path.read_bytes()

    def test_it_has_pictures_from_before_it_was_asked_for(self, pool: Agroal) -> None:
        with pool.connect(application_name="gone by then"):
            wait_until(lambda: pool.manage("record", "dump", "-n")["frames"], "a picture was taken")
        wait_until(lambda: not pool.snapshot().clients, "it is gone")
        pictures, _ = played(Path(pool.manage("record", "dump")["path"]))
        names = {one.application_name for picture in pictures for one in picture.clients}
        assert "gone by then" in names
        assert pictures[-1].clients == ()

    def test_people_are_told_where_it_is(self, pool: Agroal, records: Path) -> None:
        done = pool.command("record", "dump", "incident")
        first, second = done.stdout.splitlines()
        assert re.fullmatch(rf"the last .* are in {records}/incident\.agrec \(.*\)", first)
        assert second.endswith("agroal-top --replay FILE shows them")
        assert played(records / "incident.agrec")

    def test_it_is_refused_in_words(self, pool: Agroal, records: Path) -> None:
        pool.command("record", "dump", "incident")
        again = pool.command("record", "dump", "incident")
        assert again.returncode == 1
        assert "File exists" in again.stderr
        outside = pool.command("record", "dump", "../incident")
        assert outside.returncode == 1
        assert "without a directory" in outside.stderr
        pool.manage("conf", "set", "flight_recorder", "0")
        assert "the flight recorder is off" in pool.command("record", "dump").stderr
        assert [path.name for path in records.iterdir()] == ["incident.agrec"]

    def test_troubles_of_the_log_are_in_it(self, pool: Agroal, database: Database) -> None:
        refused = pool.psql("-c", "SELECT 1", login=Login(database.scram.name, "wrong password"))
        assert refused.returncode
        path = Path(pool.manage("record", "dump")["path"])
        with closing(ReplaySource(path, lambda *_: None)) as source:
            source.seek(source.duration)
            [line] = source.log_tail("trace", 10)
        assert "28P01: password authentication failed" in line.text
        assert b"wrong password" not in path.read_bytes()

    def test_agroal_top_shows_it(self, pool: Agroal, records: Path, database: Database) -> None:
        with pool.connect():
            pool.manage("record", "dump", "incident")
        shown = subprocess.run(
            [sys.executable, "-m", "agroal_top", "--replay", str(records / "incident.agrec"), "--once"],
            env=pool.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        assert database.name in shown.stdout


class TestSignal:
    def test_sigusr1_writes_the_record(self, pool: Agroal, records: Path) -> None:
        with pool.connect():
            pool.signal(signal.SIGUSR1)
            recorded = wait_until(lambda: "are in " in pool.log, "it is said in the log")
        assert recorded
        path = written(records)
        assert path
        assert str(path) in pool.log
        pictures, _ = played(path)
        assert len(pictures[-1].clients) == 1

    def test_sigusr1_opens_the_log_file_anew_too(self, agroal: Launch, database: Database, records: Path) -> None:
        log = records / "agroal.log"
        pool = agroal(database, log_type="file", log_path=log)
        moved = log.rename(records / "moved.log")
        pool.signal(signal.SIGUSR1)
        wait_until(log.exists, "there is a new log file")
        wait_until(lambda: "are in " in log.read_text() + moved.read_text(), "the record is written")
        assert written(records), "beside the log file, where nothing else is said"


def test_a_crash_leaves_what_led_to_it(pool: Agroal, records: Path) -> None:
    """A program around the daemon has it fail where it ends."""
    pool.stop()
    program = (
        "import sys\n"
        "from agroal.daemon.daemon import Daemon\n"
        "async def fail(self): raise RuntimeError('a mistake of ours')\n"
        "Daemon._wind_down = fail\n"
        "from agroal.main import main\n"
        f"sys.exit(main(['-D', {str(pool.folder)!r}]))\n"
    )
    daemon = subprocess.Popen(
        [sys.executable, "-c", program], env=pool.environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: pool._answers(), "it answers")
        wait_until(lambda: pool.manage("record", "dump", "-n")["frames"], "a picture was taken")
    finally:
        daemon.terminate()
        _, errors = daemon.communicate(timeout=20)
    assert daemon.returncode == 1
    path = written(records)
    assert path
    assert "FATAL internal error: agroal ends\n    Traceback" in errors
    assert f"FATAL what led to it is in {path}: agroal-top --replay shows it" in errors
    pictures, events = played(path)
    assert pictures
    assert [event.kind for event in events] == ["started", "stopping", "stopping"]
