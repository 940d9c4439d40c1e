"""How much memory a process takes (Linux)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20


@contextmanager
def bounded(pid: int, most: int = 8 * MIB) -> Iterator[None]:
    """See that the process never takes more than `most` bytes in addition to what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is what it has now
    before = _status(pid, "VmRSS")
    yield
    grown = _status(pid, "VmHWM") - before
    assert grown <= most, f"the process took {grown / MIB:.1f} MiB more, and {most / MIB:.1f} were allowed"


def _status(pid: int, key: str) -> int:
    """A line of /proc/PID/status, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))
