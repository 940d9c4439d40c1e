from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agroal.daemon.notifier import KEPT, Notifier
from tests.unit.daemon.ears import Ears, ears

FULL = 10_000
"""More datagrams than any socket has room for."""


def fill(notifier: Notifier) -> int:
    """Mention things until there is no room; how many there was room for."""
    taken = 0
    while notifier.mention("STATUS=more"):
        taken += 1
        assert taken < FULL
    return taken


def states(listener: Ears) -> list[str]:
    return [line for datagram in listener.heard() for line in datagram if not line.startswith("STATUS=")]


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_said_arrives_line_by_line(socket_dir: Path, abstract: bool) -> None:
    with ears(socket_dir, abstract=abstract) as listener:
        notifier = Notifier(listener.address)
        assert notifier.listens
        notifier.announce("READY=1", "STATUS=wäll")
        assert notifier.mention("WATCHDOG=1")
        assert listener.heard() == [["READY=1", "STATUS=wäll"], ["WATCHDOG=1"]]
        notifier.close()


def test_without_systemd_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier()
    assert not notifier.listens
    notifier.announce("READY=1")
    assert not notifier.mention("WATCHDOG=1")
    assert caplog.records == []


def test_after_the_end_nobody_is_told(socket_dir: Path) -> None:
    with ears(socket_dir) as listener:
        notifier = Notifier(listener.address)
        notifier.close()
        notifier.announce("READY=1")
        assert not notifier.mention("WATCHDOG=1")
        assert listener.heard() == []


def test_an_announcement_waits_until_there_is_room_for_it(socket_dir: Path) -> None:
    with ears(socket_dir) as listener:
        notifier = Notifier(listener.address)
        fill(notifier)
        notifier.announce("RELOADING=1")
        notifier.announce("READY=1")
        assert not notifier.deliver()
        assert states(listener) == []
        assert notifier.mention("WATCHDOG=1"), "and it comes before what is mentioned"
        assert states(listener) == ["RELOADING=1", "READY=1", "WATCHDOG=1"]
        notifier.close()


def test_what_is_kept_is_bounded(socket_dir: Path) -> None:
    with ears(socket_dir) as listener:
        notifier = Notifier(listener.address)
        fill(notifier)
        for number in range(KEPT + 3):
            notifier.announce(f"X={number}")
        listener.heard()
        while not notifier.deliver():
            assert states(listener), "there was room"
        notifier.announce("READY=1")
        assert states(listener)[-2:] == [f"X={KEPT + 2}", "READY=1"]
        notifier.close()


def test_who_is_not_there_is_complained_about_once_and_told_when_it_is_back(
    socket_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(str(socket_dir / "notify"))
    with caplog.at_level(logging.WARNING):
        notifier.announce("READY=1")
        assert not notifier.mention("WATCHDOG=1")
    assert [record.getMessage() for record in caplog.records] == [
        "systemd can't be told how agroal is: No such file or directory"
    ]
    with ears(socket_dir) as listener:
        assert notifier.mention("WATCHDOG=1")
        assert states(listener) == ["READY=1", "WATCHDOG=1"]
    notifier.close()


@pytest.mark.parametrize("address", ["vsock:2:1234", "notify", "\udc80", "é"])
def test_an_address_of_another_kind_is_complained_about(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not Notifier(address).listens
    (record,) = caplog.records
    assert "NOTIFY_SOCKET must begin with / or @" in record.getMessage()
    assert record.getMessage().isascii(), "it came from outside"


@pytest.mark.parametrize("address", ["/" + "x" * 200, "@" + "x" * 200, "/\udc80", "@"])
def test_an_address_where_nobody_can_be_harms_nothing(address: str, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier(address)
    with caplog.at_level(logging.WARNING):
        notifier.announce("READY=1")
        assert not notifier.mention("STATUS=\udc80")
    assert len(caplog.records) == 1
    notifier.close()
