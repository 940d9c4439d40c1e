from __future__ import annotations

import errno
import logging
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agroal.errors import ConfigurationError
from agroal.net.chosen import Pump
from agroal.net.listen import BREATHER, Listener, SocketOptions, bind_tcp, by_socket
from agroal.net.pump import ROUNDS
from agroal.unixsocket import listening_socket
from tests.unit.net.pairs import channel, pump


@contextmanager
def closing(*sockets: socket.socket) -> Iterator[tuple[socket.socket, ...]]:
    yield sockets
    for sock in sockets:
        sock.close()


def problem(refusal: pytest.ExceptionInfo[ConfigurationError]) -> str:
    (only,) = refusal.value.problems
    return f"{only.key}: {only.message}"


class TestTcp:
    def test_an_address_is_listened_on_without_blocking(self) -> None:
        with closing(*bind_tcp("127.0.0.1", 0, 16)) as (sock,):
            assert sock.getsockname()[0] == "127.0.0.1"
            with pytest.raises(BlockingIOError):
                sock.accept()
            with socket.create_connection(sock.getsockname()):
                pass

    def test_a_star_is_every_address_of_both_families(self) -> None:
        with closing(*bind_tcp("*", 0, 16)) as sockets:
            families = [sock.family for sock in sockets]
            assert {"0.0.0.0"} <= {sock.getsockname()[0] for sock in sockets} <= {"0.0.0.0", "::"}
            assert len(families) == len(set(families))

    def test_a_machine_without_ipv6_listens_on_the_rest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = [
            (family, socket.SOCK_STREAM, 6, "", address)
            for family, address in ((socket.AF_INET6, ("::", 0, 0, 0)), (socket.AF_INET, ("127.0.0.1", 0)))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        real = socket.socket

        def without_ipv6(family: int, kind: int) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
            return real(family, kind)

        monkeypatch.setattr(socket, "socket", without_ipv6)
        with closing(*bind_tcp("*", 0, 16)) as sockets:
            assert len(sockets) == 1
        with pytest.raises(ConfigurationError) as refusal:
            bind_tcp("db.example", 0, 16)
        assert "Address family not supported" in problem(refusal), "asked for by name it is missed"

    def test_a_port_in_use_is_said(self) -> None:
        with closing(*bind_tcp("127.0.0.1", 0, 16)) as (sock,):
            port = sock.getsockname()[1]
            with pytest.raises(ConfigurationError) as refusal:
                bind_tcp("127.0.0.1", port, 16)
        assert problem(refusal) == (
            f"host: can't listen on 127.0.0.1:{port}: Address already in use; is another program listening there?"
        )

    @pytest.mark.parametrize(("host", "why"), [("192.0.2.1", "Cannot assign requested address"), ("::g", "not known")])
    def test_an_address_that_is_not_ours_is_said(self, host: str, why: str) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            bind_tcp(host, 5432, 16)
        assert problem(refusal).startswith(f"host: can't listen on {host}:5432: ")
        assert why in problem(refusal)

    def test_the_first_of_two_is_closed_when_the_second_can_not_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with closing(*bind_tcp("127.0.0.1", 0, 16)) as (taken,):
            addresses = [("127.0.0.1", 0), taken.getsockname()]
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            with pytest.raises(ConfigurationError):  # and no warning of a socket that nobody closed
                bind_tcp("two", 0, 16)

    def test_options_are_for_tcp(self) -> None:
        with closing(socket.socket(), socket.socket(socket.AF_UNIX)) as (tcp, unix):
            for on in (True, False):
                SocketOptions(nodelay=on, keep_alive=on).apply(tcp)
                assert bool(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is on
                assert bool(tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is on
            SocketOptions().apply(unix)


class Timer:
    """What was to be called later, and when."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> None:
        self.calls.append((seconds, call))


class Reception:
    """A listener at `address`, and what it let in."""

    def __init__(self, pump: Pump, sock: socket.socket) -> None:
        self.address = sock.getsockname()
        self.clients: list[tuple[socket.socket, object]] = []
        self.failures: list[Exception] = []
        self.timer = Timer()
        self.pump = pump
        self.listener = Listener(pump, sock, by_socket, self.welcome, self.timer)

    def welcome(self, sock: socket.socket, address: object) -> None:
        self.clients.append((sock, address))
        if self.failures:
            raise self.failures.pop()

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
        client.connect(self.address)
        return client


@contextmanager
def reception(sock: socket.socket) -> Iterator[Reception]:
    with pump() as made:
        opened = Reception(made, sock)
        try:
            yield opened
        finally:
            opened.listener.close()
            for client, _ in opened.clients:
                client.close()


class OutOfOrder(socket.socket):
    """A listening socket that fails to accept first, with these numbers."""

    def __init__(self, sock: socket.socket, *numbers: int) -> None:
        super().__init__(sock.family, sock.type, fileno=sock.detach())
        self.setblocking(False)
        self.numbers = list(numbers)

    def accept(self) -> tuple[socket.socket, Any]:
        if self.numbers:
            number = self.numbers.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


class TestListener:
    def test_hands_each_client_on_with_its_address(self) -> None:
        with reception(bind_tcp("127.0.0.1", 0, 16)[0]) as at, closing(at.connect(), at.connect()) as clients:
            at.pump.turn()
            at.pump.turn()
            assert [address for _, address in at.clients] == [client.getsockname() for client in clients]

    def test_does_not_starve_others_over_a_storm_of_clients(self) -> None:
        with reception(bind_tcp("127.0.0.1", 0, 64)[0]) as at:
            clients = closing(*(at.connect() for _ in range(2 * ROUNDS)))
            with clients, channel(at.pump, "another client") as (peer, another):
                seen: list[int] = []
                another.attend(lambda: (seen.append(len(at.clients)), another.ignore()))
                peer.send(b"x")
                at.pump.turn()
                assert seen[0] <= 1
                while len(at.clients) < 2 * ROUNDS:
                    at.pump.turn()

    def test_who_is_taken_has_the_options_of_the_listening_socket(self) -> None:
        with reception(bind_tcp("127.0.0.1", 0, 16)[0]) as at:
            for on in (True, False):
                at.listener.reconfigure(16, SocketOptions(nodelay=on, keep_alive=on))
                with closing(at.connect()):
                    at.pump.turn()
                    sock, _ = at.clients[-1]
                    assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is on
                    assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is on

    def test_closing_removes_the_file_of_a_unix_socket(self, path: Path) -> None:
        with reception(listening_socket(path, 0o777, 16)) as at:
            at.listener.close()
            assert not path.exists()
            path.write_text("a successor's")
            at.listener.close()
            assert path.exists()

    def test_closing_leaves_a_shared_socket_to_the_others_who_have_it(self, path: Path) -> None:
        ours = listening_socket(path, 0o777, 16)
        with pump() as made, closing(ours.dup(), socket.socket(socket.AF_UNIX)) as (theirs, client):
            nobody = lambda *_: pytest.fail("nobody is let in")  # noqa: E731
            listener = Listener(made, ours, by_socket, nobody, Timer(), shared=True)
            listener.close()
            listener.close()
            client.connect(str(path))
            assert select.select([made.fileno()], [], [], 0)[0] == [], "clients of theirs do not wake us"
            theirs.accept()[0].close()

    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
    def test_rests_when_there_is_no_descriptor_for_one_more(
        self, number: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        with reception(OutOfOrder(bind_tcp("127.0.0.1", 0, 16)[0], number)) as at, closing(at.connect()):
            with caplog.at_level(logging.WARNING):
                at.pump.turn()
            assert at.clients == []
            assert os.strerror(number) in caplog.text
            at.pump.turn()
            assert len(caplog.records) == 1, "it does not spin"
            ((seconds, wake),) = at.timer.calls
            assert seconds == BREATHER
            wake()
            at.pump.turn()
            assert len(at.clients) == 1, "the client waited in the backlog"

    def test_a_listener_that_was_closed_while_it_rested_stays_closed(self) -> None:
        with reception(OutOfOrder(bind_tcp("127.0.0.1", 0, 16)[0], errno.EMFILE)) as at, closing(at.connect()):
            at.pump.turn()
            at.listener.close()
            for _, wake in at.timer.calls:
                wake()
            at.pump.turn()
            assert at.clients == []

    def test_a_client_that_was_gone_before_is_no_trouble(self) -> None:
        with reception(OutOfOrder(bind_tcp("127.0.0.1", 0, 16)[0], errno.ECONNABORTED)) as at, closing(at.connect()):
            at.pump.turn()
            assert at.clients == []
            at.pump.turn()
            assert len(at.clients) == 1
            assert at.timer.calls == []

    def test_a_mistake_with_one_client_does_not_end_the_listening(self, caplog: pytest.LogCaptureFixture) -> None:
        with reception(bind_tcp("127.0.0.1", 0, 16)[0]) as at:
            at.failures.append(OSError(errno.ECONNRESET, "it was gone at once"))
            with closing(at.connect()) as (client,):
                at.pump.turn()
                assert client.recv(1) == b"", "this one is turned away"
            assert "internal error" in caplog.text
            with closing(at.connect()):
                at.pump.turn()
            assert len(at.clients) == 2


def test_more_connections_may_wait_once_it_is_reconfigured() -> None:
    """How many do, no two systems count alike: a queue of 1 does not take 8, and one of 64 does."""
    with pump() as made, closing(*bind_tcp("127.0.0.1", 0, 1)) as (sock,):
        at = Reception(made, sock)

        def arrive() -> int:
            clients = [socket.socket() for _ in range(8)]
            with closing(*clients):
                for client in clients:
                    client.setblocking(False)
                    client.connect_ex(at.address)
                return sum(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\1" for client in clients)

        assert arrive() < 8
        at.listener.reconfigure(64, SocketOptions())
        while _accept(sock):
            pass
        assert arrive() == 8
        at.listener.close()


def _accept(sock: socket.socket) -> bool:
    try:
        sock.accept()[0].close()
    except BlockingIOError:
        return False
    return True
