"""What others do to a pool while its clients work: each goes on until it is cancelled."""

from __future__ import annotations

import asyncio
from random import Random

from tests.integration.torture.wire import cancel_request
from tests.integration.torture.world import World

_VERBS = (("flush", "idle"), ("conf", "reload"), ("flush", "gracefully"), ("status", "details"))


async def cancels(world: World) -> None:
    """By the key of somebody who is there, or by one that nobody has."""
    random = Random(f"{world.seed} cancels")
    while True:
        await asyncio.sleep(random.uniform(0, 0.05))
        served = [client for client in world.present if client.status]
        client = random.choice(served if served and random.random() < 0.8 else world.present)
        key = client.key
        if random.random() < 0.1:
            key = random.randbytes(len(key))
        elif key:
            client.was_cancelled = True
        reader, writer = await asyncio.open_connection(world.pool.host, world.port)
        try:
            writer.write(cancel_request(key or random.randbytes(8)))
            heard = await reader.read()
        finally:
            writer.transport.abort()
            await writer.wait_closed()
        assert heard == b"", f"a cancel request was answered: {heard!r}"
        world.account.troubles["cancel"] += 1


async def kills(world: World) -> None:
    """A server's process is ended by an administrator, whatever it is doing."""
    random = Random(f"{world.seed} kills")
    sql = (
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = %s ORDER BY random() LIMIT 1) AS one"
    )
    while True:
        await asyncio.sleep(random.uniform(0, 1))
        world.account.troubles["kill"] += 1  # before: the world may be over in the middle of it
        if not await asyncio.to_thread(world.pool.database.query, sql, world.login.name):
            world.account.troubles["kill"] -= 1


async def administration(world: World) -> None:
    """Reload and flush, by agroal-cli."""
    number = 0
    while True:
        await asyncio.sleep(1)
        verb = _VERBS[number % len(_VERBS)]
        number += 1
        done = await asyncio.to_thread(world.pool.cli, *verb)
        assert done.returncode == 0, f"agroal-cli {' '.join(verb)}: {done.stdout}{done.stderr}"
        world.account.troubles[" ".join(verb)] += 1


ALL = (cancels, kills, administration)
