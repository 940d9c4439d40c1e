"""The lines above every page: who is looked at and how it is, the pages, and the banner when something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from agroal_top import format
from agroal_top.alerts import Kind
from agroal_top.keymap import PAGES
from agroal_top.model import Model
from agroal_top.views.text import Part, Tone, spread, width

WIDE = 100
"""Columns from which on titles are written out."""


@dataclass(frozen=True, slots=True)
class View:
    """What of the dashboard itself the lines speak of."""

    source: str
    read_only: bool
    interval: float
    paused: bool
    now: float
    """On the clock of the model."""
    recorded: int | None = None
    """Octets of the recording that is made; None when none is."""


def instance(source: str) -> str:
    """The name that is shown and has to be typed: `agroal:2346` for its Unix socket, else the file's."""
    name = PurePath(source).name or source
    return f"agroal:{name.removeprefix('.s.agroal.')}" if name.startswith(".s.agroal.") else name


def status_line(model: Model, view: View, columns: int) -> list[Part]:
    latest = model.latest
    status = latest.status if latest else ""
    state = {
        "live": Part(f"● {status.upper()}", Tone.OK if status == "running" else Tone.WARN),
        "connecting": Part("○ CONNECTING", Tone.ACCENT),
        "stale": Part("◌ STALE", Tone.WARN),
        "lost": Part("✗ LOST", Tone.ERROR),
    }[model.state]
    left = [Part(" agroal-top ", Tone.STRONG), state, Part("  ")]
    if view.read_only:
        left.append(Part("RO  ", Tone.WARN))
    left.append(Part(instance(view.source), Tone.ACCENT))
    right = [Part(f"{'every ' if columns >= WIDE else ''}{view.interval:g}s  ", Tone.DIM)]
    if view.recorded is not None:
        size = f" {format.amount(view.recorded)}" if columns >= WIDE else ""
        right.insert(0, Part(f"●REC{size}  ", Tone.ERROR))
    if view.paused:
        right.insert(0, Part("⏸ PAUSED  ", Tone.WARN))
    spare: list[Part] = []
    if latest is not None:
        left.append(Part(f" {'up ' if columns >= WIDE else ''}{format.duration(latest.mono_us - latest.started_us)}"))
        if columns >= WIDE:
            spare = [Part(f"  instance {latest.instance_id}", Tone.DIM), Part(f"  agroal {latest.version}", Tone.DIM)]
        right.append(Part(latest.wall[11:19] + " "))
    while spare and width([*left, *spare, *right]) >= columns:
        spare.pop()
    return spread([*left, *spare], right, columns)


_PAGE_OF = {
    Kind.SERVER_DOWN: "servers",
    Kind.POOL_FAILING: "pools",
    Kind.CERTIFICATE: "security",
    Kind.PENDING_RESTART: "config",
    Kind.LOG_ERRORS: "log",
}


def attention(model: Model) -> dict[str, Part]:
    """The marks that say on which pages something is to be seen."""
    marks: dict[str, Part] = {}
    for alert in model.alerts:  # the gravest first
        if page := _PAGE_OF.get(alert.kind):
            marks.setdefault(page, Part("!", Tone.ERROR if alert.level == "error" else Tone.WARN))
    if model.latest is not None and (waiting := len(model.latest.waiters)):
        marks["waits"] = Part(f"⚠{waiting}", Tone.WARN)
    return marks


def navigation(model: Model, current: str, columns: int) -> list[tuple[str, list[Part]]]:
    """For each page its name and what is written for it; joined they are the line."""
    marks, wide = attention(model), columns >= WIDE
    entries = []
    for number, (name, title, short) in enumerate(PAGES, start=1):
        tone = Tone.ACCENT if name == current else Tone.PLAIN
        parts = [Part(f" {number % 10}", Tone.DIM), Part(f" {title if wide else short}", tone)]
        if name == current:
            parts[0] = Part("▌" + str(number % 10), Tone.ACCENT)
            parts[1] = Part(parts[1].text, Tone.STRONG)
        if name in marks:
            parts += [Part(" "), marks[name]] if wide else [marks[name]]
        entries.append((name, [*parts, Part(" " if wide else "")]))
    return entries


def banner(model: Model, view: View) -> list[Part]:
    """Nothing, or why the page below must not be taken for the present."""
    if model.state == "lost":
        return _lost(model, view)
    if model.state == "connecting" and model.latest is None:
        return [Part(f" connecting to {view.source} …", Tone.ACCENT)]
    if model.state == "stale":
        return [Part(" ◌ STALE · agroal has not answered for three intervals · data frozen", Tone.WARN)]
    latest = model.latest
    if latest is not None and latest.status != "running":
        left = format.number(len(latest.clients))
        return [Part(f" ⏻ SHUTTING DOWN ({latest.status}) · {left} clients left · S → take it back", Tone.WARN)]
    if view.paused:
        return [Part(" ⏸ PAUSED · the picture stands still, counting goes on · space = go on", Tone.WARN)]
    return []


def _lost(model: Model, view: View) -> list[Part]:
    wait = " · r = try again"
    if model.retry_at is not None:
        wait = f" · try {model.retries + 1} in {max(0.0, model.retry_at - view.now):.0f} s · r = now"
    frozen = " · data frozen" if model.latest else ""
    return [Part(f" ✗ LOST{wait}{frozen} · {model.cause}", Tone.ERROR)]


def notice(text: str) -> list[list[Part]]:
    """One line that asks for attention."""
    return [[Part(text, Tone.WARN)]]
