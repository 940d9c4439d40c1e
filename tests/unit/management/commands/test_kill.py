from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import kill
from agroal.management.controls import Call, Killed, Role
from tests.unit.management.fake import FakeControls

KILLED = Killed(7, "web", "shop", "10.0.3.7:51422", "active")


def test_one_client_is_ended() -> None:
    controls = FakeControls()
    assert asyncio.run(kill.execute(Call(controls, Role.ADMIN), 7)) == KILLED
    assert controls.done == [("kill", 7)]


def test_a_dry_run_says_whom_it_would_have_been() -> None:
    controls = FakeControls()
    assert asyncio.run(kill.execute(Call(controls, Role.ADMIN, dry_run=True), 7)) == KILLED
    assert controls.done == []


def test_a_client_that_is_not_there_is_refused() -> None:
    with pytest.raises(ManagementError, match="there is no client 99"):
        asyncio.run(kill.execute(Call(FakeControls(), Role.ADMIN), 99))


@pytest.mark.parametrize(
    ("dry_run", "line"),
    [
        (False, "client 7 (web@shop from 10.0.3.7:51422, active) is disconnected"),
        (True, "client 7 (web@shop from 10.0.3.7:51422, active) would be disconnected"),
    ],
)
def test_an_end_reads(dry_run: bool, line: str) -> None:
    assert list(kill.text(KILLED, dry_run)) == [line]


def test_a_client_that_has_not_said_who_it_is_reads() -> None:
    assert list(kill.text(Killed(9, "", "", "10.0.3.7:1", "auth"), dry_run=False)) == [
        "client 9 (?@? from 10.0.3.7:1, auth) is disconnected"
    ]
