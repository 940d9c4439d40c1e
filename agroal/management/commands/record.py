"""`record dump`: what the flight recorder has kept is written to a file."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.management.controls import Call
from agroal.management.dump import Dump
from agroal.management.phrases import amount, are, counted
from agroal.management.times import duration


async def dump(call: Call, name: str = "") -> Dump:
    return await call.controls.record(name, dry_run=call.dry_run)


def text(dumped: Dump, dry_run: bool) -> Iterator[str]:
    size = f"{amount(dumped.bytes)} in memory" if dry_run else amount(dumped.bytes)
    yield f"the last {duration(dumped.span_us)} {are(2, dry_run)} in {dumped.path} ({size})"
    seen = counted(dumped.frames, "picture"), counted(dumped.events, "event"), counted(dumped.lines, "log line")
    yield f"{', '.join(seen)}; agroal-top --replay FILE shows them"
