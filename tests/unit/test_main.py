from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from agroal import __version__, main
from agroal.auth.vault import MasterKey, write_users
from agroal.config.model import Configuration
from agroal.daemon.background import READY, Readiness
from agroal.daemon.files import Secrets
from agroal.daemon.log import Log
from agroal.daemon.reload import Read
from agroal.daemon.systemd import Systemd
from agroal.errors import ManagementError
from agroal.net.chosen import RELAY
from tests.unit.looping import LONG, until
from tests.unit.test_admin import MASTER_FILE

Output = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("loggers_as_before")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """With the least that a daemon needs."""
    main_file = f"[agroal]\nhost = localhost\nport = 2345\nunix_socket_dir = {tmp_path}\nlog_line_prefix = ''\n"
    (tmp_path / "agroal.conf").write_text(f"{main_file}[pg]\nhost = localhost\n")
    (tmp_path / "agroal_hba.conf").write_text("host all all all scram-sha-256\n")
    return tmp_path


@pytest.fixture
def add(directory: Path) -> Callable[[str, str], None]:
    """Adds to the settings of one of the files."""

    def write(name: str, text: str) -> None:
        path = directory / name
        before = path.read_text() if path.exists() else ""
        path.write_text(before.replace("[agroal]\n", f"[agroal]\n{text}\n") if "[agroal]" in before else before + text)

    return write


