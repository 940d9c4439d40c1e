"""How fast passwords may be tried from one place: after some failures attempts have to wait, for ever longer.

The wait comes before an attempt is looked at. Before a refusal it would hold up nobody who guesses: whoever is not let
in at once knows already that the guess was wrong. Attempts that are made side by side wait for each other.

A place is an IPv4 address, or the /64 network of an IPv6 address, which a single customer of a provider has to choose
from. Time is passed in, in monotonic seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

FREE: Final = 3
"""Failures that make nobody wait: people mistype."""
SHORTEST: Final = 0.25
LONGEST: Final = 8.0
"""Seconds between two attempts: it doubles with each failure."""
FORGOTTEN: Final = 300.0
"""Seconds without a failure after which a place begins anew."""
KEPT: Final = 1000
"""Places, for strangers decide how many there are."""

Address = IPv4Address | IPv6Address


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last: float = 0.0
    """When the last of them was."""
    free: float = 0.0
    """When the next attempt may be."""

    @property
    def pause(self) -> float:
        return min(SHORTEST * 2.0 ** min(self.failures - FREE - 1, 16), LONGEST) if self.failures > FREE else 0.0


class Guesses:
    """Who failed lately, and when they may try again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, _Record] = OrderedDict()

    def due(self, address: Address, now: float, patience: float) -> float | None:
        """Seconds that an attempt from there has to wait; None when that would be longer than `patience`.

        Who waits has a place in the line: the next one waits for longer.
        """
        record = self._kept.get(_place(address))
        if record is None or record.last + FORGOTTEN < now:
            return 0.0
        wait = max(0.0, record.free - now)
        if wait > patience:
            return None
        record.free = now + wait + record.pause
        return wait

    def failed(self, address: Address, now: float) -> None:
        """An attempt from there came to nothing."""
        place = _place(address)
        record = self._kept.setdefault(place, _Record())
        if record.last + FORGOTTEN < now:
            record.failures = 0
        record.failures += 1
        record.last = now
        record.free = max(record.free, now + record.pause)
        self._kept.move_to_end(place)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _place(address: Address) -> object:
    return IPv6Network((int(address), 64), strict=False) if isinstance(address, IPv6Address) else address
