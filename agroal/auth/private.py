"""Files that are their owner's alone: checked before they are believed, and written all at once or not at all."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from agroal.errors import VaultError

Token = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for."""


def check_private(path: Path) -> None:
    """Raises VaultError if others than the owner have any right to this file or directory, OSError if it can't tell."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        right = 0o700 if path.is_dir() else 0o600
        remedy = f"chmod {right:o} {shlex.quote(str(path))}"
        raise VaultError(f"{path}: not private to its owner: it has mode {mode:04o}; run: {remedy}")


def write_private(path: Path, content: bytes, token: Token, *, replace: bool) -> None:
    """Atomic, durable, and 0600 from the first moment. Raises OSError; that is FileExistsError without `replace`."""
    path = Path(os.path.realpath(path))  # a link stays a link
    temporary = path.with_name(f".{path.name}.{token(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            if os.geteuid() == 0 and path.exists():  # root edits what the daemon's user has to read
                os.fchown(descriptor, path.stat().st_uid, path.stat().st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """A new name survives a crash only once its directory has been written too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
