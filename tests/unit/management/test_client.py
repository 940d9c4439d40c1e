from __future__ import annotations

import socket
import threading
import time
from itertools import islice
from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management import client as client_module
from agroal.management.client import Done, ManagementClient, socket_path
from agroal.management.snapshot import Snapshot
from agroal.management.wire import MAX_ANSWER, Answer, Failure, Push, encode_answer, encode_push
from tests.unit.management.fake import FakeControls, framed
from tests.unit.management.running import playing, running
from tests.unit.management.sample import snapshot
from tests.unit.management.visiting import no_time


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


def test_a_client_can_ask_for_a_dry_run(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls), ManagementClient(path) as client:
        done = client.ask("kill", {"client": 7}, dry_run=True)
    assert (done.dry_run, done.repeated, done.result["user"]) == (True, False, "web")
    assert controls.done == []


def test_a_request_is_repeated_on_another_connection_without_harm(path: Path) -> None:
    controls = FakeControls()
    with running(path, controls):
        with ManagementClient(path) as client:
            first = client.ask("kill", {"client": 7}, key="k")
        with ManagementClient(path) as client:
            second = client.ask("kill", {"client": 7}, key="k")
    assert controls.done == [("kill", 7)]
    assert (first.repeated, second.repeated) == (False, True)
    assert first.result == second.result


def test_the_time_it_took_is_known_unless_an_earlier_daemon_does_not_say(path: Path) -> None:
    with running(path, FakeControls()), ManagementClient(path) as client:
        assert client.ask("hello").took_us == 0
    earlier = path.with_name("earlier")
    answer = framed(b'{"v":1,"id":1,"ok":true,"result":{}}')
    with playing(earlier, None, answer), ManagementClient(earlier) as client:
        assert client.ask("hello") == Done({}, None, dry_run=False, repeated=False)


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


# -- subscriptions


def test_a_subscription_is_a_stream_of_pushes(path: Path) -> None:
    with running(path, FakeControls(), sleep=no_time), ManagementClient(path) as client:
        pushes = list(islice(client.subscribe("snapshot", "events", after=0), 3))
    assert [push.topic for push in pushes] == ["snapshot", "events", "snapshot"]
    assert Snapshot.from_json(pushes[0].result) == snapshot()


def test_between_two_pushes_a_client_may_ask(path: Path) -> None:
    push = encode_push(Push(1, "events", {"events": []}, 0))
    last = encode_push(Push(1, "events", {"events": []}, 3))
    parts = (None, encode_answer(Answer(1, {})) + push, None, push + encode_answer(Answer(2, {})) + last)
    with playing(path, *parts), ManagementClient(path) as client:
        pushes = client.subscribe("events")
        assert next(pushes).skipped == 0
        assert client.call("ping") == {}
        assert [next(pushes).skipped, next(pushes).skipped] == [0, 3]


def test_whoever_asks_may_hear_what_is_pushed_meanwhile(path: Path) -> None:
    push = encode_push(Push(1, "events", {"events": []}, 3))
    parts = (None, push + encode_answer(Answer(1, {})) + push, None, encode_answer(Answer(2, {})))
    heard: list[Push] = []
    with playing(path, *parts), ManagementClient(path) as client:
        client.ask("pause", {"timeout": 30.0}, heard=heard.append)
        assert [one.skipped for one in heard] == [3]
        client.ask("ping")
        assert len(heard) == 1, "what comes later is for a subscription"


def test_an_answer_may_be_given_more_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with playing(path, None), ManagementClient(path, timeout=0.001) as client:
        patience: list[float] = []
        monkeypatch.setattr(client, "_answer", lambda deadline, heard: patience.append(deadline) or Answer(1, {}))
        began = time.monotonic()
        client.ask("pause", patience=1000.0)
        assert patience[0] - began > 1000.0


def test_a_second_subscription_gets_nothing_of_the_first(path: Path) -> None:
    old, new = (encode_push(Push(id, "events", {}, 0)) for id in (1, 2))
    parts = (None, encode_answer(Answer(1, {})) + old, None, old + encode_answer(Answer(2, {})) + new)
    with playing(path, *parts), ManagementClient(path) as client:
        assert next(client.subscribe("events")).id == 1
        assert next(client.subscribe("events")).id == 2


def test_a_subscription_that_is_refused_raises(path: Path) -> None:
    with running(path, FakeControls()), ManagementClient(path) as client:
        with pytest.raises(ManagementError) as caught:
            next(client.subscribe("weather"))
        assert caught.value.code == "bad-argument"
        with pytest.raises(ManagementError):
            next(client.subscribe("snapshot", interval=0.1))


def test_snapshots_that_do_not_come_are_missed(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with ManagementClient(path, timeout=0.01) as client, listener.accept()[0] as daemon:
            daemon.sendall(encode_answer(Answer(1, {})))
            with pytest.raises(ManagementError, match="agroal sends no more snapshots") as caught:
                next(client.subscribe("snapshot", interval=0))
    assert caught.value.code == "timeout"


def test_a_daemon_that_ends_ends_the_stream(path: Path) -> None:
    with (
        playing(path, None, encode_answer(Answer(1, {}))),
        ManagementClient(path) as client,
        pytest.raises(ManagementError) as caught,
    ):
        next(client.subscribe("events"))
    assert caught.value.code == "connection-lost"


def test_an_answer_in_the_stream_that_nobody_asked_for_is_said(path: Path) -> None:
    with (
        playing(path, None, encode_answer(Answer(1, {})) * 2),
        ManagementClient(path) as client,
        pytest.raises(ManagementError, match="an answer came that nobody asked for"),
    ):
        next(client.subscribe("events"))


def test_another_thread_can_end_the_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()

    class Telling(socket.socket):
        def recv(self, *args: int) -> bytes:
            waiting.set()
            return super().recv(*args)

    def close() -> None:
        waiting.wait()
        client.close()

    monkeypatch.setattr("agroal.management.client.socket.socket", Telling)
    with running(path, FakeControls()), ManagementClient(path) as client:
        stream = client.subscribe("snapshot", "events", interval=3600, after=0)
        assert [next(stream).topic, next(stream).topic] == ["snapshot", "events"]
        waiting.clear()
        other = threading.Thread(target=close)
        other.start()
        with pytest.raises(ManagementError) as caught:
            next(stream)
        other.join()
    assert caught.value.code == "connection-lost"


def test_what_a_program_with_its_own_loop_needs_is_named_here() -> None:
    assert {"Decoder", "MAX_ANSWER", "Request", "encode_request", "decode_reply", "Event", "neutral"} < set(
        client_module.__all__
    )
    assert [name for name in client_module.__all__ if not hasattr(client_module, name)] == []
