"""What is written at once; that which is written while it happens is tested with agroal-top."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.management.event import Event
from agroal.management.frames import BadRecording, Encoder, Frame
from agroal.management.recording import check_format, save
from agroal.management.snapshot import Snapshot
from tests.unit.management.sample import LIMIT_REACHED, snapshot

SECOND = 1_000_000


def taken(seconds: Iterable[int]) -> list[Snapshot]:
    return [replace(snapshot(), mono_us=second * SECOND, seq=second) for second in seconds]


def frames(snapshots: Iterable[Snapshot]) -> list[Frame]:
    encoder = Encoder()
    return [Frame(one.mono_us, one.wall, *encoder.encode(one)) for one in snapshots]


def happened(second: float, seq: int) -> Event:
    return replace(LIMIT_REACHED, mono_us=round(second * SECOND), seq=seq)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "incident.agrec"


def rows(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchall()


def test_it_is_a_recording_of_its_owner_alone_and_nothing_is_beside_it(path: Path) -> None:
    save(path, frames(taken(range(3))), (), ())
    with closing(sqlite3.connect(path)) as database:
        check_format(database, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_an_event_is_with_the_frame_that_it_came_after_and_what_was_before_all_with_the_first(path: Path) -> None:
    save(path, frames(taken((10, 11, 12))), [happened(5, 1), happened(10.5, 2), happened(12, 3), happened(99, 4)], ())
    assert rows(path, "SELECT seq, frame FROM event ORDER BY seq") == [(1, 1), (2, 1), (3, 3), (4, 3)]


def test_lines_of_the_log_are_in_it(path: Path) -> None:
    save(path, frames(taken((1,))), (), [(SECOND, "warn", "WARN  a line")])
    assert rows(path, "SELECT * FROM line") == [(SECOND, "warn", "WARN  a line")]


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_what_is_there_is_never_written_to(path: Path, kind: str) -> None:
    other = path.with_name("other")
    other.write_text("mine")
    if kind == "file":
        other.rename(path)
    else:
        path.symlink_to(other)
    with pytest.raises(FileExistsError):
        save(path, frames(taken((1,))), (), ())
    assert path.read_text() == "mine"


def test_half_a_recording_is_not_left_behind(path: Path) -> None:
    twice = [Frame(0, "now", True, None)]  # type: ignore[arg-type]
    with pytest.raises(BadRecording, match="can't be written"):
        save(path, twice, (), ())
    assert list(path.parent.iterdir()) == []
