from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agroal.demo import ports
from agroal.demo.ports import free_port
from agroal.errors import AgroalError


@contextmanager
def listening(port: int) -> Iterator[None]:
    """A server there. As servers do, it does not mind connections of an earlier one that are still fading away."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


def test_a_free_port_can_be_bound_and_is_below_those_of_outgoing_connections() -> None:
    port = free_port()

    assert 10_000 <= port < 32_768
    with listening(port):
        pass


def test_a_port_that_is_taken_is_passed_over() -> None:
    seed = random.random()
    taken = free_port(random.Random(seed))
    with listening(taken):
        assert free_port(random.Random(seed)) != taken


def test_having_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError

    monkeypatch.setattr(ports.socket, "socket", Taken)

    with pytest.raises(AgroalError, match="no free TCP port"):
        free_port()
