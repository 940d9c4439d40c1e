"""agroal-cli -h: an agroal in the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agroal.cli import main
from tests.certificates import Authority
from tests.unit.management.door import EYE, OPS, FakeDoor, door_open, offer_of
from tests.unit.management.fake import FakeControls

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def controls() -> FakeControls:
    return FakeControls()


@pytest.fixture
def port(authority: Authority, controls: FakeControls, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of an agroal with TLS; AGROAL_PASSWORD is that of `ops`."""
    monkeypatch.setenv("AGROAL_PASSWORD", OPS)
    with door_open(FakeDoor(offer=offer_of(authority.issue("agroal"))), controls) as port:
        yield str(port)


@pytest.mark.parametrize("mode", [[], ["--tls-mode", "require"], ["--tls-mode", "disable"]])
def test_it_is_asked_as_at_its_socket(port: str, controls: FakeControls, capsys: Output, mode: list[str]) -> None:
    assert main(["-h", "127.0.0.1", "-p", port, "-U", "ops", *mode, "-F", "json", "flush", "all", "shop"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verb"], answer["ok"]) == ("flush all", True)
    assert controls.done == [("flush", "all", "shop", None)]


def test_an_authority_makes_sure_that_it_is_the_right_one(
    port: str, authority: Authority, tmp_path: Path, capsys: Output
) -> None:
    there = ["-h", "localhost", "-p", port, "-U", "ops", "status"]
    assert main([*there, "--ca", str(authority.ca_file)]) == 0
    capsys.readouterr()
    assert main([*there, "--ca", str(Authority(tmp_path).ca_file)]) == 1
    assert "its certificate is not trusted" in capsys.readouterr().err


def test_a_monitor_is_refused_what_changes_something(
    port: str, controls: FakeControls, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGROAL_PASSWORD", EYE)
    there = ["-h", "127.0.0.1", "-p", port, "-U", "eye"]
    assert main([*there, "status"]) == 0
    capsys.readouterr()
    assert main([*there, "-F", "json", "shutdown", "immediate"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "forbidden"
    assert controls.shutdowns == []


def test_a_wrong_password_is_status_1(port: str, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGROAL_PASSWORD", "wrong")
    assert main(["-h", "127.0.0.1", "-p", port, "-U", "ops", "status"]) == 1
    assert capsys.readouterr().err == 'agroal-cli: password authentication failed for user "ops"\n'


def test_without_a_user_it_is_who_runs_it(port: str, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ops")
    assert main(["-h", "127.0.0.1", "-p", port, "-v", "ping"]) == 1  # a server is down
    assert f"asked agroal://ops@127.0.0.1:{port} for “ping”" in capsys.readouterr().err


def test_somebody_has_to_ask(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal.cli.own_name", lambda: "")
    assert main(["-h", "there", "-p", "1", "ping"]) == 2
    assert "-U NAME is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["-h", "there"], "-h goes with -p PORT"),
        (["-p", "1"], "-p goes with -h HOST"),
        (["-U", "ops"], "-U goes with -h HOST"),
        (["--tls-mode", "require"], "--tls-mode goes with -h HOST"),
        (["--ca", "x"], "--ca goes with -h HOST"),
        (["--cert", "x"], "--cert goes with -h HOST"),
        (["--key", "x"], "--key goes with -h HOST"),
        (["-h", "there", "-p", "1", "--tls-mode", "require", "--ca", "x"], "a ca is for verify-full"),
    ],
)
def test_options_that_do_not_go_together_are_status_2(options: list[str], why: str, capsys: Output) -> None:
    assert main([*options, "ping"]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["-h", "there", "-p", "0"],
        ["-h", "there", "-p", "65536"],
        ["-h", "there", "-p", "x"],
        ["-h", "there", "-D", "x", "-p", "1"],
        ["-h", "there", "--socket", "x", "-p", "1"],
        ["-h", "there", "-p", "1", "--tls-mode", "prefer"],
    ],
)
def test_what_the_parser_does_not_take_is_status_2(options: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*options, "ping"])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
