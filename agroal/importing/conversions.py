"""Values as PgBouncer spells them, spelled as agroal does. Each raises ValueError that says what was expected."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable
from pathlib import Path

from agroal.config.units import LONGEST, integer, spell_duration

Convert = Callable[[str], str]

_SWITCH = {"0": "off", "1": "on"}
_LEAST = 0.001
_LIBRARY_CHOOSES = ("default", "secure", "fast", "normal", "all")


def seconds(text: str) -> str:
    """A number of seconds, with or without a fraction."""
    return spell_duration(min(number_of_seconds(text), LONGEST))


def seconds_or(never: str) -> Convert:
    """The same, where 0 has a meaning that agroal spells in another way."""

    def convert(text: str) -> str:
        return seconds(text) if number_of_seconds(text) >= _LEAST else never

    return convert


def at_least(least: float) -> Convert:
    """The same, where agroal has a bound."""

    def convert(text: str) -> str:
        return spell_duration(min(max(number_of_seconds(text), least), LONGEST))

    return convert


def number_of_seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError("expected a number of seconds")
    return value


def switch(text: str) -> str:
    """0 or 1."""
    if text not in _SWITCH:
        raise ValueError("expected 0 or 1")
    return _SWITCH[text]


def within(low: int, high: int) -> Convert:
    """A whole number, moved into these bounds."""

    def convert(text: str) -> str:
        return str(min(max(integer(text), low), high))

    return convert


def plain(text: str) -> str:
    """As it is."""
    return text


def beside(text: str) -> str:
    """A file of our own in the same directory; a % would be a pattern of strftime."""
    return str(Path(text).parent / "agroal.log").replace("%", "%%")


def oldest_tls(text: str) -> str:
    """The oldest of the versions; those before 1.2 are not safe any more."""
    words = set(re.split(r"[\s:,]+", text.lower())) - {""}
    return "TLSv1.3" if words == {"tlsv1.3"} else "TLSv1.2"


def ciphers(text: str) -> str:
    """A list for OpenSSL; its own choice where PgBouncer has a word for that."""
    if text.lower() in _LIBRARY_CHOOSES:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
    except (ssl.SSLError, ValueError):
        raise ValueError("expected a list of ciphers that OpenSSL knows") from None
    return text
