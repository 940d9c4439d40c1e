"""What was done to the daemon from here, with the command that does the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agroal_top import format
from agroal_top.views.text import Part, Tone


@dataclass(frozen=True, slots=True)
class Done:
    wall: str
    """The daemon's, RFC 3339"""
    command: str
    """As it is typed for agroal-cli."""
    outcome: str
    fine: bool


def lines(done: Iterable[Done]) -> list[list[Part]]:
    found = [
        [
            Part(format.clock(one.wall) + " ", Tone.DIM),
            Part(one.command, Tone.ACCENT),
            Part(f"  {one.outcome}", Tone.PLAIN if one.fine else Tone.ERROR),
        ]
        for one in done
    ]
    return found or [[Part("nothing was done from here", Tone.DIM)]]


def file_line(done: Done) -> str:
    """A line of the action log."""
    return f"{done.wall} {done.command} # {'done' if done.fine else 'FAILED'}: {done.outcome}\n"
