from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from agroal_top.replay import ReplaySource

from agroal.config.model import LogLevel, LogType, Settings
from agroal.daemon import flight
from agroal.daemon.controls import DaemonControls
from agroal.daemon.daemon import Daemon
from agroal.daemon.flight import KEPT_FILES, FlightRecorder, directory_of
from agroal.daemon.log import Line
from agroal.errors import ManagementError
from agroal.management.event import Event, EventKind
from agroal.management.snapshot import Snapshot
from agroal.net.dial import Address
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until

NOWHERE = Address("pg", "/nowhere", 5432)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight, "PERIOD", 0.01)
    monkeypatch.setattr(flight, "PACE", 0)


@asynccontextmanager
async def recorded(directory: Path, **settings: object) -> AsyncIterator[Daemon]:
    async with running(configuration(directory, NOWHERE, **settings)) as daemon:
        yield daemon


def played(path: Path) -> list[Snapshot | tuple[Event, ...]]:
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        return list(source.snapshots(1.0))


def pictures(path: Path) -> list[Snapshot]:
    return [item for item in played(path) if isinstance(item, Snapshot)]


def files(directory: Path, pattern: str = "*") -> list[Path]:
    return sorted(directory.glob(pattern))


def contents(path: str) -> bytes:
    return Path(path).read_bytes()


def taken(daemon: Daemon) -> int:
    return len(daemon.flight._reel.frames)


async def after(daemon: Daemon, frames: int) -> None:
    await until(lambda: taken(daemon) >= frames)


