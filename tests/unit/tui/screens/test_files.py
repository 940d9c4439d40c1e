"""What the keys write to files."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.screens.choice import Choice
from agroal_top.screens.files import written
from textual.widgets import OptionList

from agroal.management.snapshot import Snapshot
from tests.unit.tui.screens.scene import FakeSource, Scene, play, snapshot


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def recorded(path: Path) -> list[object]:
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(ReplaySource(path, wait=lambda *_: None, hold=False)) as replay:
        return list(replay.snapshots(1.0))


async def write(scene: Scene, format: str) -> Path:
    await scene.press("w")
    await scene.until(lambda: isinstance(scene.app.screen, Choice))
    options = scene.app.screen.query_one(OptionList)
    titles = [str(option.prompt) for option in options.options]
    options.highlighted = next(number for number, title in enumerate(titles) if format in title)
    before = len(scene.notes)
    await scene.press("enter")
    await scene.until(lambda: len(scene.notes) > before)
    return Path(scene.notes[-1])


def test_what_is_seen_is_written_in_each_format() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2")
        text = await write(scene, "text")
        assert text == Path("agroal-pools-20261122-120402.txt")
        assert text.read_text("utf-8").splitlines()[3].split()[:2] == ["▌analytics", "bi"]
        assert (await write(scene, "SVG")).read_text("utf-8").startswith("<svg")
        document = json.loads((await write(scene, "JSON")).read_text("utf-8"))
        assert Snapshot.from_json(document["snapshot"]) == snapshot(2)
        assert {row["database"] for row in document["pools"]} == {"shop", "analytics", "billing"}
        rows = rows_of(await write(scene, "CSV"))
        assert rows[0][:2] == ["database", "user"]
        assert rows[1][:2] == ["analytics", "bi"]

    play(scenario)


def test_a_sheet_has_what_the_filter_leaves_in_its_order() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "slash", *"state=waiting", "enter")
        rows = rows_of(await write(scene, "CSV"))
        assert [row[:2] for row in rows] == [["id", "state"], ["9", "waiting"], ["10", "waiting"]]
        await scene.press("escape", "3", "slash", *"state:flush", "enter")
        rows = rows_of(await write(scene, "CSV"))
        assert [row[0] for row in rows] == ["id", "6"]
        await scene.press("7", "w")
        await scene.until(lambda: isinstance(scene.app.screen, Choice))
        assert "CSV" not in scene.text()  # curves are no table

    play(scenario)


def test_what_can_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    async def scenario(scene: Scene) -> None:
        assert "No such file or directory" in str(await write(scene, "text"))

    play(scenario)


def test_a_file_that_is_there_is_left_alone() -> None:
    Path("a.txt").write_text("old")
    assert [written(Path("a.txt"), "new") for _ in range(2)] == [Path("a-2.txt"), Path("a-3.txt")]
    assert Path("a.txt").read_text() == "old"


def test_a_recording_is_begun_and_ended() -> None:
    async def scenario(scene: Scene) -> None:
        source = scene.app.source
        assert isinstance(source, Recorded)
        await scene.press("ctrl+r")
        await scene.see("●REC")
        await scene.hear(snapshot(3), snapshot(4))
        assert source.size > 0
        await scene.press("ctrl+r")
        await scene.until(lambda: "●REC" not in scene.text())
        await scene.hear(snapshot(5))
        assert recorded(Path("agroal-20261122-120402.agrec")) == [snapshot(3), snapshot(4)]

    play(scenario, recordable=True)


def test_a_recording_that_can_not_be_begun_is_said() -> None:
    Path("agroal-20261122-120402.agrec").mkdir()

    async def scenario(scene: Scene) -> None:
        await scene.press("ctrl+r")
        assert "can't be recorded to" in scene.notes[-1]
        assert "●REC" not in scene.text()

    play(scenario, recordable=True)


def test_nothing_is_recorded_where_nothing_can_be() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("ctrl+r")
        assert "Rec" not in scene.text().splitlines()[-1]

    play(scenario, FakeSource(), size=(120, 30))
