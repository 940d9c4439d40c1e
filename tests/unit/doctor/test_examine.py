from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agroal.doctor.examine import PATIENCE, Progress, Where, examine
from agroal.doctor.patient import Patient


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "agroal_hba.conf").write_text("host all all all scram-sha-256\n")
    return tmp_path


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port at which nobody listens, and nobody can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def examined(directory: Path) -> Patient:
    where = Where({}, directory, {"AGROAL_MASTER_KEY_FILE": str(directory / "key" / "master.key")})
    return asyncio.run(examine(where, lambda step: None))


def write(directory: Path, server: str, main: str = "") -> None:
    text = f"[agroal]\nhost = 127.0.0.1\nport = 2345\nunix_socket_dir = {directory}\n{main}\n[pg]\n{server}\n"
    (directory / "agroal.conf").write_text(text)


def test_files_that_do_not_load_are_all_there_is(directory: Path) -> None:
    patient = examined(directory)
    assert patient.configuration is None
    assert "no such file" in patient.problems[0]
    assert patient.servers == ()


def test_a_server_that_is_not_there_is_seen_as_that(directory: Path, nobody: int) -> None:
    write(directory, f"host = 127.0.0.1\nport = {nobody}")
    patient = examined(directory)
    assert patient.primary
    assert patient.primary.addresses == patient.primary.deaf == ("127.0.0.1",)
    assert "Connection refused" in patient.primary.unreachable
    assert (patient.facts, patient.daemon) == (None, None)
    assert patient.secrets is not None


def test_a_name_that_is_none_is_seen_as_that(directory: Path) -> None:
    write(directory, "host = no-such-name.invalid")
    patient = examined(directory)
    assert patient.primary
    assert patient.primary.lookup_error
    assert not patient.primary.reached


def test_a_vault_that_cannot_be_decrypted_is_told_and_the_rest_is_looked_at(directory: Path, nobody: int) -> None:
    write(directory, f"host = 127.0.0.1\nport = {nobody}")
    (directory / "agroal_users.conf").write_text("ann:AAAA\n")
    patient = examined(directory)
    assert patient.secrets is None
    assert "there is no master key" in patient.secrets_problem
    assert patient.primary


class Timers:
    """The part of a loop that Progress uses: nothing happens until it is told to."""

    def __init__(self) -> None:
        self.due: list[tuple[float, object, str]] = []

    def fire(self) -> None:
        for _, say, what in self.due:
            say(what)  # type: ignore[operator]


def test_a_step_that_takes_long_is_named_and_one_that_does_not_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    timers, said = Timers(), []

    class Handle:
        def __init__(self, entry: tuple[float, object, str]) -> None:
            self._entry = entry

        def cancel(self) -> None:
            timers.due.remove(self._entry)

    class Loop:
        def call_later(self, seconds: float, say: object, what: str) -> Handle:
            timers.due.append((seconds, say, what))
            return Handle(timers.due[-1])

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    progress = Progress(said.append)
    progress.step("first")
    progress.step("second")
    assert [(seconds, what) for seconds, _, what in timers.due] == [(PATIENCE, "second")]
    timers.fire()
    assert said == ["second"]
    progress.over()
    assert timers.due == []
