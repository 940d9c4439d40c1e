from __future__ import annotations

import asyncio

from agroal.management.commands import statistics
from agroal.management.commands.statistics import Cleared
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls


def test_what_was_counted_is_forgotten() -> None:
    controls = FakeControls()
    assert asyncio.run(statistics.clear(Call(controls, Role.ADMIN))) == Cleared(1)
    assert controls.done == [("clear",)]


def test_a_dry_run_forgets_nothing() -> None:
    controls = FakeControls()
    assert asyncio.run(statistics.clear(Call(controls, Role.ADMIN, dry_run=True))) == Cleared(1)
    assert controls.done == []


def test_it_reads() -> None:
    assert list(statistics.text(Cleared(1), dry_run=False)) == [
        "the totals and histograms of agroal and 1 pool begin anew"
    ]
    assert list(statistics.text(Cleared(3), dry_run=True)) == [
        "the totals and histograms of agroal and 3 pools would begin anew"
    ]
