"""Counters of the daemon: only ever growing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Totals:
    """What happened to clients since the start."""

    clients: int = 0
    authenticated: int = 0
    rejected: int = 0
    tls_failures: int = 0
