"""What a demonstration leaves running with `--keep`, and how it is stopped later."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from agroal.demo import scratch
from agroal.errors import AgroalError

_NOTE = "kept.json"
_PATIENCE = 30.0


def remember(folder: Path, processes: Iterable[int]) -> None:
    """Note in the folder which processes are to be stopped, in that order."""
    (folder / _NOTE).write_text(json.dumps({"processes": list(processes)}))


def stop(folder: Path) -> None:
    """Stop what runs in a folder that was kept, and remove it."""
    folder = folder.resolve()
    try:
        processes = json.loads((folder / _NOTE).read_text())["processes"]
    except FileNotFoundError:
        raise AgroalError(f"{folder}: not a folder that `python -m agroal.demo --keep` left behind") from None
    for process in processes:
        if not _lives_in(folder, process):
            continue
        os.kill(process, signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE
        while _lives_in(folder, process):
            if time.monotonic() > deadline:
                raise AgroalError(f"process {process} did not end within {_PATIENCE:.0f} s; {folder} is left as it is")
            time.sleep(0.05)
    scratch.remove(folder)


def _lives_in(folder: Path, process: int) -> bool:
    """Whether a process runs with a working directory in the folder: its number may belong to a stranger by now."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        return Path(os.readlink(f"/proc/{process}/cwd")).is_relative_to(folder)
    return False
