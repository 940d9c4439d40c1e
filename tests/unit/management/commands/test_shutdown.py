from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import shutdown
from agroal.management.commands.shutdown import Shutdown
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls


def test_a_graceful_end_waits_as_long_as_it_is_told() -> None:
    controls = FakeControls()
    answer = asyncio.run(shutdown.gracefully(Call(controls, Role.ADMIN), timeout=30))
    assert answer == Shutdown("gracefully", 30_000_000, 2)
    assert controls.shutdowns == [("gracefully", 30)]


def test_a_graceful_end_waits_by_default_as_long_as_is_configured() -> None:
    assert asyncio.run(shutdown.gracefully(Call(FakeControls(), Role.ADMIN))) == Shutdown("gracefully", 60_000_000, 2)


def test_a_graceful_end_may_wait_without_end() -> None:
    assert asyncio.run(shutdown.gracefully(Call(FakeControls(), Role.ADMIN), timeout=0)) == Shutdown(
        "gracefully", None, 2
    )


def test_an_immediate_end_waits_for_nobody() -> None:
    controls = FakeControls()
    assert asyncio.run(shutdown.immediate(Call(controls, Role.ADMIN))) == Shutdown("immediate", None, 2)
    assert controls.shutdowns == [("immediate", None)]


def test_a_graceful_end_can_be_taken_back() -> None:
    controls = FakeControls()
    asyncio.run(shutdown.gracefully(Call(controls, Role.ADMIN)))
    assert asyncio.run(shutdown.cancel(Call(controls, Role.ADMIN))) == Shutdown("cancel", None, 2)
    assert controls.shutdowns[-1] == ("cancel", None)


def test_there_must_be_something_to_take_back() -> None:
    with pytest.raises(ManagementError, match="there is no shutdown to take back"):
        asyncio.run(shutdown.cancel(Call(FakeControls(), Role.ADMIN)))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            Shutdown("gracefully", 30_000_000, 2),
            "agroal takes no new clients and stops when the last of 2 clients has gone, in 30.0 s at the latest",
        ),
        (
            Shutdown("gracefully", None, 1),
            "agroal takes no new clients and stops when the last of 1 client has gone",
        ),
        (Shutdown("immediate", None, 1), "agroal stops now: 1 client cut off"),
        (Shutdown("cancel", None, 2), "the shutdown is taken back: agroal takes new clients again"),
    ],
)
def test_a_shutdown_reads(answer: Shutdown, line: str) -> None:
    assert list(shutdown.text(answer, dry_run=False)) == [line]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            Shutdown("gracefully", 30_000_000, 2),
            "agroal would take no new clients and stop when the last of 2 clients has gone, in 30.0 s at the latest",
        ),
        (Shutdown("immediate", None, 1), "agroal would stop now: 1 client cut off"),
        (Shutdown("cancel", None, 2), "the shutdown would be taken back: agroal would take new clients again"),
    ],
)
def test_a_dry_run_reads(answer: Shutdown, line: str) -> None:
    assert list(shutdown.text(answer, dry_run=True)) == [line]
