"""Values as the files spell them: whole numbers, durations, sizes, paths, and the words for yes and no.

Each reader raises ValueError that says what was expected, and never repeats the value: it might be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

BOOLEANS = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}

_MILLISECONDS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_BYTES = {"g": 1 << 30, "m": 1 << 20, "k": 1 << 10, "b": 1}

LONGEST = 520 * 7 * 86_400.0
"""The longest duration in seconds, about ten years. Beyond it a timer means nothing, and some event loops overflow."""

# ASCII: otherwise other scripts' digits count as digits, and IGNORECASE takes U+017F for an s.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,18})[ \t]*(ms|[smhdw])?", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,18})[ \t]*(b|[kmg]b?)?", re.ASCII | re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def names(text: str) -> frozenset[str]:
    """Names separated by commas; blanks around them don't count."""
    return frozenset(name.strip() for name in text.split(",")) - {""}


def integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("expected a whole number")
    return int(text)


def duration(text: str, unit: str = "s") -> float:
    """Seconds. `unit` is what a bare number counts: `s` or `ms`."""
    match = _DURATION.fullmatch(text)
    if not match:
        bare = "milliseconds" if unit == "ms" else "seconds"
        raise ValueError(f"expected a duration such as 500ms, 30s, 5m, 1h, 1d or 1w (a bare number counts {bare})")
    return int(match[1]) * _MILLISECONDS[(match[2] or unit).lower()] / 1000


def size(text: str) -> int:
    """Bytes. K, M and G are powers of 1024, as in pgagroal."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError("expected a size such as 65536, 256K, 10M or 1G (a bare number counts bytes)")
    return int(match[1]) * _BYTES[(match[2] or "b")[0].lower()]


def path(text: str, environ: Mapping[str, str]) -> Path:
    """A path in which `$NAME` and `${NAME}` stand for environment variables."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environ:
            raise ValueError(f"expected the environment variable {name} to be set")
        return environ[name]

    return Path(_VARIABLE.sub(value, text))


def spell_boolean(value: bool) -> str:
    return "on" if value else "off"


def spell_duration(seconds: float) -> str:
    """In the largest unit that needs no fraction: 90.0 is `90s`, 120.0 is `2m`."""
    milliseconds = round(seconds * 1000)
    if milliseconds == 0:
        return "0"
    return next(f"{milliseconds // one}{unit}" for unit, one in _MILLISECONDS.items() if milliseconds % one == 0)


def spell_size(count: int) -> str:
    """In the largest unit that needs no fraction: 262144 is `256K`."""
    if count == 0:
        return "0"
    unit, one = next((unit, one) for unit, one in _BYTES.items() if count % one == 0)
    return f"{count // one}{'' if one == 1 else unit.upper()}"
