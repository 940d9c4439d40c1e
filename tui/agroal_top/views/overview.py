"""The figures that stand above everything: how full, who waits, how much, how fast."""

from __future__ import annotations

from agroal.management.client import Event
from agroal.management.snapshot import Snapshot
from agroal_top import format
from agroal_top.model import Model
from agroal_top.rates import Rates
from agroal_top.views.pools import wait_tone
from agroal_top.views.text import Part, Tone


def indicators(model: Model, columns: int) -> list[list[Part]]:
    """Two lines."""
    if (latest := model.latest) is None:
        return [[Part(" no snapshot yet", Tone.DIM)], []]
    wide = columns >= 100
    gap = Part("    " if wide else "  ")
    rates = model.rates()
    first = [Part(" slots "), *_slots(latest, 24 if wide else 10), gap, Part(f"clients {len(latest.clients):,}"), gap]
    first += [*_waiting(latest), gap, *_percentiles(model, wide)]
    return [first, _flow(rates, wide)]


def _slots(latest: Snapshot, columns: int) -> list[Part]:
    active, idle, other = (sum(getattr(pool, name) for pool in latest.pools) for name in ("active", "idle", "other"))
    share = active / latest.max_connections if latest.max_connections else 0
    tone = Tone.ERROR if share >= 1 else Tone.WARN if share >= 0.75 else Tone.OK
    return [
        Part(format.bar((active,), latest.max_connections, columns), tone),
        Part(f" {active}+{idle}" + (f"+{other}" if other else "") + f"/{latest.max_connections}"),
    ]


def _waiting(latest: Snapshot) -> list[Part]:
    waiting = len(latest.waiters)
    if not waiting:
        return [Part("nobody waits", Tone.DIM)]
    oldest = max(latest.mono_us - waiter.since_us for waiter in latest.waiters)
    return [Part(f"wait {waiting} max {format.duration(oldest)}", wait_tone(waiting, oldest))]


def _percentiles(model: Model, wide: bool) -> list[Part]:
    values = "/".join(format.duration(each).replace(" ", "") for each in model.percentiles(None, (50, 95, 99)))
    return [Part(f"{'wait p50/p95/p99' if wide else 'p'} {values}")]


def _flow(rates: Rates | None, wide: bool) -> list[Part]:
    if rates is None:
        return [Part(" rates after the next snapshot", Tone.DIM)]
    gap = Part("    " if wide else "  ")
    parts = [
        Part(f" {'queries' if wide else 'q'} {format.number(rates.qps)}/s"),
        gap,
        Part(f"tx {format.number(rates.tps)}/s"),
        gap,
    ]
    parts += [Part(f"net ↓{format.amount(rates.bytes_in)} ↑{format.amount(rates.bytes_out)}/s"), gap]
    parts += [Part(f"leases {format.number(rates.leases)}/s"), gap]
    for name, value in (("timeouts", rates.timeouts), ("refused", rates.rejected)):
        if value:
            parts += [Part(f"{name} {format.number(value * 60)}/min", Tone.ERROR), gap]
    return parts


def event_line(event: Event) -> list[Part]:
    tone = Tone.WARN if event.level == "warn" else Tone.PLAIN
    return [Part(event.wall[11:19] + " ", Tone.DIM), Part(f"{event.level.upper():5} ", tone), Part(event.text, tone)]


def last_events(model: Model, lines: int) -> list[list[Part]]:
    """The newest, the last one lowest."""
    newest = list(model.events)[-lines:] if lines else []
    return [event_line(event) for event in newest] or [[Part("no event since agroal-top began", Tone.DIM)]]
