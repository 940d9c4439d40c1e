from __future__ import annotations

import os
import pwd
import socket
import struct
from pathlib import Path

import pytest

from agroal.management.peer import peer_of
from tests.unit.management.conftest import Run
from tests.unit.management.fake import FakeControls, request
from tests.unit.management.visiting import serving, visiting

US = f"{pwd.getpwuid(os.getuid()).pw_name} (pid {os.getpid()})"


class Foreign(socket.socket):
    """Somebody of whom the kernel says what `credentials` hold."""

    credentials = (0, 0, 0)

    def getsockopt(self, *_: object) -> bytes:  # type: ignore[override]
        return struct.pack("3i", *self.credentials)


def test_the_kernel_knows_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours) == US


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ((4711, 0, 0), "root (pid 4711)"),
        ((4711, 2_000_000_001, 0), "user 2000000001 (pid 4711)"),
        ((0, 0, 0), "root"),
    ],
    ids=["known", "without a name", "of another PID namespace"],
)
def test_a_peer_is_named_as_well_as_can_be(credentials: tuple[int, int, int], words: str) -> None:
    with Foreign() as connection:
        connection.credentials = credentials  # type: ignore[misc]
        assert peer_of(connection) == words


def test_a_kernel_that_does_not_say_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = socket.socket()
    closed.close()
    assert peer_of(closed) == "somebody"
    monkeypatch.delattr(socket, "SO_PEERCRED")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours) == "somebody"


def test_who_asked_is_recorded_with_what_was_done(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with serving(path, controls), visiting(path) as visitor:
            assert (await visitor.ask(request("kill", client=7)))["ok"]
        assert controls.recorded == [(US, "kill 7")]

    run(main())
