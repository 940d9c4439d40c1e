"""Counters of the daemon: only ever growing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from agroal.net.chosen import Traffic


@dataclass(slots=True)
class Totals:
    """What happened to clients since the start."""

    clients: int = 0
    authenticated: int = 0
    rejected: int = 0
    tls_failures: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """Clients that were ended by an error, by its name in errors.py."""
    traffic: defaultdict[tuple[str, str], Traffic] = field(default_factory=lambda: defaultdict(Traffic))
    """Of sessions that are over, by database and user."""
