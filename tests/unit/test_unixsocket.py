from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from agroal.errors import ConfigurationError
from agroal.unixsocket import listening_socket


def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    before = os.umask(0)
    try:
        with listening_socket(path, 0o600, 5):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_what_was_left_behind_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with listening_socket(path, 0o600, 5), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_what_is_alive_is_not_touched(path: Path) -> None:
    with listening_socket(path, 0o600, 5) as listener:
        with pytest.raises(ConfigurationError, match="another agroal is running"):
            listening_socket(path, 0o600, 5)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        for _ in range(2):  # the second daemon's look, and the client
            listener.accept()[0].close()


def test_a_daemon_too_busy_to_accept_is_running_nevertheless(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        with pytest.raises(ConfigurationError, match="another agroal is running"):
            listening_socket(path, 0o600, 5)


def test_a_file_that_is_no_socket_is_not_touched(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="a file that is no socket is there"):
        listening_socket(path, 0o600, 5)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["absent/.s.agroal.2345", "x" * 120], ids=["no such directory", "too long a name"])
def test_where_nobody_can_listen_is_said(socket_dir: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="the directory must exist, be writable, and have a short name"):
        listening_socket(socket_dir / name, 0o600, 5)