@pytest.fixture
def vault(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The users file, with one user in it; its master key is found in the environment."""
    key_file = directory / "key" / "master.key"
    key_file.parent.mkdir(mode=0o700)
    key_file.write_text(MASTER_FILE)
    key_file.chmod(0o600)
    monkeypatch.setenv("AGROAL_MASTER_KEY_FILE", str(key_file))
    path = directory / "agroal_users.conf"
    write_users(path, MasterKey.load(key_file), {"ann": "pencil"}, os.urandom)
    return path


class FakeReload:
    """Asked by a signal, it reads the files as the program would have them read."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.came: asyncio.Queue[tuple[Configuration, Secrets]] = asyncio.Queue()

    async def signalled(self) -> None:
        self.came.put_nowait(self.read())


class FakeDaemon:
    """Serves until somebody says stop; it is told by a signal as soon as it is ready."""

    told: tuple[Configuration, Secrets]
    systemd: Systemd
    wakes_with = signal.SIGTERM
    failure: Exception | None = None

    def __init__(
        self, configuration: Configuration, secrets: Secrets, read: Read, output: Log, systemd: Systemd
    ) -> None:
        FakeDaemon.told = configuration, secrets
        FakeDaemon.systemd = systemd
        self.output = output
        self.stop = self
        self.reload = FakeReload(read)
        self.stopped = asyncio.Event()

    def signalled(self) -> None:
        self.stopped.set()

    async def run(self, ready: Callable[[], None]) -> None:
        if self.failure:
            raise self.failure
        ready()
        await self.serve()

    async def serve(self) -> None:
        os.kill(os.getpid(), self.wakes_with)
        await self.stopped.wait()


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> type[FakeDaemon]:
    """Runs instead of the real one."""

    class Daemon(FakeDaemon):
        pass

    monkeypatch.setattr(main, "Daemon", Daemon)
    return Daemon


class TestArguments:
    @pytest.mark.parametrize("flag", ["-V", "--version"])
    def test_the_version(self, flag: str, capsys: Output) -> None:
        with pytest.raises(SystemExit) as end:
            main.main([flag])
        assert end.value.code == 0
        assert capsys.readouterr().out == f"agroal {__version__}, {RELAY}\n"

    @pytest.mark.parametrize("flag", ["-?", "-h", "--help"])
    def test_help_names_every_flag(self, flag: str, capsys: Output) -> None:
        with pytest.raises(SystemExit) as end:
            main.main([flag])
        assert end.value.code == 0
        words = capsys.readouterr().out.replace(",", " ").split()
        assert {"-c", "-a", "-l", "-u", "-F", "-A", "-S", "-D", "-d", "-V", "-?", "--check"} <= set(words)

    @pytest.mark.parametrize("arguments", [["--chec"], ["--nonsense"], ["-c"], ["stray"], ["-x"]])
    def test_wrong_usage_is_2(self, arguments: list[str], capsys: Output) -> None:
        with pytest.raises(SystemExit) as end:
            main.main(arguments)
        assert end.value.code == 2
        assert "usage: agroal" in capsys.readouterr().err

    def test_a_flag_for_a_file_goes_before_the_directory(self, directory: Path, capsys: Output) -> None:
        other = directory / "other.conf"
        other.write_text((directory / "agroal.conf").read_text().replace("2345", "2346"))
        assert main.main(["-D", str(directory), "-c", str(other), "--check"]) == 0
        assert "port = 2346" in capsys.readouterr().out


class TestCheck:
    def test_prints_what_is_in_force_and_starts_nothing(
        self, directory: Path, capsys: Output, daemon: type[FakeDaemon]
    ) -> None:
        daemon.failure = AssertionError("it was started")
        assert main.main(["-D", str(directory), "--check"]) == 0
        output = capsys.readouterr()
        assert output.err == ""
        assert output.out.startswith("[agroal]\nhost = localhost ")
        assert sorted(path.name for path in directory.iterdir()) == ["agroal.conf", "agroal_hba.conf"]

    def test_what_should_be_known_is_a_notice(
        self, directory: Path, add: Callable[[str, str], None], capsys: Output
    ) -> None:
        add("agroal.conf", "hugepage = try")
        assert main.main(["-D", str(directory), "--check"]) == 0
        assert capsys.readouterr().err.startswith(f"agroal: notice: {directory}/agroal.conf:2: hugepage: ")

    def test_the_vault_is_opened_too(self, directory: Path, vault: Path, capsys: Output) -> None:
        assert main.main(["-D", str(directory), "--check"]) == 0
        assert "pencil" not in capsys.readouterr().out
        vault.write_text("ann:bm90IGEgdmF1bHQ=\n")
        assert main.main(["-D", str(directory), "--check"]) == 1
        assert str(vault) in capsys.readouterr().err


class TestErrors:
    @staticmethod
    def refused(capsys: Output, *arguments: str) -> list[str]:
        """Its complaints: a line each, and nothing else."""
        assert main.main(arguments) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert all(line.startswith("agroal: ") for line in output.err.splitlines())
        return [line.removeprefix("agroal: ") for line in output.err.splitlines()]

    def test_those_of_every_file_come_at_once(
        self, directory: Path, add: Callable[[str, str], None], capsys: Output
    ) -> None:
        add("agroal.conf", "max_connections = many\nbacklog = -1")
        add("agroal_hba.conf", "host all all all nonsense\n")
        add("agroal_databases.conf", "shop ann lots\n")
        files = [line.split(": ")[0] for line in self.refused(capsys, "-D", str(directory))]
        assert files == [
            f"{directory}/{place}"
            for place in ("agroal.conf:2", "agroal.conf:3", "agroal_hba.conf:2", "agroal_databases.conf:1")
        ]

    def test_files_that_are_not_there_are_named_with_the_reason_for_looking(
        self, tmp_path: Path, capsys: Output
    ) -> None:
        complaints = self.refused(capsys, "-D", str(tmp_path / "nowhere"))
        assert len(complaints) == 2
        assert all(f"because of -D {tmp_path}/nowhere" in complaint for complaint in complaints)

    def test_a_vault_without_its_master_key(
        self, directory: Path, vault: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        monkeypatch.setenv("AGROAL_MASTER_KEY_FILE", str(directory / "none"))
        (complaint,) = self.refused(capsys, "-D", str(directory))
        assert str(directory / "none") in complaint

    def test_connections_to_open_for_a_user_whose_password_nobody_knows(
        self, directory: Path, vault: Path, add: Callable[[str, str], None], capsys: Output
    ) -> None:
        add("agroal_databases.conf", "shop ann 5 2 1\nshop bob 5 2 1\nshop eve 5\n")
        (complaint,) = self.refused(capsys, "-D", str(directory))
        assert complaint == (
            f'{directory}/agroal_databases.conf:2: INITIAL_SIZE: user "bob" is not in {vault}, '
            "so nobody can log in for it"
        )

    def test_a_background_without_a_place_for_the_log(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        monkeypatch.setattr(main, "go_to_background", lambda: pytest.fail("it has gone there"))
        (complaint,) = self.refused(capsys, "-D", str(directory), "-d")
        assert complaint == (
            f"{directory}/agroal.conf: log_type: console can't be combined with -d: expected file, syslog or journald"
        )

    def test_a_second_daemon(self, directory: Path, capsys: Output) -> None:
        (directory / "agroal.2345.pid").write_text(f"{os.getppid()}\n")
        *_, complaint = self.refused_with_warning(capsys, directory)
        assert f"agroal is running already, as process {os.getppid()}" in complaint

    def test_a_port_that_is_taken(self, directory: Path, capsys: Output) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            main_file = directory / "agroal.conf"
            main_file.write_text(main_file.read_text().replace("localhost", "127.0.0.1").replace("2345", str(port)))
            *_, complaint = self.refused_with_warning(capsys, directory)
        assert "Address already in use; is another program listening there?" in complaint
        assert list(directory.glob(".s.*")) == [], "it leaves no socket behind"
        assert not (directory / f"agroal.{port}.pid").exists()

    @staticmethod
    def refused_with_warning(capsys: Output, directory: Path) -> list[str]:
        """As root there is a warning before it."""
        assert main.main(["-D", str(directory)]) == 1
        return capsys.readouterr().err.splitlines()


class TestRunning:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_with_0(
        self, directory: Path, daemon: type[FakeDaemon], vault: Path, number: signal.Signals
    ) -> None:
        daemon.wakes_with = number
        assert main.main(["-D", str(directory)]) == 0
        configuration, secrets = FakeDaemon.told
        assert configuration.settings.port == 2345
        assert secrets == Secrets({"ann": "pencil"})
        assert not (directory / "agroal.2345.pid").exists()

    def test_without_a_vault_there_are_no_users(self, directory: Path, daemon: type[FakeDaemon]) -> None:
        assert main.main(["-D", str(directory)]) == 0
        assert FakeDaemon.told[1] == Secrets()

    def test_an_empty_vault_needs_no_master_key(
        self, directory: Path, daemon: type[FakeDaemon], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGROAL_MASTER_KEY_FILE", str(directory / "none"))
        users = directory / "agroal_users.conf"
        users.write_text("# nobody yet\n")
        users.chmod(0o600)
        assert main.main(["-D", str(directory)]) == 0

    def test_sighup_reads_the_files_anew_and_it_goes_on(
        self, directory: Path, daemon: type[FakeDaemon], vault: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def reloading(self: FakeDaemon) -> None:
            main_file = directory / "agroal.conf"
            main_file.write_text(main_file.read_text().replace("port = 2345", "port = 2346"))
            write_users(vault, MasterKey.load(directory / "key" / "master.key"), {"bob": "crayon"}, os.urandom)
            async with asyncio.timeout(LONG):
                for _ in range(2):
                    os.kill(os.getpid(), signal.SIGHUP)
                    FakeDaemon.told = await self.reload.came.get()

        monkeypatch.setattr(daemon, "serve", reloading)
        assert main.main(["-D", str(directory)]) == 0
        configuration, secrets = FakeDaemon.told
        assert (configuration.settings.port, secrets) == (2346, Secrets({"bob": "crayon"}))

    def test_sigusr1_opens_the_log_file_anew(
        self,
        directory: Path,
        add: Callable[[str, str], None],
        daemon: type[FakeDaemon],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        add("agroal.conf", f"log_type = file\nlog_path = {directory}/agroal.log")
        reopened: list[Log] = []

        def reopen(output: Log) -> None:
            reopened.append(output)

        async def reopening(self: FakeDaemon) -> None:
            os.kill(os.getpid(), signal.SIGUSR1)
            async with asyncio.timeout(LONG):
                await until(lambda: reopened)
            assert reopened == [self.output]

        monkeypatch.setattr(Log, "reopen", reopen)
        monkeypatch.setattr(daemon, "serve", reopening)
        assert main.main(["-D", str(directory)]) == 0

    def test_what_systemd_says_is_for_the_daemon_and_for_no_child_of_it(
        self, directory: Path, daemon: type[FakeDaemon], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        assert main.main(["-D", str(directory), "--check"]) == 0
        assert main.main(["-D", str(directory)]) == 0
        assert FakeDaemon.systemd.watchdog == 30
        assert "WATCHDOG_USEC" not in os.environ

    def test_root_is_warned(
        self, directory: Path, daemon: type[FakeDaemon], monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        for user, warned in ((0, True), (1000, False)):
            monkeypatch.setattr(os, "geteuid", lambda user=user: user)
            assert main.main(["-D", str(directory)]) == 0
            assert ("warning: running as root" in capsys.readouterr().err) is warned


class TestBackground:
    """What the process in front is told."""

    @pytest.fixture
    def front(
        self, directory: Path, add: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], bytes]:
        add("agroal.conf", f"log_type = file\nlog_path = {directory}/agroal.log")
        reading, writing = os.pipe()
        monkeypatch.setattr(main, "go_to_background", lambda: Readiness(writing))

        def told() -> bytes:
            with os.fdopen(reading, "rb") as pipe:
                return pipe.read()

        return told

    def test_that_it_serves(self, directory: Path, daemon: type[FakeDaemon], front: Callable[[], bytes]) -> None:
        assert main.main(["-D", str(directory), "-d"]) == 0
        assert front() == READY

    def test_why_it_does_not(
        self, directory: Path, daemon: type[FakeDaemon], front: Callable[[], bytes], capsys: Output
    ) -> None:
        daemon.failure = ManagementError("cannot-listen", "no port")
        assert main.main(["-D", str(directory), "-d"]) == 1
        assert front() == b"no port"

    def test_why_it_can_not_use_what_systemd_passes(
        self, directory: Path, front: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "many")
        assert main.main(["-D", str(directory), "-d"]) == 1
        assert front() == b"systemd: LISTEN_FDS: expected a number from 0 to 1024, not 'many'"

    def test_that_there_is_no_place_for_the_log(self, directory: Path, front: Callable[[], bytes]) -> None:
        main_file = directory / "agroal.conf"
        main_file.write_text(main_file.read_text().replace("/agroal.log", "/nowhere/agroal.log"))
        assert main.main(["-D", str(directory), "-d"]) == 1
        assert b"can't open the log" in front()
