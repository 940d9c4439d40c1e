"""The pipelines that every test of a pipeline runs in."""

from __future__ import annotations

PIPELINES = ("session", "transaction", "performance")
COUNTING = ("session", "transaction")
"""Those that count queries and transactions."""
