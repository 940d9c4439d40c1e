from __future__ import annotations

import asyncio

import pytest

from agroal.management.commands import switch
from agroal.management.commands.switch import Switch
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls


def test_a_database_is_disabled_and_enabled() -> None:
    controls = FakeControls()
    call = Call(controls, Role.ADMIN)
    assert asyncio.run(switch.disable(call, "shop")) == Switch("shop", False, ("shop",), 2)
    assert asyncio.run(switch.enable(call, "all")) == Switch(None, True, ("shop",), 2)
    assert controls.done == [("switch", "shop", False), ("switch", None, True)]


def test_a_dry_run_switches_nothing() -> None:
    controls = FakeControls()
    asyncio.run(switch.disable(Call(controls, Role.ADMIN, dry_run=True)))
    assert controls.done == []


@pytest.mark.parametrize(
    ("answer", "line", "dry"),
    [
        (
            Switch("shop", False, ("shop",), 2),
            "shop: new clients are refused; 2 clients connected now may go on",
            "shop: new clients would be refused; 2 clients connected now would go on",
        ),
        (
            Switch(None, False, ("all",), 0),
            "all databases: new clients are refused",
            "all databases: new clients would be refused",
        ),
        (
            Switch(None, True, ("all", "shop"), 1),
            "all databases: new clients are let in again",
            "all databases: new clients would be let in again",
        ),
        (
            Switch("shop", True, (), 2),
            "shop: enabled already, nothing changes",
            "shop: enabled already, nothing would change",
        ),
        (
            Switch(None, False, (), 0),
            "all databases: disabled already, nothing changes",
            "all databases: disabled already, nothing would change",
        ),
    ],
)
def test_a_switch_reads(answer: Switch, line: str, dry: str) -> None:
    assert list(switch.text(answer, dry_run=False)) == [line]
    assert list(switch.text(answer, dry_run=True)) == [dry]
