"""The relay in pure Python passes the tests that the rest of a run puts to its compiled twin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agroal.net.chosen import COMPILED, RELAY

ROOT = Path(__file__).parents[2]
RELAYED = ("net", "daemon/test_taking.py", "daemon/test_standby.py")
"""Tests of what is different with it. Those in `wire` run on both by themselves."""


@pytest.mark.skipif(not COMPILED, reason=f"this run uses the {RELAY} already")
def test_the_relay_in_pure_python_passes_the_same_tests() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "60"]
    done = subprocess.run(
        [*command, *(f"tests/unit/{name}" for name in RELAYED)],
        cwd=ROOT,
        env={**os.environ, "AGROAL_PURE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
