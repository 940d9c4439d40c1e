"""An agroal in the network, as the dashboard sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top.live import LiveSource
from agroal_top.source import Denied, LookingOnly, Lost

from agroal.management.address import Remote, TlsMode
from agroal.management.controls import Role
from agroal.management.snapshot import Snapshot
from tests.unit.management.door import EYE, OPS, FakeDoor, door_open
from tests.unit.management.fake import FakeControls


def remote(port: int) -> Remote:
    return Remote("127.0.0.1", port, "ops", OPS, TlsMode.DISABLE)


def test_it_is_seen_and_commanded() -> None:
    controls = FakeControls()
    with door_open(FakeDoor(), controls) as port:
        source = LiveSource(remote(port))
        assert (source.hello().role, source.read_only) == ("admin", False)
        assert isinstance(next(source.snapshots(60.0)), Snapshot)
        source.command("flush idle", {"database": "shop"})
        assert source.name == f"agroal://ops@127.0.0.1:{port}"
    assert controls.done == [("flush", "idle", "shop", None)]


def test_a_monitor_looks_only() -> None:
    controls = FakeControls()
    with door_open(FakeDoor(), controls) as port:
        source = LiveSource(replace(remote(port), user="eye", password=EYE))
        assert source.hello().role == "monitor"
        assert source.read_only
        assert source.settings()
        with pytest.raises(LookingOnly):
            source.command("flush idle", {})
    assert controls.done == []


def test_who_is_not_let_in_need_not_try_again() -> None:
    with door_open(FakeDoor(), FakeControls()) as port:
        source = LiveSource(replace(remote(port), password="wrong"))
        with pytest.raises(Denied, match="password authentication failed"):
            source.hello()


def test_one_that_is_gone_is_tried_again() -> None:
    with door_open(FakeDoor(), FakeControls()) as port:
        source = LiveSource(remote(port))
        source.hello()
    with pytest.raises(Lost, match="Connection refused"):
        source.hello()
    with door_open(FakeDoor(), FakeControls()) as port:
        assert LiveSource(remote(port)).hello().role == Role.ADMIN
