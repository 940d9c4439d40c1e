from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management.listening import listening_socket


def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    before = os.umask(0)
    try:
        with listening_socket(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_what_was_left_behind_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with listening_socket(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_what_is_alive_is_not_touched(path: Path) -> None:
    with listening_socket(path) as listener:
        with pytest.raises(ManagementError, match=f"another agroal is running and listens on {path}") as caught:
            listening_socket(path)
        assert caught.value.code == "already-running"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        for _ in range(2):  # the second daemon's look, and the client
            listener.accept()[0].close()


def test_a_daemon_too_busy_to_accept_is_running_nevertheless(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        with pytest.raises(ManagementError) as caught:
            listening_socket(path)
    assert caught.value.code == "already-running"


def test_a_file_that_is_no_socket_is_not_touched(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ManagementError, match="a file that is no socket is there") as caught:
        listening_socket(path)
    assert caught.value.code == "cannot-listen"
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["absent/.s.agroal.2345", "x" * 120], ids=["no such directory", "too long a name"])
def test_where_nobody_can_listen_is_said(socket_dir: Path, name: str) -> None:
    with pytest.raises(
        ManagementError, match="unix_socket_dir must exist, be writable, and have a short name"
    ) as caught:
        listening_socket(socket_dir / name)
    assert caught.value.code == "cannot-listen"
