from __future__ import annotations

import socket
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

import pytest

from agroal.net.interfaces import interfaces

IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000021122fffe334455 02 40 20 80     eth0
20010db8000000000000000000000007 02 30 00 00     eth0
short line
"""


@pytest.fixture
def no_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nameindex", list)


@pytest.mark.usefixtures("no_ipv4")
def test_ipv6_addresses_come_with_their_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: IF_INET6 if path == Path("/proc/net/if_inet6") else "")
    assert interfaces() == (
        IPv6Interface("::1/128"),
        IPv6Interface("fe80::211:22ff:fe33:4455/64"),
        IPv6Interface("2001:db8::7/48"),
    )


@pytest.mark.usefixtures("no_ipv4")
def test_a_machine_without_ipv6_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert interfaces() == ()


def test_the_loopback_interface_is_among_them() -> None:
    assert IPv4Interface("127.0.0.1/8") in interfaces()


def test_an_interface_without_an_address_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = interfaces()
    real = socket.if_nameindex()
    monkeypatch.setattr(socket, "if_nameindex", lambda: [*real, (99, "no-such-device0")])
    assert interfaces() == everything
