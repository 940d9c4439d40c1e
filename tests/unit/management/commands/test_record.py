from __future__ import annotations

import asyncio

import pytest

from agroal.errors import ManagementError
from agroal.management.commands import record
from agroal.management.controls import Call, Role
from agroal.management.dump import Dump
from tests.unit.management.fake import FakeControls

DUMPED = Dump("/run/agroal/incident.agrec", 1_200_000, 1_790_000_000, 1791, 1, 3)


def test_the_record_goes_to_the_file_of_that_name() -> None:
    controls = FakeControls()
    assert asyncio.run(record.dump(Call(controls, Role.ADMIN), "incident")) == DUMPED
    assert controls.done == [("record", "incident")]


def test_without_a_name_the_daemon_has_one() -> None:
    controls = FakeControls()
    asyncio.run(record.dump(Call(controls, Role.ADMIN)))
    assert controls.done == [("record", "")]


def test_a_dry_run_writes_nothing() -> None:
    controls = FakeControls()
    assert asyncio.run(record.dump(Call(controls, Role.ADMIN, dry_run=True), "incident")) == DUMPED
    assert controls.done == []


def test_what_can_not_be_is_said() -> None:
    with pytest.raises(ManagementError, match="without a directory"):
        asyncio.run(record.dump(Call(FakeControls(), Role.ADMIN), "../incident"))


@pytest.mark.parametrize(
    ("dry_run", "lines"),
    [
        (
            False,
            [
                "the last 29m50s are in /run/agroal/incident.agrec (1.2 MB)",
                "1791 pictures, 1 event, 3 log lines; agroal-top --replay FILE shows them",
            ],
        ),
        (
            True,
            [
                "the last 29m50s would be in /run/agroal/incident.agrec (1.2 MB in memory)",
                "1791 pictures, 1 event, 3 log lines; agroal-top --replay FILE shows them",
            ],
        ),
    ],
)
def test_a_record_reads(dry_run: bool, lines: list[str]) -> None:
    assert list(record.text(DUMPED, dry_run)) == lines
