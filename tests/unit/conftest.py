from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def socket_dir() -> Iterator[Path]:
    """Short, because the path of a Unix socket has at most 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="ag"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def path(socket_dir: Path) -> Path:
    return socket_dir / ".s.agroal.2345"
