from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from typing import Self

import pytest

from agroal.errors import PoolIsFull
from agroal.wire.backend import AUTHENTICATION_OK, error_response, parameter_status, ready_for_query
from agroal.wire.codes import Status
from tests.bench.failure import BenchFailed
from tests.bench.idle import converse, raise_descriptor_limit, unread_flood

WELCOME = AUTHENTICATION_OK + parameter_status("server_version", "15.18") + ready_for_query(Status.IDLE)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_an_answer_is_read_to_its_end(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(WELCOME)
    converse(ours, b"hello")
    assert theirs.recv(100) == b"hello"
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_the_words_of_a_refusal_are_the_error(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(error_response(PoolIsFull("the pool is full")))
    with pytest.raises(BenchFailed, match="the pool is full"):
        converse(ours, b"hello")


def test_a_connection_that_is_closed_in_the_middle_is_an_error(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(WELCOME[:-3])
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(BenchFailed, match="closed"):
        converse(ours, b"hello")


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """A soft limit of 1024 and a hard one of 4096; what is set."""
    wanted: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: wanted.append(limits))
    return wanted


def test_the_soft_limit_of_descriptors_is_raised_as_far_as_needed(limits: list[tuple[int, int]]) -> None:
    raise_descriptor_limit(1000)
    assert limits == [(2200, 4096)]


def test_a_limit_that_suffices_is_left_alone(limits: list[tuple[int, int]]) -> None:
    raise_descriptor_limit(100)
    assert limits == []


def test_more_clients_than_the_hard_limit_allows_are_refused(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(BenchFailed, match=r"need 4200 open files, and 4096 are allowed"):
        raise_descriptor_limit(2000)
    assert limits == []


class Served:
    """A connection to somebody who answers each thing that is said with the next of these; what was said is kept."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.said: list[bytes] = []
        self.unread = b""
        self.is_closed = False

    def sendall(self, data: bytes) -> None:
        self.said.append(data)
        self.unread += self.answers.pop(0)

    def recv(self, size: int) -> bytes:
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def close(self) -> None:
        self.is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def test_a_flood_is_asked_for_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(WELCOME, ready_for_query(Status.IDLE), b"many rows")
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: served)
    with unread_flood("127.0.0.1", 5432):
        assert b"generate_series" in served.said[-1]
        assert served.unread == b"many rows"
        assert not served.is_closed
    assert served.is_closed


def test_who_is_refused_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(error_response(PoolIsFull("the pool is full")))
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: served)
    with pytest.raises(BenchFailed, match="the pool is full"), unread_flood("127.0.0.1", 5432):
        pass
    assert served.is_closed


def test_a_flood_that_nobody_serves_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: object, timeout: float) -> socket.socket:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(BenchFailed, match="nobody listens"), unread_flood("127.0.0.1", 5432):
        pass
