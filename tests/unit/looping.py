"""Tests that need an event loop, and a pump that it turns."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from agroal.net.chosen import Pump

LONG = 5.0
"""Seconds after which a test says what it still waits for. None comes near it."""


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run the test on a loop of its own."""

    @functools.wraps(test)
    def run(*given: object, **fixtures: object) -> None:
        asyncio.run(_bounded(test(*given, **fixtures)))

    return run


async def _bounded(test: Awaitable[None]) -> None:
    """What goes wrong in a task that nobody awaits counts, too."""
    unheard: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(f"{context['message']}: {context.get('exception')!r}"))
    async with asyncio.timeout(LONG):
        await test
    assert unheard == []


@asynccontextmanager
async def pumping() -> AsyncIterator[Pump]:
    """A pump that turns whenever one of its channels is ready."""
    made = Pump()
    loop = asyncio.get_running_loop()
    loop.add_reader(made.fileno(), made.turn)
    try:
        yield made
    finally:
        loop.remove_reader(made.fileno())
        made.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop go on until this is so."""
    while not condition():  # noqa: ASYNC110 (what is waited for announces itself to nobody)
        await asyncio.sleep(0)


async def settle() -> None:
    """Let all that can happen now happen."""
    for _ in range(10):
        await asyncio.sleep(0)
