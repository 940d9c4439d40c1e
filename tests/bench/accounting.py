"""What processes use, as /proc tells it. Pools that fork for each client count with all their children."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from agroal.demo.instance import cpu_time

_PROC = Path("/proc")


def family(pid: int, proc: Path = _PROC) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    try:
        children = [int(child) for task in (proc / str(pid)).glob("task/*/children") for child in _words(task)]
    except OSError:
        return  # it ended while we looked
    for child in children:
        yield from family(child, proc)


def cpu_of_family(pid: int) -> float | None:
    """Seconds of CPU time of a process, its descendants, and those of its children that have ended.

    Of the living to the nanosecond, of the ended to the clock tick. None where there is no /proc.
    """
    own = cpu_time(pid)
    if own is None:
        return None
    living = sum(_cpu_or_nothing(child) for child in family(pid) if child != pid)
    return own + living + ended_children((_PROC / str(pid) / "stat").read_text()) / os.sysconf("SC_CLK_TCK")


def ended_children(stat: str) -> int:
    """Clock ticks of the children that a process has waited for: words 16 and 17 of its `stat` (proc(5))."""
    words = stat.rpartition(")")[2].split()
    return int(words[13]) + int(words[14])


def rss_of_family(pid: int, proc: Path = _PROC) -> int | None:
    """Kilobytes resident. Pages that processes share count for each of them. None where there is no /proc."""
    sizes = [size for member in family(pid, proc) if (size := _rss(proc / str(member) / "status")) is not None]
    return sum(sizes) if sizes else None


def _words(task: Path) -> list[str]:
    """None of a thread that has ended."""
    try:
        return task.read_text().split()
    except OSError:
        return []


def _rss(status: Path) -> int | None:
    try:
        text = status.read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")), None)


def _cpu_or_nothing(pid: int) -> float:
    try:
        return cpu_time(pid) or 0.0
    except OSError:
        return 0.0
