from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from agroal_top.demo import DemoSource
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.source import Lost

from agroal.management.event import Event
from agroal.management.frames import BadRecording
from agroal.management.recording import Recorder
from agroal.management.snapshot import Snapshot
from tests.unit.tui.made import ScriptedSource, event, made, slot

Item = Snapshot | tuple[Event, ...]

LIVE = list(islice(DemoSource(5, wait=lambda _: None).snapshots(1.0), 200))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "incident.agrec"


def record(path: Path, items: Iterable[Item], most_bytes: int = 1 << 30) -> None:
    with closing(Recorder(path, most_bytes)) as recorder:
        for item in items:
            recorder.add(item)


def played(path: Path) -> list[Item]:
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        return list(source.snapshots(1.0))


def test_what_was_recorded_is_played(path: Path) -> None:
    record(path, LIVE)
    assert played(path) == LIVE


def test_a_recording_is_its_owners_alone(path: Path) -> None:
    path.touch(0o644)
    with closing(Recorder(path)) as recorder:
        recorder.add(made(1))
        files = sorted(path.parent.iterdir())
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)
        assert len(files) == 3, "the file, and the log and its index beside it"
    assert list(path.parent.iterdir()) == [path], "afterwards it is one file that can be sent away"


def test_a_recording_goes_on_where_it_ended(path: Path) -> None:
    record(path, [made(1), made(2)])
    record(path, [made(3)])
    assert [item.mono_us for item in played(path) if isinstance(item, Snapshot)] == [
        1_001_000_000,
        1_002_000_000,
        1_003_000_000,
    ]


def test_events_that_are_told_again_are_recorded_once(path: Path) -> None:
    record(path, [made(1), (event(1), event(2))])
    record(path, [made(2), (event(1), event(2), event(3, 2.0))])
    assert [item for item in played(path) if isinstance(item, tuple)] == [(event(1), event(2)), (event(3, 2.0),)]


def test_a_recording_survives_the_death_of_its_writer(path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from agroal.management.recording import Recorder\n"
        "from tests.unit.tui.test_recording import LIVE\n"
        "recorder = Recorder(Path(sys.argv[1]))\n"
        "for item in LIVE[:100]: recorder.add(item)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script, str(path)], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert played(path) == LIVE[:100]


def test_a_recording_can_be_read_while_it_is_written(path: Path) -> None:
    with closing(Recorder(path)) as recorder:
        recorder.add(made(1))
        recorder.add(made(2))
        assert played(path) == [made(1), made(2)]
        recorder.add(made(3))
        assert len(played(path)) == 3


def test_a_recording_that_has_its_size_loses_its_oldest_part(path: Path) -> None:
    most, dice = 200_000, Random(1)
    long = [
        made(at, slots=tuple(slot(n, queries=dice.getrandbits(60), bytes_in=dice.getrandbits(60)) for n in range(20)))
        for at in range(600)
    ]
    with closing(Recorder(path, most)) as recorder:
        for at, item in enumerate(long):
            recorder.add(item)
            if at % 100 == 0:
                recorder.add((event(at, at),))
        assert recorder.size <= most * 1.3, "a group of frames more at most"
    assert path.stat().st_size <= most * 1.5
    kept = played(path)
    pictures = [item for item in kept if isinstance(item, Snapshot)]
    assert 120 <= len(pictures) <= 480
    assert pictures == long[-len(pictures) :]
    told = [event for item in kept if isinstance(item, tuple) for event in item]
    assert told == [event(at, at) for at in range(0, 600, 100) if at >= 600 - len(pictures)]


def test_the_newest_part_stays_however_small_the_bound(path: Path) -> None:
    record(path, LIVE[:10], most_bytes=1)
    assert played(path) == LIVE[:10]


def test_a_file_that_is_something_else_is_left_alone(path: Path) -> None:
    path.write_text("not a database, and long enough to be read as one" * 50)
    before = path.read_bytes(), path.stat().st_mode
    with pytest.raises(BadRecording, match="file is not a database"):
        Recorder(path)
    assert (path.read_bytes(), path.stat().st_mode) == before


def test_a_database_of_somebody_else_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE bread (price)")
    with pytest.raises(BadRecording, match="no recording"):
        Recorder(path)


def test_a_recording_of_another_format_says_what_was_expected(path: Path) -> None:
    record(path, [made(1)])
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE meta SET v = 'agroal-recording 9' WHERE k = 'format'")
        database.commit()
    for open_it in (Recorder, ReplaySource):
        with pytest.raises(BadRecording, match="“agroal-recording 1” was expected"):
            open_it(path)


def test_a_directory_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="can't be recorded to"):
        Recorded(ScriptedSource(), tmp_path / "no" / "such.agrec")


def test_a_recorded_source_is_its_source_and_writes_what_passes(path: Path) -> None:
    inner = ScriptedSource([made(1), (event(1),), made(2)], [made(3)])
    source = Recorded(inner, path)
    assert (source.name, source.read_only, source.hello().instance_id) == ("script", False, "one")
    assert [line.text for line in source.log_tail("info", 5)] == ["a line"]
    assert [setting.key for setting in source.settings()] == ["port"]
    assert list(source.snapshots(1.0)) == [made(1), (event(1),), made(2)]
    assert list(source.snapshots(1.0)) == [made(3)]
    source.close()
    assert inner.closed
    assert played(path) == [made(1), (event(1),), made(2), made(3)]


def test_what_can_not_be_written_any_more_is_said(path: Path) -> None:
    source = Recorded(ScriptedSource([made(1), made(2)]), path)
    items = source.snapshots(1.0)
    next(items)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE frame")
        database.commit()
    with pytest.raises(Lost, match="can't be written any more"):
        next(items)
