"""On which servers a client's transactions run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from tests.integration.daemon import Agroal

PID = "SELECT pg_backend_pid()"

_OFTEN = 30


def stays(pid: Callable[[], int]) -> bool:
    """Whether one server serves every transaction. `pid` asks for its process, in a transaction."""
    return len({pid() for _ in range(_OFTEN)}) == 1


async def stays_awaited(pid: Callable[[], Awaitable[int]]) -> bool:
    return len({await pid() for _ in range(_OFTEN)}) == 1


def goes_where_it_may(pool: Agroal, pid: Callable[[], int], wanders: bool) -> bool:
    """Whether another server serves while somebody else has the one before; or, where none may, the same one does."""
    if not wanders:
        return stays(pid)
    first = pid()
    with taken(pool, first):
        return pid() != first


async def goes_where_it_may_awaited(pool: Agroal, pid: Callable[[], Awaitable[int]], wanders: bool) -> bool:
    if not wanders:
        return await stays_awaited(pid)
    first = await pid()
    with taken(pool, first):
        return await pid() != first


@contextmanager
def taken(pool: Agroal, server: int) -> Iterator[None]:
    """Newcomers begin transactions until one of them has this server, and that one alone goes on."""
    with ExitStack() as others:
        while True:
            newcomer = pool.connect(autocommit=False)
            if newcomer.execute(PID).fetchone() == (server,):
                break
            others.enter_context(closing(newcomer))
    with closing(newcomer):
        yield
