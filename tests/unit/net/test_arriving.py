from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agroal.net.chosen import Channel, Pump, accepted
from tests.unit.net.pairs import pump


@contextmanager
def listening(made: Pump, sock: socket.socket) -> Iterator[Channel]:
    sock.listen(16)
    channel = Channel(made, sock, "listener")
    try:
        yield channel
    finally:
        channel.close()


@contextmanager
def arrived(family: int = socket.AF_INET, place: object = ("127.0.0.1", 0)) -> Iterator[tuple[socket.socket, Channel]]:
    """A client's socket, and the channel that was made of its connection."""
    with pump() as made:
        sock = socket.socket(family)
        sock.bind(place)
        with listening(made, sock) as channel, socket.socket(family) as theirs:
            theirs.connect(sock.getsockname())
            ours, host = accepted(channel)
            assert host == (None if family == socket.AF_UNIX else theirs.getsockname()[0])
            try:
                yield theirs, ours
            finally:
                ours.close()


@contextmanager
def no_descriptors() -> Iterator[None]:
    """None is left for one more file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_free = os.dup(0)
    os.close(next_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestAccepted:
    def test_the_channel_is_called_by_its_peers_address(self) -> None:
        with arrived() as (theirs, ours):
            assert ours.label == f"127.0.0.1:{theirs.getsockname()[1]}"
            assert repr(ours) == f"<Channel {ours.label} fd={ours.fd}>"

    def test_so_it_is_by_ipv6(self) -> None:
        try:
            with arrived(socket.AF_INET6, ("::1", 0)) as (theirs, ours):
                assert ours.label == f"::1:{theirs.getsockname()[1]}"
        except OSError:
            pytest.skip("a machine without IPv6")

    def test_whoever_comes_by_a_unix_socket_is_local(self, tmp_path: Path) -> None:
        with arrived(socket.AF_UNIX, str(tmp_path / "socket")) as (_, ours):
            assert ours.label == "[local]"

    def test_the_channel_does_not_block_and_is_not_inherited(self) -> None:
        with arrived() as (_, ours):
            assert not os.get_blocking(ours.fd)
            assert not os.get_inheritable(ours.fd)
            assert ours.take(1) is None
            assert not ours.encrypted

    def test_what_is_sent_and_received_is_its_own(self) -> None:
        with arrived() as (theirs, ours):
            theirs.settimeout(5)
            assert ours.write(b"welcome")
            assert theirs.recv(16) == b"welcome"
            heard: list[bytes | None] = []
            ours.attend(lambda: heard.append(ours.take(16)))
            theirs.send(b"thanks")
            while not heard:
                ours.pump.turn()
            assert heard == [b"thanks"]

    def test_its_socket_can_be_asked_for(self) -> None:
        with arrived() as (theirs, ours):
            assert ours.sock.getpeername() == theirs.getsockname()
            assert ours.sock.fileno() == ours.fd
            assert ours.sock is ours.sock
            assert not ours.sock.getblocking()

    @pytest.mark.parametrize("asked_for", [False, True])
    def test_closing_hangs_up_whether_its_socket_was_asked_for_or_not(self, asked_for: bool) -> None:
        with arrived() as (theirs, ours):
            number = ours.sock.fileno() if asked_for else ours.fd
            ours.close()
            ours.close()
            assert ours.closed
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(number)
            theirs.settimeout(5)
            assert theirs.recv(1) == b""

    def test_its_number_is_not_free_before_the_turn_in_which_it_was_closed_is_over(self) -> None:
        with arrived() as (theirs, ours):
            number, open_still = ours.fd, list[bool]()

            def close() -> None:
                ours.close()
                os.fstat(number)
                open_still.append(True)

            ours.attend(close)
            theirs.send(b"x")
            while not open_still:
                ours.pump.turn()
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(number)

    def test_where_nobody_has_come_it_says_so(self) -> None:
        with pump() as made, listening(made, socket.socket()) as channel, pytest.raises(BlockingIOError):
            accepted(channel)

    def test_without_a_descriptor_the_client_stays_in_the_backlog(self) -> None:
        with pump() as made, socket.socket() as theirs:
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            with listening(made, sock) as channel:
                theirs.connect(sock.getsockname())
                with no_descriptors(), pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                    accepted(channel)
                ours, _ = accepted(channel)
                ours.close()
