from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from agroal_top.live import LiveSource, back_off
from agroal_top.source import Denied, LookingOnly, Lost, Refused

from agroal.errors import ManagementError
from agroal.management.event import Event
from agroal.management.snapshot import Snapshot
from agroal.management.wire import Answer, Push, encode_answer, encode_push
from tests.unit.management.fake import FakeControls
from tests.unit.management.running import playing, running
from tests.unit.management.sample import LIMIT_REACHED, STARTED, snapshot

HELLO = {
    "proto": 1,
    "version": "0.1.0",
    "instance_id": "one",
    "role": "admin",
    "features": ["subscribe", "x"],
    "started": "",
    "started_us": 1,
    "now_us": 2,
    "later": True,
}


def arrivals(items: Iterator[Snapshot | tuple[Event, ...]], count: int) -> list[Snapshot | tuple[Event, ...]]:
    return [next(items) for _ in range(count)]


def hello(**changes: object) -> bytes:
    return encode_answer(Answer(1, {**HELLO, **changes}))


def test_it_says_who_answers(path: Path) -> None:
    with running(path, FakeControls()):
        source = LiveSource(path)
        assert source.read_only, "before anybody said otherwise"
        answer = source.hello()
    assert (answer.instance_id, answer.role, answer.started_us) == ("5f0c9a12", "admin", 5_000_000_000)
    assert not source.read_only
    assert source.name == str(path)


def test_a_monitor_may_only_look(path: Path) -> None:
    with playing(path, None, hello(role="monitor")):
        source = LiveSource(path)
        source.hello()
    assert source.read_only


def test_a_picture_and_all_events_come_at_once(path: Path) -> None:
    with running(path, FakeControls()):
        source = LiveSource(path)
        first = arrivals(source.snapshots(60.0), 2)
        source.close()
    assert snapshot() in first
    assert (STARTED, LIMIT_REACHED) in first


def test_events_that_are_known_are_not_told_again(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls):
        source = LiveSource(path)
        arrivals(source.snapshots(60.0), 2)
        controls.happened.append(replace(LIMIT_REACHED, seq=3))
        again = arrivals(source.snapshots(60.0), 2)
        source.close()
    assert (replace(LIMIT_REACHED, seq=3),) in again


def test_of_another_instance_all_events_are_told(path: Path) -> None:
    class Reborn(FakeControls):
        instance_id = "another"

    source = LiveSource(path)
    with running(path, FakeControls()):
        arrivals(source.snapshots(60.0), 2)
    with running(path, Reborn()):
        again = arrivals(source.snapshots(60.0), 2)
        source.close()
    assert (STARTED, LIMIT_REACHED) in again


def test_a_daemon_that_hangs_up_is_lost(path: Path) -> None:
    with running(path, FakeControls()):
        items = LiveSource(path).snapshots(60.0)
        arrivals(items, 2)
    with pytest.raises(Lost, match="closed the connection"):
        next(items)


def test_nobody_there_is_lost(path: Path) -> None:
    source = LiveSource(path)
    for ask in (source.hello, source.settings, lambda: next(source.snapshots(1.0))):
        with pytest.raises(Lost, match="no agroal listens on"):
            ask()  # type: ignore[operator]


def test_a_socket_of_somebody_else_is_denied(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # a test that runs as root can't provoke it

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(Denied, match="may not be opened"):
        LiveSource(path).hello()


@pytest.mark.parametrize(
    "push",
    [
        Push("s", "snapshot", {"v": 1}, 0),
        Push("s", "snapshot", {"v": 2}, 0),
        Push("s", "events", {"events": {}}, 0),
        Push("s", "events", {"events": [{}]}, 0),
    ],
)
def test_what_can_not_be_understood_is_lost(path: Path, push: Push) -> None:
    subscribed = encode_answer(Answer(2, {}))
    with (
        playing(path, None, hello(), None, subscribed + encode_push(push)),
        pytest.raises(Lost),
    ):
        next(LiveSource(path).snapshots(1.0))


def test_names_in_pictures_are_harmless(path: Path) -> None:
    evil = snapshot(databases=(replace(snapshot().databases[0], name="\x1b[2Jx\u202e"),))
    with running(path, FakeControls(picture=evil)):
        source = LiveSource(path)
        items = arrivals(source.snapshots(60.0), 2)
        source.close()
    [picture] = [item for item in items if isinstance(item, Snapshot)]
    assert picture.databases[0].name == "␛[2Jx·"


def test_closing_ends_the_pictures_without_an_error(path: Path) -> None:
    with running(path, FakeControls()):
        source = LiveSource(path)
        items = source.snapshots(60.0)
        arrivals(items, 2)
        rest: list[object] = []
        watcher = threading.Thread(target=lambda: rest.extend(items))
        watcher.start()
        source.close()
        watcher.join(30)
        assert not watcher.is_alive()
    assert rest == []


def test_a_verb_is_done_while_pictures_come(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls):
        source = LiveSource(path)
        items = source.snapshots(60.0)
        arrivals(items, 2)
        tried = source.command("kill", {"client": 7}, dry_run=True)
        assert controls.done == []
        assert source.command("kill", {"client": 7}, key="k") == tried
        assert source.command("kill", {"client": 7}, key="k")["user"] == "web"
        source.close()
    assert controls.done == [("kill", 7)]


def test_what_the_daemon_refuses_has_its_code(path: Path) -> None:
    with running(path, FakeControls()):
        source = LiveSource(path)
        source.hello()
        with pytest.raises(Refused, match="there is no client 99") as caught:
            source.command("kill", {"client": 99})
    assert caught.value.code == "refused"


def test_whoever_wants_to_look_only_changes_nothing(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls):
        source = LiveSource(path, read_only=True)
        source.hello()
        with pytest.raises(LookingOnly):
            source.command("flush all", {})
        assert source.command("ping", {})["version"] == "0.1.0"
    assert controls.done == []


def test_log_and_settings_are_read(path: Path) -> None:
    with running(path, FakeControls()):
        source = LiveSource(path)
        assert [line.level for line in source.log_tail("warn", 5)] == ["warn"]
        assert [(setting.key, setting.pending) for setting in source.settings()] == [
            ("blocking_timeout", None),
            ("max_connections", "200"),
            ("server.pg-a.port", None),
        ]


def test_attempts_become_rarer_and_never_stop() -> None:
    delays = [back_off(attempt, 0.0) for attempt in range(8)]
    assert delays == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert all(early <= late for early, late in pairwise(delays))
    assert back_off(10**6, 1.0) == pytest.approx(18)


def test_the_configured_socket_is_found_from_the_main_file_alone(tmp_path: Path) -> None:
    from agroal.management.client import configured_socket

    main = tmp_path / "agroal.conf"
    main.write_text("[agroal]\nhost = 127.0.0.1\nport = 2400\nunix_socket_dir = /run/x\n[p]\nhost = h\nport = 1\n")
    assert configured_socket(main, None) == configured_socket(None, tmp_path) == Path("/run/x/.s.agroal.2400")
    with pytest.raises(ManagementError, match="--socket PATH asks without the file") as caught:
        configured_socket(None, tmp_path / "nowhere")
    assert caught.value.code == "configuration"
