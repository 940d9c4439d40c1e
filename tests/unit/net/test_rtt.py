from __future__ import annotations

import socket
import sys

import pytest

from agroal.net.rtt import round_trip


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_kernel_tells_of_a_connection_over_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as tcp:
        rtt = round_trip(tcp)
        assert rtt is not None
        assert 0 < rtt < 1_000_000


def test_there_is_none_on_a_unix_socket() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert round_trip(one) is None


def test_nor_on_one_that_is_closed_or_is_no_connection() -> None:
    tcp = socket.socket()
    tcp.close()
    assert round_trip(tcp) is None
    with socket.socket() as unconnected:
        assert round_trip(unconnected) is None


def test_other_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as tcp:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert round_trip(tcp) is None
