from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from agroal.auth.scram import MECHANISM
from agroal.config.model import Method
from agroal.errors import ManagementError
from agroal.management.address import Remote, TlsMode
from agroal.management.client import ManagementClient
from agroal.management.reach import dial
from agroal.management.wire import Answer, encode_answer
from tests.certificates import Authority
from tests.unit.management.door import LINE, OPS, FakeDoor, door_open, offer_of
from tests.unit.management.fake import FakeControls


@pytest.fixture
def door(authority: Authority) -> FakeDoor:
    return FakeDoor(offer=offer_of(authority.issue("agroal")))


def remote(port: int, **how: object) -> Remote:
    return replace(Remote("127.0.0.1", port, "ops", OPS), **how)  # type: ignore[arg-type]


def hello(where: Remote) -> str:
    with ManagementClient(where) as client:
        return str(client.call("hello")["role"])


def failure(where: Remote) -> tuple[str, str]:
    with pytest.raises(ManagementError) as caught:
        hello(where)
    return caught.value.code, str(caught.value)


def test_it_is_asked_with_and_without_tls(door: FakeDoor, authority: Authority) -> None:
    verified = {"host": "localhost", "tls_mode": TlsMode.VERIFY_FULL, "ca": authority.ca_file}
    with door_open(door, FakeControls()) as port:
        assert hello(remote(port, tls_mode=TlsMode.DISABLE)) == "admin"
        assert hello(remote(port)) == "admin"
        assert hello(remote(port, **verified)) == "admin"
    assert [encrypted for _, _, encrypted in door.asked] == [False, True, True]


def test_pushes_come_over_tls(door: FakeDoor) -> None:
    with door_open(door, FakeControls()) as port, ManagementClient(remote(port)) as client:
        pushes = list(islice(client.subscribe("snapshot", interval=0.2), 2))
    assert [push.topic for push in pushes] == ["snapshot", "snapshot"]


def test_a_certificate_of_ours_is_shown(authority: Authority) -> None:
    offer = offer_of(authority.issue("agroal"), authority)
    door = FakeDoor(offer=offer, hba=replace(LINE, method=Method.CERT))
    mine = authority.issue("ops")
    with door_open(door, FakeControls()) as port:
        verified = remote(port, password=None, tls_mode=TlsMode.VERIFY_FULL, ca=authority.ca_file)
        assert hello(replace(verified, cert=mine.cert_file, key=mine.key_file)) == "admin"


def test_a_certificate_that_nobody_trusts_ends_it_before_a_word_is_said(door: FakeDoor, tmp_path: Path) -> None:
    with door_open(door, FakeControls()) as port:
        code, why = failure(remote(port, tls_mode=TlsMode.VERIFY_FULL, ca=Authority(tmp_path).ca_file))
        assert (code, "its certificate is not trusted" in why) == ("cannot-connect", True)
        assert failure(remote(port, tls_mode=TlsMode.VERIFY_FULL))[0] == "cannot-connect"
    assert door.asked == []


def test_where_there_is_no_tls_it_is_said_how_to_go_without() -> None:
    with door_open(FakeDoor(), FakeControls()) as port:
        code, why = failure(remote(port))
    assert (code, why.endswith("; tls-mode disable asks without")) == ("cannot-connect", True)


def test_where_nobody_listens_that_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    code, why = failure(remote(port))
    assert (code, why) == ("cannot-connect", f"can't ask agroal://ops@127.0.0.1:{port}: Connection refused")


def test_files_that_can_not_be_used_are_named_before_anything_is_dialled(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    with pytest.raises(ManagementError, match=f"{nothing} can't be used: No such file") as caught:
        dial(remote(1, tls_mode=TlsMode.VERIFY_FULL, ca=nothing), 1.0)
    assert caught.value.code == "configuration"
    with pytest.raises(ManagementError, match="can't be used"):
        dial(remote(1, cert=nothing, key=nothing), 1.0)


@contextmanager
def impostor(*results: dict[str, object]) -> Iterator[int]:
    """Answers so, whatever it is asked, and hangs up."""

    def play() -> None:
        connection, _ = listener.accept()
        with connection:
            for number, result in enumerate(results, 1):
                connection.recv(1 << 16)
                connection.sendall(encode_answer(Answer(number, result)))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=play)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    "results",
    [
        [{"user": "ops", "role": "admin"}],
        [{"mechanisms": [MECHANISM]}, {"data": "v=AAAA", "role": "admin"}],
    ],
)
def test_an_impostor_is_told_no_verb(results: list[dict[str, object]]) -> None:
    with impostor(*results) as port:
        assert failure(remote(port, tls_mode=TlsMode.DISABLE))[0] == "denied"


def test_who_hangs_up_before_we_are_in_is_a_lost_connection() -> None:
    with impostor() as port:
        assert failure(remote(port, tls_mode=TlsMode.DISABLE))[0] == "connection-lost"
