"""Folders that exist for the length of a demonstration or a test."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

_PATIENCE = 5.0


def make(prefix: str, parent: Path | None = None) -> Path:
    """A new folder, in that for temporary files unless a parent is given.

    Its path is short: that of a Unix socket has no more than about a hundred bytes. Others may pass through it but not
    look around: under root PostgreSQL runs as another user, in a folder below.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    folder.chmod(0o711)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder with all its contents, even when a process that was just killed still gave birth to a file."""
    deadline = time.monotonic() + _PATIENCE
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
