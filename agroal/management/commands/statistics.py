"""`clear statistics`: what was counted is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.controls import Call
from agroal.management.phrases import counted
from agroal.management.record import Record


@dataclass(frozen=True, slots=True)
class Cleared(Record):
    pools: int


async def clear(call: Call) -> Cleared:
    return Cleared(call.controls.clear_statistics(dry_run=call.dry_run))


def text(cleared: Cleared, dry_run: bool) -> Iterator[str]:
    anew = "would begin anew" if dry_run else "begin anew"
    yield f"the totals and histograms of agroal and {counted(cleared.pools, 'pool')} {anew}"
