"""On which servers a client's transactions run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

PID = "SELECT pg_backend_pid()"

_FEW, _MANY = 30, 300


def stays(pid: Callable[[], int]) -> bool:
    """Whether one server serves every transaction. `pid` asks for its process, in a transaction."""
    return len({pid() for _ in range(_FEW)}) == 1


def wanders(pid: Callable[[], int]) -> bool:
    """Whether a second one comes to serve."""
    first = pid()
    return any(pid() != first for _ in range(_MANY))


async def stays_awaited(pid: Callable[[], Awaitable[int]]) -> bool:
    return len({await pid() for _ in range(_FEW)}) == 1


async def wanders_awaited(pid: Callable[[], Awaitable[int]]) -> bool:
    first = await pid()
    for _ in range(_MANY):
        if await pid() != first:
            return True
    return False
