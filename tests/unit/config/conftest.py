from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agroal.config.report import Report


@pytest.fixture
def report() -> Report:
    return Report("it.conf")


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Path]:
    """Writes configuration files into a directory and returns it: the least that loads, and what the test gives."""

    def write(main: str = "", server: str = "", **others: str) -> Path:
        required = f"host = localhost\nport = 2345\nunix_socket_dir = {tmp_path}\n"
        files = {
            "agroal": f"[agroal]\n{required}{main}\n[primary]\nhost = localhost\n{server}\n",
            "agroal_hba": "host all all all all\n",
            **others,
        }
        for name, text in files.items():
            (tmp_path / f"{name}.conf").write_text(text, encoding="utf-8")
        return tmp_path

    return write