class TestDump:
    @in_a_loop
    async def test_has_what_was_to_be_seen_up_to_now(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            await after(daemon, 3)
            with connect(daemon):
                await until(lambda: daemon.sessions)
                now = DaemonControls(daemon).snapshot()
                dumped = await daemon.flight.dump("", dry_run=False)
        shown = pictures(Path(dumped.path))
        assert dumped.frames == len(shown) >= 4
        assert dumped.span_us == shown[-1].mono_us - shown[0].mono_us
        assert dumped.bytes == len(contents(dumped.path))
        assert [picture.instance_id for picture in shown] == [daemon.instance_id] * len(shown)
        assert [client.id for client in shown[-1].clients] == [client.id for client in now.clients] == [1]

    @in_a_loop
    async def test_has_what_happened(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            daemon.report(EventKind.LIMIT_REACHED, "used up")
            dumped = await daemon.flight.dump("", dry_run=False)
        events = [event for item in played(Path(dumped.path)) if isinstance(item, tuple) for event in item]
        assert [event.kind for event in events] == ["started", "limit-reached"]
        assert dumped.events == 2

    @in_a_loop
    async def test_has_the_graver_lines_of_the_log(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            lines = [Line(daemon.now(), LogLevel.WARN, "WARN  first"), Line(daemon.now(), LogLevel.ERROR, "ERROR then")]
            troubles = SimpleNamespace(
                troubles=lambda _: lines,
                settle=lambda: None,
                **dict.fromkeys(("warnings", "errors", "infos", "fatals"), 0),
            )
            daemon.output = troubles  # type: ignore[assignment]
            dumped = await daemon.flight.dump("", dry_run=False)
            daemon.output = None
        with closing(ReplaySource(Path(dumped.path), lambda *_: None)) as source:
            source.seek(source.duration)
            assert [line.text for line in source.log_tail("info", 10)] == ["WARN  first", "ERROR then"]
            assert [line.text for line in source.log_tail("error", 10)] == ["ERROR then"]
            assert [line.text for line in source.log_tail("warn", 1)] == ["ERROR then"]

    @in_a_loop
    async def test_is_a_file_of_the_directory_and_the_name_that_were_given(self, socket_dir: Path) -> None:
        directory = socket_dir / "records"
        directory.mkdir()
        async with recorded(socket_dir, flight_recorder_path=directory) as daemon:
            named = await daemon.flight.dump("incident", dry_run=False)
            with_suffix = await daemon.flight.dump("other.agrec", dry_run=False)
            unnamed = await daemon.flight.dump("", dry_run=False)
        assert named.path == str(directory / "incident.agrec")
        assert with_suffix.path == str(directory / "other.agrec")
        stamped = rf"agroal-{daemon.settings.port}-\d{{8}}T\d{{6}}\.\d{{6}}Z\.agrec"
        assert re.fullmatch(re.escape(f"{directory}/") + stamped, unnamed.path)

    @pytest.mark.parametrize("name", ["../x", "/tmp/x", ".hidden", "a b", "x\n", "x" * 101, "ä", "-f"])
    @in_a_loop
    async def test_goes_nowhere_else(self, socket_dir: Path, name: str) -> None:
        async with recorded(socket_dir) as daemon:
            with pytest.raises(ManagementError, match="without a directory") as refusal:
                await daemon.flight.dump(name, dry_run=False)
        assert refusal.value.code == "bad-argument"

    @in_a_loop
    async def test_writes_over_nothing(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            await daemon.flight.dump("x", dry_run=False)
            with pytest.raises(ManagementError, match=r"the record can't be written: .*File exists") as refusal:
                await daemon.flight.dump("x", dry_run=False)
        assert refusal.value.code == "refused"

    @in_a_loop
    async def test_says_what_it_would_be(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            await after(daemon, 2)
            before = files(socket_dir)
            dumped = await daemon.flight.dump("x", dry_run=True)
            assert files(socket_dir) == before
        assert (dumped.path, dumped.events) == (str(socket_dir / "x.agrec"), 1)
        assert dumped.frames >= 2
        assert dumped.bytes > 0

    @in_a_loop
    async def test_is_refused_while_the_recorder_is_off(self, socket_dir: Path) -> None:
        async with recorded(socket_dir, flight_recorder=0.0) as daemon:
            with pytest.raises(ManagementError, match="flight_recorder is 0"):
                await daemon.flight.dump("", dry_run=False)
            daemon.flight.signalled()
        assert files(socket_dir, "*.agrec") == []


class TestPictures:
    @in_a_loop
    async def test_are_forgotten_when_it_is_switched_off(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            await after(daemon, 2)
            daemon.settings = replace(daemon.settings, flight_recorder=0.0)
            await until(lambda: not taken(daemon))
            daemon.settings = replace(daemon.settings, flight_recorder=60.0)
            await after(daemon, 1)

    @in_a_loop
    async def test_become_rarer_where_they_are_expensive(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []
        async with recorded(socket_dir) as daemon:
            monkeypatch.setattr(flight, "PACE", 100)
            monkeypatch.setattr(FlightRecorder, "_add", lambda *_: None)
            monkeypatch.setattr(FlightRecorder, "_arm", lambda _, seconds: pauses.append(seconds))
            daemon.flight._timer.cancel()  # type: ignore[union-attr]
            daemon.flight._took = 0.05
            daemon.flight._look()
        assert len(pauses) == 1
        assert 5 < pauses[0] < 50

    @in_a_loop
    async def test_show_the_first_of_very_many_clients(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flight, "MOST_CLIENTS", 2)
        async with recorded(socket_dir) as daemon:
            with connect(daemon), connect(daemon), connect(daemon):
                await until(lambda: len(daemon.sessions) == 3)
                dumped = await daemon.flight.dump("", dry_run=False)
        assert [client.id for client in pictures(Path(dumped.path))[-1].clients] == [1, 2]

    @in_a_loop
    async def test_go_on_after_one_that_failed(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with recorded(socket_dir) as daemon:
            add, failures = daemon.flight._reel.add, iter([RuntimeError("a mistake of ours")])

            def failing(taken: Snapshot, oldest_us: int) -> None:
                if error := next(failures, None):
                    raise error
                add(taken, oldest_us)

            monkeypatch.setattr(daemon.flight._reel, "add", failing)
            await until(lambda: "begins anew" in caplog.text)
            await after(daemon, 1)


class TestSignal:
    @in_a_loop
    async def test_writes_a_file_and_says_where(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            daemon.flight.signalled()
            daemon.flight.signalled()
            await until(lambda: daemon.events.after(1))
            (event,) = daemon.events.after(1)
        (path,) = files(socket_dir, "*.agrec")
        assert event.kind == "recorded"
        assert str(path) in event.text
        assert pictures(path)

    @in_a_loop
    async def test_comes_too_late_when_the_daemon_has_ended(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            pass
        daemon.flight.signalled()
        assert files(socket_dir, "*.agrec") == []

    @in_a_loop
    async def test_leaves_a_few_files_only_and_those_of_others(self, socket_dir: Path) -> None:
        async with recorded(socket_dir) as daemon:
            port = daemon.settings.port
            others = [socket_dir / f"agroal-{port}1-20260101T000000.000000Z.agrec", socket_dir / "incident.agrec"]
            for other in others:
                other.touch()
            for _ in range(KEPT_FILES + 3):
                dumped = await daemon.flight.dump("", dry_run=False)
        ours = files(socket_dir, f"agroal-{port}-*.agrec")
        assert len(ours) == KEPT_FILES
        assert str(ours[-1]) == dumped.path
        assert all(other.exists() for other in others)

    @in_a_loop
    async def test_that_can_not_be_obeyed_is_a_warning(
        self, socket_dir: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        nowhere = socket_dir / "nowhere"
        async with recorded(socket_dir, flight_recorder_path=nowhere) as daemon:
            assert f"the flight recorder can't write to {nowhere}" in caplog.text
            daemon.flight.signalled()
            await until(lambda: "the record can't be written: [Errno 2]" in caplog.text)


class TestCrash:
    @in_a_loop
    async def test_leaves_what_led_to_it(self, socket_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with recorded(socket_dir) as daemon:
            await after(daemon, 2)
        daemon.flight.crashed()
        (path,) = files(socket_dir, "*.agrec")
        assert len(pictures(path)) >= 2
        assert caplog.record_tuples[-1] == (
            "agroal.flight",
            logging.CRITICAL,
            f"what led to it is in {path}: agroal-top --replay shows it",
        )

    @in_a_loop
    async def test_that_can_not_be_written_does_not_hide_the_crash(
        self, socket_dir: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with recorded(socket_dir, flight_recorder_path=socket_dir / "nowhere") as daemon:
            await after(daemon, 1)
        daemon.flight.crashed()
        assert "what led to it can't be written" in caplog.text

    @in_a_loop
    async def test_leaves_nothing_where_the_recorder_is_off(self, socket_dir: Path) -> None:
        async with recorded(socket_dir, flight_recorder=0.0) as daemon:
            pass
        daemon.flight.crashed()
        assert files(socket_dir, "*.agrec") == []


MAIN = {"host": "*", "port": 2345, "unix_socket_dir": Path("/run/agroal"), "log_path": Path("/var/log/agroal/a.log")}


@pytest.mark.parametrize(
    ("settings", "directory"),
    [
        ({}, "/run/agroal"),
        ({"log_type": LogType.FILE}, "/var/log/agroal"),
        ({"log_type": LogType.FILE, "log_path": Path("/var/log/%Y/a.log")}, "/run/agroal"),
        ({"log_type": LogType.FILE, "log_path": Path("a.log")}, os.getcwd()),
        ({"log_type": LogType.FILE, "flight_recorder_path": Path("/x")}, "/x"),
    ],
)
def test_files_go_where_the_settings_say(settings: dict[str, object], directory: str) -> None:
    assert str(directory_of(Settings(**{**MAIN, **settings}))) == directory  # type: ignore[arg-type]
