"""How the dashboard is to look and behave, as the command line says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What `app.run` takes beside the source."""

    interval: float = 1.0
    """Seconds between two snapshots."""
    page: str = "overview"
    """The page to begin with, by its name in `keymap.PAGES`."""
    theme: str = "agroal-dark"
    ascii: bool = False
    """No glyph beyond ASCII, for terminals and fonts without them."""
    mouse: bool = True
    action_log: Path | None = None
    """A file to which every command is appended; None keeps them in memory only."""
