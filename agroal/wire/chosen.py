"""The scanner in use: the compiled twin where it was built, else the reference. AGROAL_PURE=1 wants the reference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

PURE: Final = os.environ.get("AGROAL_PURE", "0") not in ("", "0")

if TYPE_CHECKING or PURE:
    from agroal.wire.expectations import TurnTally
    from agroal.wire.halting import HaltingBackend, HaltingFrontend
    from agroal.wire.plain import PlainBackend, PlainFrontend
    from agroal.wire.scan import BackendScanner, FrontendScanner, Scanner, Tally
else:
    try:
        from agroal.wire._halting import HaltingBackend, HaltingFrontend, TurnTally
        from agroal.wire._scan import BackendScanner, FrontendScanner, PlainBackend, PlainFrontend, Scanner, Tally
    except ImportError:
        from agroal.wire.expectations import TurnTally
        from agroal.wire.halting import HaltingBackend, HaltingFrontend
        from agroal.wire.plain import PlainBackend, PlainFrontend
        from agroal.wire.scan import BackendScanner, FrontendScanner, Scanner, Tally

__all__ = [
    "COMPILED",
    "BackendScanner",
    "FrontendScanner",
    "HaltingBackend",
    "HaltingFrontend",
    "PlainBackend",
    "PlainFrontend",
    "Scanner",
    "Tally",
    "TurnTally",
]

COMPILED: Final = Tally.__module__.endswith("._scan")
