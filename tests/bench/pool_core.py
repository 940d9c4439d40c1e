"""What a lease costs in the pool core: `python -m tests.bench.pool_core`. It prints, and asserts nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

from agroal.pool.core import Pool
from agroal.pool.effects import Connect, Effect, Grant
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey

ROUNDS = 50
TIMES = 5_000


def filled(keys: list[PoolKey], connections: int) -> Pool:
    """A pool with so many free connections for each key, the keys sharing one limit."""
    size = connections * len(keys)
    pool = Pool(PoolSettings(max_connections=size), [Limit("all", (), "all", size)], lambda: 0.5, 0.0)
    grants: list[Grant] = []
    for number in range(size):
        effects = pool.acquire(number, keys[number % len(keys)], 0.0)
        while effects:
            effects = [more for effect in effects for more in connected(pool, effect, grants)]
    for grant in grants:
        pool.release(grant.slot, grant.lease, 0.0)
    return pool


def connected(pool: Pool, effect: Effect, grants: list[Grant]) -> list[Effect]:
    if isinstance(effect, Grant):
        grants.append(effect)
    return pool.connected(effect.slot, 0.0) if isinstance(effect, Connect) else []


def unhindered() -> Callable[[], None]:
    """Acquire and release, and nobody waits."""
    key = PoolKey("shop", "web")
    pool = filled([key], 100)

    def cycle() -> None:
        (grant,) = pool.acquire(1, key, 1.0)
        assert isinstance(grant, Grant)
        pool.release(grant.slot, grant.lease, 1.0)

    return cycle


def queued(users: int) -> Callable[[], None]:
    """Every connection is taken, and 500 clients wait: one comes back, is handed on, and its client queues again."""
    keys = [PoolKey("shop", f"user{number}") for number in range(users)]
    pool = filled(keys, 10)
    held = {}
    for number, key in enumerate(keys * 10):
        (grant,) = pool.acquire(number, key, 1.0)
        assert isinstance(grant, Grant)
        held[grant.slot] = grant.lease, key
    for number in range(500):
        pool.acquire(1000 + number, keys[number % users], 1.0)
    turn = 2000

    def cycle() -> None:
        nonlocal turn
        turn += 1
        slot = turn % len(held)
        lease, key = held[slot]
        (grant,) = pool.release(slot, lease, 1.0)
        assert isinstance(grant, Grant)
        held[slot] = grant.lease, key
        pool.acquire(turn, key, 1.0)

    return cycle


def measure(title: str, cycle: Callable[[], None], times: int = TIMES) -> None:
    best = float("inf")
    for _ in range(ROUNDS):
        begin = perf_counter_ns()
        for _ in range(times):
            cycle()
        best = min(best, (perf_counter_ns() - begin) / times / 1000)
    print(f"{title:<72}{best:8.2f} µs")


if __name__ == "__main__":
    measure("acquire and release, nobody waits", unhindered())
    for users in (1, 10, 50):
        measure(f"release and queue again, 500 clients of {users} users wait at one limit", queued(users), TIMES // 10)
