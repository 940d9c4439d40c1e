"""`hello`: who answers here, since when, and what may be asked. For programs, which say it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management import wire
from agroal.management.controls import Call
from agroal.management.record import Name, Record, Token
from agroal.management.times import duration, microseconds, wall_time

FEATURES = ("subscribe", "events", "log", "conf", "flush", "switch", "pause", "kill", "clear", "dry_run", "key")
"""What may be asked of this daemon; docs/management-protocol.md says what each word means."""


@dataclass(frozen=True, slots=True)
class Hello(Record):
    proto: int
    version: Token
    instance_id: Token
    role: Token
    """What the caller may do: monitor or admin."""
    features: tuple[Name, ...]
    started: Token
    """RFC 3339, UTC"""
    started_us: int
    now_us: int
    """Microseconds on the daemon's monotonic clock, as everywhere in the protocol."""


async def execute(call: Call) -> Hello:
    controls = call.controls
    return Hello(
        proto=wire.VERSION,
        version=controls.version,
        instance_id=controls.instance_id,
        role=call.role or "",
        features=FEATURES,
        started=wall_time(controls.started_wall),
        started_us=microseconds(controls.started_mono),
        now_us=microseconds(controls.now()),
    )


def text(hello: Hello) -> Iterator[str]:
    yield f"agroal {hello.version}, protocol {hello.proto}, instance {hello.instance_id}"
    yield f"up {duration(hello.now_us - hello.started_us)}, since {hello.started}"
