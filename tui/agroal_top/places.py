"""Places in a recording, as people say them.

    12:04  12:04:15                 that time, on the day that is shown
    2026-11-22 12:04                that time on that day
    +90  -30s  +5m  -1h             so far on, or back
    50%                             so much of the whole

Times are the daemon's, in UTC, as the status line shows them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d?):(\d\d)(?::(\d\d))?")
_STEP = re.compile(r"([+-])(\d+(?:\.\d+)?)([smh]?)")
_SHARE = re.compile(r"(\d{1,3})%")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class BadPlace(Exception):
    """Says what was not understood, and what would be."""


def place_of(text: str, walls: Sequence[str], times: Sequence[float], at: int) -> float:
    """Seconds from the beginning: `walls` (RFC 3339) and `times` are of the frames, `at` is the one that is shown.

    What lies before the beginning or after the end is that. Raises BadPlace.
    """
    text = text.strip()
    if found := _STEP.fullmatch(text):
        return times[at] + float(found[1] + found[2]) * _UNITS[found[3]]
    if found := _SHARE.fullmatch(text):
        return times[-1] * min(int(found[1]), 100) / 100
    if found := _TIME.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
        if hours < 24 and minutes < 60 and seconds < 60:
            wanted = f"{found[1] or walls[at][:10]}T{hours:02}:{minutes:02}:{seconds:02}"
            return times[max(0, bisect_right([wall[:19] for wall in walls], wanted) - 1)]
    raise BadPlace(f"“{text}” is no place: 12:04, 12:04:15, 2026-11-22 12:04, +5m, -30s or 50% is")
