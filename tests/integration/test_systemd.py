"""What systemd hears of a daemon over its life, and sockets that it has opened before."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest

from agroal.demo.ports import free_port
from tests.integration import activation
from tests.integration.daemon import Agroal, Key
from tests.integration.postgres import Database
from tests.integration.run import Run
from tests.integration.starting import at_rest, in_background
from tests.integration.waiting import wait_until
from tests.unit.daemon.ears import Ears, ears

EXTENSION = "EXTEND_TIMEOUT_USEC=10000000"
BUSY = "1 client, 1 of 100 server connections, 0 waiting"
IDLE = "0 clients, 1 of 100 server connections, 0 waiting"


@pytest.fixture
def resting(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    """One that does not run yet."""
    with at_rest(run, key, database) as agroal:
        yield agroal


class Systemd:
    """Remembers what it has heard."""

    def __init__(self, listener: Ears) -> None:
        self._listener = listener
        self.heard: list[list[str]] = []

    def hears(self, line: str) -> list[str]:
        """Wait for a datagram with this assignment, from what is new on. The datagram."""

        def found() -> list[str] | None:
            self.heard += self._listener.heard()
            return next((datagram for datagram in self.heard if line in datagram), None)

        datagram = wait_until(found, f"systemd hears {line}")
        assert datagram
        del self.heard[: self.heard.index(datagram) + 1]
        return datagram


@pytest.fixture
def systemd(resting: Agroal) -> Iterator[Systemd]:
    """It listens to `resting`, which it has started."""
    with ears(resting.folder) as listener:
        resting.told |= {"NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "100000"}
        resting.start()
        yield Systemd(listener)
    (resting.folder / "notify").unlink()


def test_it_hears_of_the_start_when_clients_are_served(resting: Agroal) -> None:
    with ears(resting.folder, abstract=True) as listener:
        resting.told |= {"NOTIFY_SOCKET": listener.address}
        resting.start()
        heard = [datagram for datagram in listener.heard() if not datagram[0].startswith("STATUS=0")]
    ready = ["READY=1", f"MAINPID={resting.pid}", "STATUS=0 clients, 0 of 100 server connections, 0 waiting"]
    assert heard == [["STATUS=starting"], ready]
    with resting.connect() as client:  # and that nobody listens any more harms nobody
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert resting.stop() == 0


def test_it_hears_that_the_daemon_lives_and_how_it_goes(resting: Agroal, systemd: Systemd) -> None:
    systemd.hears("READY=1")
    for _ in range(3):
        systemd.hears("WATCHDOG=1")
    with resting.connect() as client:
        client.execute("SELECT 1")
        systemd.hears(f"STATUS={BUSY}")
    systemd.hears(f"STATUS={IDLE}")


@pytest.mark.parametrize("how", ["SIGHUP", "conf reload"])
def test_it_hears_of_a_reload(resting: Agroal, systemd: Systemd, how: str) -> None:
    systemd.hears("READY=1")
    before = _microseconds()
    if how == "SIGHUP":
        resting.signal(signal.SIGHUP)
    else:
        resting.manage(*how.split())
    _, when = systemd.hears("RELOADING=1")
    systemd.hears("READY=1")
    assert before <= int(when.removeprefix("MONOTONIC_USEC=")) <= _microseconds()


def test_it_hears_why_a_reload_failed_and_that_it_is_over(resting: Agroal, systemd: Systemd) -> None:
    systemd.hears("READY=1")
    good = (resting.folder / "agroal.conf").read_text()
    resting.write("agroal.conf", good + "max_connections = many\n[agroal]\nport = far\n")
    resting.signal(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    _, status = systemd.hears("READY=1")
    why = f"; nothing was reloaded: {resting.folder}/agroal.conf:"
    assert status.startswith("STATUS=0 clients, ")
    assert why in status

    resting.write("agroal.conf", good)
    resting.signal(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    assert "nothing was reloaded" not in systemd.hears("READY=1")[1]


def test_a_dry_run_is_no_reload(resting: Agroal, systemd: Systemd) -> None:
    systemd.hears("READY=1")
    resting.manage("conf", "reload", "-n")
    systemd.hears("WATCHDOG=1")
    assert not any(line == "RELOADING=1" for datagram in systemd.heard for line in datagram)


def test_it_hears_of_a_stop_and_gives_the_clients_time(resting: Agroal, systemd: Systemd) -> None:
    with resting.connect() as client:
        client.execute("SELECT 1")
        systemd.hears(f"STATUS={BUSY}")
        resting.signal(signal.SIGTERM)
        assert systemd.hears("STOPPING=1") == ["STOPPING=1", EXTENSION]
        systemd.hears(f"STATUS=stopping: {BUSY}")
        for _ in range(2):
            systemd.hears(EXTENSION)
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)
    assert resting.wait() == 0


def test_a_shutdown_that_is_taken_back_is_not_one(resting: Agroal, systemd: Systemd) -> None:
    with resting.connect() as client:
        client.execute("SELECT 1")
        systemd.hears(f"STATUS={BUSY}")
        resting.manage("shutdown", "gracefully")
        systemd.hears(EXTENSION)
        systemd.hears(f"STATUS=stopping: {BUSY}")
        resting.manage("cancel-shutdown")
        systemd.hears(f"STATUS={BUSY}")
        assert not any("STOPPING=1" in datagram for datagram in systemd.heard)
    resting.manage("shutdown", "immediate")
    systemd.hears("STOPPING=1")
    assert resting.wait() == 0


def test_a_daemon_in_the_background_tells_nobody(resting: Agroal) -> None:
    """There the end of the process in front says that it serves (Type=forking)."""
    resting.configure(log_type="file", log_path=resting.folder / "agroal.log")
    with ears(resting.folder) as listener:
        told = {"NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "20000"}
        with in_background(resting, **told):
            assert listener.heard() == []
    (resting.folder / "notify").unlink()


def test_it_is_not_missed_when_it_is_gone(resting: Agroal, systemd: Systemd) -> None:
    systemd.hears("READY=1")
    (resting.folder / "notify").rename(resting.folder / "elsewhere")
    wait_until(lambda: "systemd can't be told how agroal is: No such file" in resting.log, "it is said")
    with resting.connect() as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    (resting.folder / "elsewhere").rename(resting.folder / "notify")
    systemd.hears("WATCHDOG=1")


def test_nonsense_in_the_environment_keeps_nobody_from_serving(resting: Agroal) -> None:
    resting.told |= {
        "NOTIFY_SOCKET": "vsock:2:\x1b[2J",
        "WATCHDOG_USEC": "-1",
        "WATCHDOG_PID": "",
        "LISTEN_PID": "1",
        "LISTEN_FDS": "a lot",
        "LISTEN_FDNAMES": ":::",
        "LISTEN_PIDFDID": "?",
    }
    resting.start()
    with resting.connect() as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert "NOTIFY_SOCKET must begin with / or @, not as 'vsock:2:\\x1b[2J'" in resting.log


# Sockets that are open before


Opened = Callable[..., int]
"""Names them, and adds one `more`, whose port it returns."""


@pytest.fixture
def opened(resting: Agroal) -> Iterator[Opened]:
    """Opens the sockets of `resting` for TCP and Unix, as agroal.socket does; they are there until the end."""
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server((resting.host, resting.port)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(_file(resting)))
        unix.listen()
        extra = stack.enter_context(socket.create_server((resting.host, 0)))

        def pass_on(names: str, *others: socket.socket) -> None:
            resting.passed = [sock.fileno() for sock in (tcp, unix, *others)]
            resting.started_by = activation.command(names, resting.passed)

        pass_on("")

        def name(names: str, more: bool = False) -> int:
            pass_on(names, *([extra] if more else []))
            return extra.getsockname()[1]  # type: ignore[no-any-return]

        yield name
    _file(resting).unlink()


@pytest.mark.parametrize("names", ["", "clients:clients", "agroal.socket:agroal.socket", "unknown:unknown"])
def test_clients_come_in_by_sockets_that_systemd_opened(resting: Agroal, opened: Opened, names: str) -> None:
    opened(names)
    resting.start()
    for host in (resting.host, str(resting.folder)):
        with resting.connect(host=host) as client:
            assert client.execute("SELECT 1").fetchone() == (1,)
    where = f"{resting.host}, port {resting.port}, opened by systemd; {_file(resting)}, opened by systemd"
    assert f"listens on {where}" in resting.log
    assert resting.stop() == 0
    assert _file(resting).is_socket(), "it is systemd's"


@pytest.mark.usefixtures("opened")
def test_who_comes_between_two_daemons_waits_for_the_second(resting: Agroal) -> None:
    resting.start()
    assert resting.stop() == 0
    with socket.socket(socket.AF_UNIX) as early:
        early.connect(str(_file(resting)))
        early.sendall(bytes.fromhex("00000008 04d2162f"))  # SSLRequest
        resting.start()
        early.settimeout(15)
        assert early.recv(1) == b"N"


def test_metrics_are_served_by_a_socket_that_systemd_opened(resting: Agroal, opened: Opened) -> None:
    resting.configure(metrics=free_port())
    port = opened("clients:clients:metrics", more=True)
    resting.start()
    with urlopen(f"http://{resting.host}:{port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert "nothing here serves it" not in resting.log


def test_a_socket_for_what_is_not_served_is_complained_about(resting: Agroal, opened: Opened) -> None:
    opened("clients:clients:metrics", more=True)
    resting.start()
    assert "systemd has opened a socket for metrics, and nothing here serves it: see the key metrics" in resting.log


def test_a_socket_that_is_none_keeps_the_daemon_from_starting(resting: Agroal) -> None:
    with Path("/dev/null").open() as file, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        passed = [file.fileno(), datagrams.fileno()]
        program = [sys.executable, "-m", "agroal.main", "-D", str(resting.folder)]
        result = subprocess.run(
            [*activation.command("", passed), *program],
            pass_fds=passed,
            env=resting.environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if "LISTEN_FDS" in line] == [
        "agroal: systemd: LISTEN_FDS: descriptor 3, named 'clients', is no socket: Socket operation on non-socket",
        "agroal: systemd: LISTEN_FDS: descriptor 4, named 'clients', is no stream socket of TCP or Unix: "
        "the unit needs ListenStream=",
    ]


def _file(pool: Agroal) -> Path:
    return pool.folder / f".s.PGSQL.{pool.port}"


def _microseconds() -> int:
    return time.monotonic_ns() // 1000
