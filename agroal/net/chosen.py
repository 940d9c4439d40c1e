"""The pump and the flow in use: the compiled twins where these and the scanner's were built, else the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agroal.wire.chosen import COMPILED as COMPILED_SCANNER

if TYPE_CHECKING or not COMPILED_SCANNER:
    from agroal.net.flow import Flow
    from agroal.net.pump import Channel, Pump
    from agroal.net.relays import Answers, Requests
else:
    try:
        from agroal.net._flow import Flow
        from agroal.net._pump import Channel, Pump
        from agroal.net._relays import Answers, Requests
    except ImportError:
        from agroal.net.flow import Flow
        from agroal.net.pump import Channel, Pump
        from agroal.net.relays import Answers, Requests

__all__ = ["COMPILED", "RELAY", "Answers", "Channel", "Flow", "Pump", "Requests"]

COMPILED: Final = Flow.__module__.endswith("._flow")
RELAY: Final = f"{'compiled' if COMPILED else 'pure Python'} relay"
"""For people."""
