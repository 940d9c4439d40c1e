from __future__ import annotations

import socket
from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management.client import ManagementClient, socket_path
from agroal.management.wire import MAX_ANSWER, Answer, Failure, encode_answer
from tests.unit.management.fake import FakeControls, framed
from tests.unit.management.running import playing, running


def failure(path: Path, timeout: float = 15.0) -> ManagementError:
    with pytest.raises(ManagementError) as caught, ManagementClient(path, timeout) as client:
        client.call("ping")
    return caught.value


def test_the_socket_is_named_after_the_port() -> None:
    assert socket_path(Path("/run/agroal"), 2345) == Path("/run/agroal/.s.agroal.2345")


def test_a_call_returns_its_result(path: Path) -> None:
    with running(path, FakeControls()), ManagementClient(path) as client:
        assert client.call("ping")["version"] == "0.1.0"


def test_one_connection_carries_many_calls(path: Path) -> None:
    with running(path, FakeControls()), ManagementClient(path) as client:
        assert [client.call("hello")["instance_id"] for _ in range(3)] == ["5f0c9a12"] * 3


def test_arguments_travel(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls), ManagementClient(path) as client:
        assert client.call("shutdown gracefully", timeout=30)["timeout_us"] == 30_000_000
    assert controls.shutdowns == [("gracefully", 30.0)]


def test_what_the_daemon_refuses_is_raised_with_its_code(path: Path) -> None:
    with (
        running(path, FakeControls()),
        ManagementClient(path) as client,
        pytest.raises(ManagementError, match="there is no shutdown to take back") as caught,
    ):
        client.call("shutdown cancel")
    assert caught.value.code == "refused"


def test_words_of_a_daemon_are_neutralised(path: Path) -> None:
    with playing(path, None, encode_answer(Answer(1, Failure("\x1bcode", "\x1b[2Jmessage")))):
        error = failure(path)
    assert (error.code, str(error)) == ("␛code", "␛[2Jmessage")


def test_no_socket_means_that_no_agroal_runs(path: Path) -> None:
    error = failure(path)
    assert (error.code, str(error)) == (
        "cannot-connect",
        f"no agroal listens on {path}: is it running? `agroal -D DIR` starts it",
    )


def test_a_socket_that_was_left_behind_means_that_agroal_is_gone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    error = failure(path)
    assert error.code == "cannot-connect"
    assert str(error).startswith(f"no agroal listens on {path}: the one that did is gone")


def test_a_socket_of_somebody_else_says_who_may(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # a test that runs as root can't provoke it

    monkeypatch.setattr(socket.socket, "connect", refuse)
    error = failure(path)
    assert (error.code, str(error)) == (
        "cannot-connect",
        f"{path} may not be opened: run this as the user that runs agroal",
    )


def test_a_full_backlog_is_a_busy_daemon(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        error = failure(path, timeout=0.01)
    assert error.code == "cannot-connect"
    assert "does not take the connection" in str(error)


def test_a_path_too_long_for_a_socket_is_said(path: Path) -> None:
    error = failure(path / ("x" * 120))
    assert error.code == "cannot-connect"
    assert "too long" in str(error)


def test_a_daemon_that_does_not_answer_is_given_up(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        error = failure(path, timeout=0.01)
    assert (error.code, str(error)) == ("timeout", "agroal did not answer “ping” within 0.01 s")


def test_a_daemon_that_hangs_up_is_said(path: Path) -> None:
    with playing(path, None, b"\0\0"):
        error = failure(path)
    assert error.code == "connection-lost"


def test_a_reason_is_read_even_when_the_daemon_hung_up_before_it_was_asked(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with ManagementClient(path) as client:
            with listener.accept()[0] as connection:
                connection.sendall(encode_answer(Answer(None, Failure("busy", "16 programs are connected"))))
            with pytest.raises(ManagementError, match="16 programs are connected") as caught:
                client.call("ping")
    assert caught.value.code == "busy"


@pytest.mark.parametrize(
    "answer",
    [framed(b"{}"), framed(b"\xff"), encode_answer(Answer(2, {})), encode_answer(Answer(None, {}))],
    ids=["no answer", "no json", "the answer to another request", "the answer to no request"],
)
def test_an_answer_that_is_none_is_said(path: Path, answer: bytes) -> None:
    with playing(path, None, answer):
        error = failure(path)
    assert error.code == "malformed"


def test_an_answer_beyond_the_bound_is_not_read(path: Path) -> None:
    with playing(path, None, (MAX_ANSWER + 1).to_bytes(4, "big")):
        error = failure(path)
    assert error.code == "too-long"
