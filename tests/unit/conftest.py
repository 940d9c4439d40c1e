from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("agroal", settings(), deadline=None)  # how long an example takes says nothing here
settings.load_profile("agroal")


@pytest.fixture
def socket_dir() -> Iterator[Path]:
    """Short, because the path of a Unix socket has at most 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="ag"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def path(socket_dir: Path) -> Path:
    return socket_dir / ".s.agroal.2345"


@pytest.fixture
def loggers_as_before() -> Iterator[None]:
    """For tests that start the daemon's own log: what others log is captured again afterwards."""
    root = logging.getLogger("agroal")
    propagate, level = root.propagate, root.level
    yield
    root.propagate = propagate
    root.setLevel(level)
