"""What became of requests that had an idempotency key: one sent again after a lost connection is not obeyed twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agroal.errors import ManagementError
from agroal.management.wire import Code, Failure

KEPT: Final = 256

Order = tuple[str, Mapping[str, object]]
"""A verb and its arguments."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result or a failure, and how many microseconds it took."""

    outcome: Mapping[str, Any] | Failure
    took_us: int


@dataclass(frozen=True, slots=True)
class _Entry:
    order: Order
    outcome: asyncio.Future[Outcome]


class Memory:
    """The outcomes of the last KEPT orders, those under way among them."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    async def once(self, key: str, order: Order, execute: Callable[[], Awaitable[Outcome]]) -> tuple[Outcome, bool]:
        """Executes the order, unless that was begun before; and whether it was.

        Raises ManagementError `bad-argument` when the key belongs to another order.
        """
        if known := self._entries.get(key):
            if known.order != order:
                message = f"“key” was used for another request, “{known.order[0]}”: every command needs its own"
                raise ManagementError(Code.BAD_ARGUMENT, message)
            return await asyncio.shield(known.outcome), True
        entry = _Entry(order, asyncio.get_running_loop().create_future())
        self._remember(key, entry)
        try:
            outcome = await execute()
        except BaseException:  # we are cancelled: agroal closes its connections
            entry.outcome.cancel()
            del self._entries[key]
            raise
        entry.outcome.set_result(outcome)
        return outcome, False

    def _remember(self, key: str, entry: _Entry) -> None:
        if len(self._entries) >= KEPT:
            # Those under way are as few as there are connections.
            del self._entries[next(old for old, known in self._entries.items() if known.outcome.done())]
        self._entries[key] = entry
