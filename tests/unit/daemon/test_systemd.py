from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

import pytest

from agroal.daemon.inherited import CLIENTS
from agroal.daemon.systemd import VARIABLES, Systemd
from agroal.errors import ConfigurationError
from tests.unit.daemon.ears import ears

PID = 4711


def of(*, background: bool = False, **environment: str) -> Systemd:
    return Systemd.of(environment, PID, background=background)


def test_without_systemd_there_is_nothing() -> None:
    told = of(HOME="/")
    assert (told.watchdog, told.notifier.listens, told.inherited.take(CLIENTS)) == (0, False, [])


def test_what_it_says_is_taken_out_of_the_environment() -> None:
    environment = dict.fromkeys(VARIABLES, "") | {"HOME": "/"}
    Systemd.of(environment, PID, background=False)
    assert environment == {"HOME": "/"}


def test_whom_to_tell(socket_dir: Path) -> None:
    with ears(socket_dir) as listener:
        told = of(NOTIFY_SOCKET=listener.address)
        told.notifier.announce("READY=1")
        assert listener.heard() == [["READY=1"]]
        told.notifier.close()


def test_in_the_background_nobody_is_told(socket_dir: Path) -> None:
    with ears(socket_dir) as listener:
        told = of(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="1000000", background=True)
        assert (told.watchdog, told.notifier.listens) == (0, False)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID)}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID + 1)}, 0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "nonsense"}, 0),
        ({"WATCHDOG_USEC": "0"}, 0),
        ({"WATCHDOG_USEC": ""}, 0),
        ({"WATCHDOG_PID": str(PID)}, 0),
    ],
)
def test_how_often_it_wants_a_sign_of_life(environment: dict[str, str], seconds: float) -> None:
    assert of(**environment).watchdog == seconds


@pytest.mark.parametrize("value", ["-1", "1s", "1e6", "٣", "nan", "9" * 21, "\udc80"])
def test_a_time_that_is_none_is_complained_about(value: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert of(WATCHDOG_USEC=value).watchdog == 0
    (record,) = caplog.records
    assert "WATCHDOG_USEC must be a number" in record.getMessage()
    assert record.getMessage().isascii()


def test_sockets_that_can_not_be_used_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="LISTEN_FDS: expected a number"):
        of(LISTEN_PID=str(PID), LISTEN_FDS="many")
    with pytest.raises(ConfigurationError, match="LISTEN_FDS: expected a number"):
        of(LISTEN_PID=str(PID), LISTEN_FDS="many", background=True)


def test_the_process_that_was_started_is_the_one_that_is_meant() -> None:
    """Not another by the same name, and not a child that inherited the environment."""
    with socket.create_server(("127.0.0.1", 0)):
        told = Systemd.of({"LISTEN_PID": str(os.getppid()), "LISTEN_FDS": "1"}, os.getpid(), background=False)
    assert told.inherited.take(CLIENTS) == []
