"""Time in the protocol: integer microseconds on the daemon's monotonic clock, and RFC 3339 in UTC on the wall's."""

from __future__ import annotations

from datetime import UTC, datetime


def microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def wall_time(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-22T12:04:15.120Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(microseconds: int) -> str:
    """For people: `0.4 ms`, `12.3 s`, `4m10s`, `3h04m`, `3d04h`."""
    seconds = microseconds / 1_000_000
    if seconds < 0.9995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"
