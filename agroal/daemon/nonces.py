"""Random bytes for what is made anew for each client: nonces, and keys to cancel with.

The system gives a few of them as dearly as many. Each byte is given away once, and none is kept after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 4096
"""Bytes that the system is asked for."""


class Nonces:
    """`source` gives so many bytes that nobody can foresee."""

    __slots__ = ("_rest", "_source")

    def __init__(self, source: Callable[[int], bytes]) -> None:
        self._source = source
        self._rest = bytearray()

    def take(self, size: int) -> bytes:
        """So many that nobody was given before."""
        rest = self._rest
        if len(rest) < size:
            rest += self._source(AT_ONCE + size)
        taken = bytes(rest[-size:]) if size else b""
        del rest[len(rest) - size :]
        return taken
