"""Hundreds of clients on a few servers, and those who trouble them, until the time is over."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from random import Random

import uvloop

from tests.integration.daemon import Agroal
from tests.integration.postgres import Login
from tests.integration.torture import deeds, state
from tests.integration.torture.client import Client, Died, Dismissed, Interrupted
from tests.integration.torture.wire import BrokeOff, Ending

CLIENTS = 200
SERVERS = 5
TABLES = deeds.TABLES

Trouble = Callable[["World"], Awaitable[None]]
Door = Callable[["World"], AbstractAsyncContextManager[object]]
Deed = Callable[[Client], Awaitable[None]]

COMMON = [getattr(deeds, name) for name in vars(deeds) if inspect.iscoroutinefunction(getattr(deeds, name))]
RARE = [getattr(state, name) for name in vars(state) if inspect.iscoroutinefunction(getattr(state, name))]
"""They keep a server for longer, in any pipeline."""

_LONGEST = 30.0
"""Seconds for one deed, or for one's turn to come."""


@dataclass
class Account:
    """What happened, to be printed and to be judged."""

    deeds: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        parts = {"deeds": self.deeds, "endings": self.endings, "deaths": self.deaths, "troubles": self.troubles}
        return "\n".join(
            f"{name} {counts.total()}: {', '.join(f'{key} {n}' for key, n in counts.most_common())}"
            for name, counts in parts.items()
        )


@dataclass
class World:
    """The pool that is tortured, and who is in it now. Its clients come to `port`."""

    pool: Agroal
    login: Login
    seed: int
    port: int
    clients: int = CLIENTS
    is_over: bool = False
    account: Account = field(default_factory=Account)
    present: list[Client] = field(default_factory=list)

    def run(self, seconds: float, *troubles: Trouble, behind: Door = nullcontext) -> None:
        """Raises Crossed and whatever else should not happen, with the seed. What is entered `behind` is left last."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(self._run(seconds, troubles, behind))
            except* Exception as group:
                first = group
                while isinstance(first, ExceptionGroup):
                    first = first.exceptions[0]
                first.add_note(f"seed {self.seed}; so far:\n{self.account}")
                raise first from None

    async def _run(self, seconds: float, troubles: tuple[Trouble, ...], behind: Door) -> None:
        async with behind(self), asyncio.TaskGroup() as group:
            making = [group.create_task(trouble(self)) for trouble in troubles]
            for number in range(self.clients):
                group.create_task(self.live(number))
            await asyncio.sleep(seconds)
            self.is_over = True
            for task in making:
                task.cancel()

    async def live(self, number: int) -> None:
        """One client after the other, in one place."""
        random = Random(f"{self.seed} {number}")
        session = 0
        while not self.is_over:
            session += 1
            client = Client(f"c{number}-{session}", random)
            self.present.append(client)
            try:
                self.account.endings[await self._session(client)] += 1
            except Died as died:
                self.account.deaths[str(died)] += 1
            finally:
                self.present.remove(client)

    async def _session(self, client: Client) -> str:
        """How it ended. Raises Died."""
        try:
            async with asyncio.timeout(_LONGEST):
                await client.enter(self.pool.host, self.port, self.login.name, self.pool.database.name)
            self._arm(client)
            interrupted = await self._work(client)
        except TimeoutError:
            raise client.crossed(f"waited for {_LONGEST:g} s in vain") from None
        except Dismissed:
            return "cancelled in the queue"
        except BrokeOff:
            return f"broke off ({client.wire.ending})"
        else:
            client.wire.terminate()
            return "cancelled" if interrupted else "goodbye"
        finally:
            await client.wire.hang_up()

    async def _work(self, client: Client) -> bool:
        """Some deeds, or those before the first that is cancelled. Whether one was."""
        random = client.random
        for _ in range(random.randrange(1, 20)):
            deed = random.choice(RARE if random.random() < 0.15 else COMMON)
            try:
                async with asyncio.timeout(_LONGEST):
                    await deed(client)
            except Interrupted:
                async with asyncio.timeout(_LONGEST):
                    while not await client.has_recovered():
                        pass
                return True
            self.account.deeds[deed.__name__] += 1
            if self.is_over:
                break
        return False

    def _arm(self, client: Client) -> None:
        """Some go when nobody expects it: in the middle of what they say, or of what they hear."""
        random = client.random
        client.wire.ending = random.choice((Ending.RESET, Ending.CLOSE))
        match random.randrange(6):
            case 0:
                client.wire.fuse = random.randrange(3000)
            case 1:
                client.wire.earshot = random.randrange(30_000)
