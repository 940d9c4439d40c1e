"""A client's exclusive hold on a slot and the server in it."""

from __future__ import annotations

from dataclasses import dataclass

from agroal.net.dial import Server


@dataclass(frozen=True, slots=True)
class Lease:
    """Handed out by the pool, given back exactly once."""

    slot: int
    number: int
    server: Server
