"""What was done to the daemon from here, with the command that does the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    wall: str
    """The daemon's, RFC 3339"""
    command: str
    """As it is typed for agroal-cli."""
    outcome: str
    fine: bool


def file_line(done: Done) -> str:
    """A line of the action log."""
    return f"{done.wall} {done.command} # {'done' if done.fine else 'FAILED'}: {done.outcome}\n"
