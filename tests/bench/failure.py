"""The one way in which a benchmark fails."""

from __future__ import annotations

from agroal.errors import AgroalError


class BenchFailed(AgroalError):
    """Something could not be measured. The message says what, why, and what to do."""
