from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agroal.daemon import inherited
from agroal.daemon.inherited import CLIENTS, MANAGEMENT, METRICS, Inherited
from agroal.errors import ConfigurationError

PID = 4711
Pass = Callable[..., Inherited]


def tcp() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def unix(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM, *, listening: bool = True) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(path))
    if listening:
        sock.listen()
    return sock


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pass]:
    """Passes these sockets, or descriptors, as systemd would: one after the other, from some number on."""
    with ExitStack() as stack:

        def of(*things: socket.socket | int, names: str | None = None, **environment: str) -> Inherited:
            first = 100
            monkeypatch.setattr(inherited, "FIRST", first)
            for number, thing in enumerate(things, first):
                os.dup2(thing if isinstance(thing, int) else thing.fileno(), number)
                stack.callback(_close, number)
                if isinstance(thing, socket.socket):
                    thing.close()
            known = {"LISTEN_PID": str(PID), "LISTEN_FDS": str(len(things))}
            known |= {} if names is None else {"LISTEN_FDNAMES": names}
            made = Inherited.of(known | environment, PID)
            stack.callback(made.close)
            return made

        yield of


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return


def complaints(refusal: pytest.ExceptionInfo[ConfigurationError]) -> list[str]:
    return [str(problem) for problem in refusal.value.problems]


def test_sockets_without_names_are_for_clients(passed: Pass, socket_dir: Path) -> None:
    both = passed(tcp(), unix(socket_dir / "s"))
    first, second = both.take(CLIENTS)
    with first, second:
        assert (first.family, second.family) == (socket.AF_INET, socket.AF_UNIX)
        assert not os.get_inheritable(first.fileno()), "children have nothing to do with it"
        with pytest.raises(BlockingIOError):
            first.accept()
    assert both.take(CLIENTS) == [], "each is taken once"


def test_a_name_says_what_a_socket_is_for(passed: Pass) -> None:
    ours = passed(*(tcp() for _ in range(5)), names="metrics:clients:agroal.socket:unknown:management")
    with ExitStack() as stack:
        taken = {name: ours.take(name) for name in (CLIENTS, METRICS, MANAGEMENT)}
        for sock in (sock for sockets in taken.values() for sock in sockets):
            stack.enter_context(sock)
        numbers = {name: [sock.fileno() for sock in sockets] for name, sockets in taken.items()}
    assert numbers == {CLIENTS: [101, 102, 103], METRICS: [100], MANAGEMENT: [104]}


def test_what_nobody_takes_can_be_closed(passed: Pass) -> None:
    ours = passed(tcp(), tcp(), names="metrics:clients")
    (taken,) = ours.take(CLIENTS)
    assert ours.close() == [METRICS]
    assert ours.close() == []
    with taken:
        assert taken.fileno() == 101, "what has been taken stays open"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(100)


@pytest.mark.parametrize("pid", ["", "4712", "-4711", "04711", "4711 ", "nonsense", "9" * 30])
def test_what_was_meant_for_another_process_is_none_of_ours(pid: str) -> None:
    assert Inherited.of({"LISTEN_PID": pid, "LISTEN_FDS": "no number"}, PID).close() == []
    assert Inherited.of({"LISTEN_FDS": "1"}, PID).close() == []


@pytest.mark.parametrize("environment", [{}, {"LISTEN_FDS": "0"}, {"LISTEN_FDS": "0", "LISTEN_FDNAMES": ""}])
def test_nothing_may_be_passed(environment: dict[str, str]) -> None:
    assert Inherited.of({"LISTEN_PID": str(PID), **environment}, PID).close() == []


@pytest.mark.parametrize("count", ["", "-1", "+1", "1.5", " 1", "1_0", "0x1", "٣", "1025", "9" * 5000, "\udc80"])
def test_a_count_that_is_none_is_said(passed: Pass, count: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        passed(LISTEN_FDS=count)
    (complaint,) = complaints(refusal)
    assert complaint.startswith("systemd: LISTEN_FDS: expected a number from 0 to 1024, not ")
    assert complaint.isascii()
    assert len(complaint) < 200


@pytest.mark.parametrize(("names", "count"), [("clients", 1), ("clients:metrics:management", 3), ("", 1)])
def test_a_name_for_each_socket_or_none(passed: Pass, names: str, count: int) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        passed(0, 0, names=names)
    assert complaints(refusal) == [f"systemd: LISTEN_FDNAMES: {count} names for LISTEN_FDS=2 sockets"]


def test_all_that_can_not_be_used_is_said_at_once(passed: Pass, socket_dir: Path) -> None:
    stream = unix(socket_dir / "stream", listening=False)
    datagram = unix(socket_dir / "datagram", socket.SOCK_DGRAM, listening=False)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    packets = unix(socket_dir / "packets", socket.SOCK_SEQPACKET)
    names = "clients:metrics:management:agroal.socket:unknown:metric:clients"
    with open(os.devnull) as file, pytest.raises(ConfigurationError) as refusal:
        passed(file.fileno(), stream, datagram, udp, packets, tcp(), tcp(), names=names)
    assert complaints(refusal) == [
        "systemd: LISTEN_FDS: descriptor 100, named 'clients', is no socket: Socket operation on non-socket",
        "systemd: LISTEN_FDS: descriptor 101, named 'metrics', does not listen: the unit needs Accept=no",
        *(
            f"systemd: LISTEN_FDS: descriptor {number}, named '{name}', is no stream socket of TCP or Unix: "
            "the unit needs ListenStream="
            for number, name in ((102, "management"), (103, "agroal.socket"), (104, "unknown"))
        ),
        "systemd: LISTEN_FDS: descriptor 105, named 'metric', is for nothing here: "
        "FileDescriptorName= must be one of clients, metrics, management",
    ]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(106)


def test_a_descriptor_that_is_not_open_is_said(passed: Pass) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        passed(LISTEN_FDS="1", LISTEN_FDNAMES="\x1b[2J")
    (complaint,) = complaints(refusal)
    assert complaint == (
        "systemd: LISTEN_FDS: descriptor 100, named '\\x1b[2J', is for nothing here: "
        "FileDescriptorName= must be one of clients, metrics, management"
    )
    with pytest.raises(ConfigurationError) as refusal:
        passed(LISTEN_FDS="1")
    assert complaints(refusal) == [
        "systemd: LISTEN_FDS: descriptor 100, named 'clients', is no socket: Bad file descriptor"
    ]
