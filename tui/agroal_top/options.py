"""How the dashboard is to look and behave, as the command line says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    colour: str = ""
    """Of the status line, so that one agroal is told from another; empty for the theme's."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Other keys, as Textual calls them, by their names in the table of keys."""
    action_log: Path | None = None
    """A file to which every command is appended; None keeps them in memory only."""
