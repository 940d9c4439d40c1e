"""Starts of a daemon that are over soon: because it is refused, because it is a check, or into the background."""

from __future__ import annotations

import subprocess
import sys

from tests.integration.daemon import Agroal


def run_agroal(agroal: Agroal, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program with the files of this agroal to its end; with -d that is the end of the process in front."""
    return subprocess.run(
        [sys.executable, "-m", "agroal.main", "-D", str(agroal.folder), *arguments],
        env={**agroal.environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
