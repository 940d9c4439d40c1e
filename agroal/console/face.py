"""The names of the console."""

from __future__ import annotations

from enum import StrEnum


class Face(StrEnum):
    """Under which name the console was called."""

    AGROAL = "agroal"
    PGBOUNCER = "pgbouncer"
    """Only PgBouncer's columns, so that programs made for it find what they expect."""
