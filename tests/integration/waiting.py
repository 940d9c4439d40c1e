"""Waiting for a condition, never for a length of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, timeout: float = 15.0) -> T:
    """What `condition` returns as soon as that is true. After `timeout` seconds AssertionError, which says `what`."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain waited {timeout:g} s for this: {what} (last seen: {value!r})")
        time.sleep(0.01)
    return value
