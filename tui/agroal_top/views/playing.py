"""Where a recording is, as a line."""

from __future__ import annotations

from dataclasses import dataclass

from agroal_top.views.text import Part, Tone

BAR = 24


@dataclass(frozen=True, slots=True)
class Playing:
    wall: str
    """RFC 3339"""
    share: float
    """How much of it is over, from 0 to 1."""
    speed: float
    goes: bool


def line(playing: Playing) -> list[Part]:
    done = round(BAR * playing.share)
    state = "▶ REPLAY" if playing.goes else "⏸ REPLAY"
    return [
        Part(f" {state} {playing.wall[:10]} {playing.wall[11:19]}  ", Tone.ACCENT),
        Part("━" * done, Tone.ACCENT),
        Part("─" * (BAR - done), Tone.DIM),
        Part(f"  {100 * playing.share:.0f}%  ×{playing.speed:g}  ", Tone.ACCENT),
        Part("space , . { } x T n N", Tone.DIM),
    ]
