"""The units for systemd: what they name is there, and systemd itself finds nothing wrong with them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agroal.auth.vault import master_key_path
from agroal.daemon.inherited import CLIENTS
from agroal.main import parser
from tests.unit.test_house import ROOT

FOLDER = ROOT / "conf" / "systemd"
NOTIFY_RELOAD = 253
"""The first systemd that knows Type=notify-reload."""
EXPOSURE = 20
"""Tenths, as `systemd-analyze security` counts: below this it says OK."""

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")

Unit = dict[str, dict[str, list[str]]]


def unit(name: str) -> Unit:
    """Section to key to its values, in order."""
    sections: Unit = {}
    for line in (FOLDER / name).read_text().splitlines():
        if match := re.fullmatch(r"\[(\w+)]", line):
            section = sections.setdefault(match[1], {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return sections


def lines(name: str) -> list[list[str]]:
    """The fields of a sysusers.d or tmpfiles.d file."""
    text = (FOLDER / name).read_text()
    return [re.findall(r'"[^"]*"|\S+', line) for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture
def service() -> dict[str, list[str]]:
    return unit("agroal.service")["Service"]


@pytest.fixture
def socket() -> dict[str, list[str]]:
    return unit("agroal.socket")["Socket"]


def test_the_command_line_is_one(service: dict[str, list[str]]) -> None:
    (command,) = service["ExecStart"]
    program, *arguments = command.split()
    assert program == "/opt/agroal/bin/agroal", "where the README installs it"
    options = parser().parse_args(arguments)
    assert (options.directory, options.daemon) == (Path("/etc/agroal"), False)


def test_systemd_is_told_what_agroal_tells_it(service: dict[str, list[str]]) -> None:
    assert (service["Type"], service["NotifyAccess"]) == (["notify-reload"], ["main"])
    assert int(service["WatchdogSec"][0].removesuffix("s")) > 2 * 10, "a loop that is late is not one that hangs"


def test_the_master_key_is_where_only_agroal_looks(service: dict[str, list[str]]) -> None:
    (variable,) = service["Environment"]
    key = master_key_path(dict([variable.split("=")]))
    (mode, owner) = next((line[2], line[3]) for line in lines("agroal.tmpfiles.conf") if line[1] == str(key.parent))
    assert (mode, owner) == ("0700", "agroal")


def test_what_it_writes_is_there_and_its_own(service: dict[str, list[str]]) -> None:
    places = {line[1]: line[3:5] for line in lines("agroal.tmpfiles.conf")}
    assert set(service["ReadWritePaths"][0].split()) <= places.keys()
    assert f"/var/lib/{service['StateDirectory'][0]}" in places
    assert all(owners == ["agroal", "agroal"] for owners in places.values())
    ((kind, name, *_, home, _),) = lines("agroal.sysusers.conf")
    assert (kind, [name], [name]) == ("u", service["User"], service["Group"])
    assert home in places


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("LimitCORE", "0"),
        ("UMask", "0077"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK"),
    ],
)
def test_it_is_confined(service: dict[str, list[str]], key: str, value: str) -> None:
    assert service[key] == [value]


def test_system_calls_are_chosen(service: dict[str, list[str]]) -> None:
    assert service["SystemCallFilter"][0] == "@system-service", "the first one says what is left"
    assert all(one.startswith("~") for one in service["SystemCallFilter"][1:])
    assert "@resources" not in " ".join(service["SystemCallFilter"]), "agroal sets its own limits"


def test_its_sockets_are_those_of_its_configuration(socket: dict[str, list[str]]) -> None:
    text = (ROOT / "conf" / "agroal.conf").read_text()
    (port,) = re.findall(r"^port = (\d+)$", text, re.MULTILINE)[:1]
    assert socket["ListenStream"] == [f"127.0.0.1:{port}", f"/run/agroal/.s.PGSQL.{port}"]
    assert socket["FileDescriptorName"] == [CLIENTS]
    assert "Accept" not in socket, "agroal takes its clients itself"
    assert socket["BindIPv6Only"] == ["ipv6-only"]


@pytest.fixture
def startable(tmp_path: Path) -> list[str]:
    """The units, with a program that is there."""
    paths = []
    for name in ("agroal.service", "agroal.socket"):
        paths.append(tmp_path / name)
        paths[-1].write_text((FOLDER / name).read_text().replace("/opt/agroal/bin/agroal", sys.executable))
    return list(map(str, paths))


@needs_systemd
def test_systemd_finds_nothing_wrong(startable: list[str]) -> None:
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *startable], capture_output=True, text=True, timeout=60, check=False
    )
    found = [line for line in result.stderr.splitlines() if startable[0].rpartition("/")[0] in line or "agroal" in line]
    if version() < NOTIFY_RELOAD:
        found = [line for line in found if "Failed to parse service type, ignoring: notify-reload" not in line]
    assert found == []


@needs_systemd
def test_systemd_finds_it_well_confined(startable: list[str]) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", startable[0]]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout.splitlines()[-1]


def version() -> int:
    text = subprocess.run(
        ["systemd-analyze", "--version"], capture_output=True, text=True, timeout=10, check=True
    ).stdout
    return int(text.split()[1].partition(".")[0])
