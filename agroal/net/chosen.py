"""The flow in use: the compiled twin where it and the compiled scanner were built, else the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agroal.wire.chosen import COMPILED as COMPILED_SCANNER

if TYPE_CHECKING or not COMPILED_SCANNER:
    from agroal.net.flow import Flow
else:
    try:
        from agroal.net._flow import Flow
    except ImportError:
        from agroal.net.flow import Flow

__all__ = ["COMPILED", "RELAY", "Flow"]

COMPILED: Final = Flow.__module__.endswith("._flow")
RELAY: Final = f"{'compiled' if COMPILED else 'pure Python'} relay"
"""For people."""
