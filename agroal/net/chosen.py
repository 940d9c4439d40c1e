"""The pump and the flow in use: the compiled twins where these and the scanner's were built, else the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agroal.wire.chosen import COMPILED as COMPILED_SCANNER

if TYPE_CHECKING or not COMPILED_SCANNER:
    from agroal.net.arriving import accepted
    from agroal.net.flow import Flow
    from agroal.net.hand import Hand
    from agroal.net.pump import Channel, Pump
    from agroal.net.rank import Hold, Rank
    from agroal.net.stopwatch import Stopwatch
    from agroal.net.traffic import Traffic
    from agroal.pool.histogram import Histogram as Meter
else:
    try:
        from agroal.net._flow import Flow, Meter, Stopwatch
        from agroal.net._pump import Channel, Pump, accepted
        from agroal.net._relays import Hand, Hold, Rank, Traffic
    except ImportError:
        from agroal.net.arriving import accepted
        from agroal.net.flow import Flow
        from agroal.net.hand import Hand
        from agroal.net.pump import Channel, Pump
        from agroal.net.rank import Hold, Rank
        from agroal.net.stopwatch import Stopwatch
        from agroal.net.traffic import Traffic
        from agroal.pool.histogram import Histogram as Meter

__all__ = [
    "COMPILED",
    "RELAY",
    "Channel",
    "Flow",
    "Hand",
    "Hold",
    "Meter",
    "Pump",
    "Rank",
    "Stopwatch",
    "Traffic",
    "accepted",
]

COMPILED: Final = Flow.__module__.endswith("._flow")
RELAY: Final = f"{'compiled' if COMPILED else 'pure Python'} relay"
"""For people."""
