"""Lives in the world that only a seed decides: long, and busier than those that Hypothesis thinks of."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from agroal.config.choices import Validation
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.notes import At
from tests.unit.pool.world import NO_DATABASE, World

KEYS = [PoolKey("shop", "web"), PoolKey("shop", "batch"), PoolKey("books", "web"), PoolKey("books", "web", "secret")]
DATABASES = [None, "shop", "books"]
LIMITS = [
    [],
    [Limit("all", (), "all", 3)],
    [Limit("shop", (), "web", 2, 2, 1), Limit("all", (), "all", 3)],
    [Limit("all", (), "web", 2), Limit("shop", (), "all", 1), Limit("books", (), "web", 2, 2, 2)],
    [Limit("shop", (), "web", 3, 3, 2), Limit("books", (), "web", 3, 3, 2)],
]


def live(seed: int, steps: int) -> None:
    """A busy time: clients come as fast as they are served, most connects succeed, most clients are clean."""
    dice = Random(seed)
    chosen = PoolSettings(
        dice.randint(2, 12),
        blocking_timeout=dice.choice([0.0, 3.0, 3.0]),
        idle_timeout=dice.choice([0.0, 1.0]),
        max_connection_age=dice.choice([0.0, 2.0]),
        wait_notice_timeout=dice.choice([0.0, 0.1]),
        validation=dice.choice(list(Validation)),
        background_interval=dice.choice([0.1, 1.5]),
        connects_at_once=dice.randint(1, 8),
        validations_at_once=dice.randint(1, 4),
    )
    world = World(chosen, dice.choice(LIMITS))
    for _ in range(steps):
        world.wait(dice.choice([0.0, 0.001, 0.02]))
        something(world, dice)
        world.check()
    world.go_home()


def something(world: World, dice: Random) -> None:
    opening, closing, idle, leased = (world.having(at) for at in (At.OPENING, At.CLOSING, At.IDLE, At.LEASED))
    asked = world.having(At.ASKED)
    match dice.choices(range(19), [30, 25, 20, 20, 2, 2, 1, 1, 6, 20, 1, 3, 1, 1, 1, 1, 1, 3, 6])[0]:
        case 0 if len(world.waiting) < 12:
            world.ask(dice.choice(KEYS), private=dice.random() < 0.1)
        case 1 if world.leased():
            world.release(dice.choice(world.leased()), dice.choice([None] * 9 + [CloseReason.DIRTY]))
        case 2 if opening:
            world.connected(dice.choice(opening))
        case 3 if closing:
            world.closed(dice.choice(closing))
        case 4 if opening:
            world.connect_failed(dice.choice(opening))
        case 5 if idle + leased:
            world.closed(dice.choice(idle + leased))
        case 6 if world.waiting:
            world.give_up(dice.choice(world.waiting))
        case 7:
            world.flush(dice.choice(list(FlushMode)), dice.choice(DATABASES))
        case 8:
            world.wait(dice.choice([0.01, 0.1, 0.5, 1.0]))
        case 9 if asked:
            world.validated(dice.choice(asked), dice.random() < 0.9)
        case 10:
            world.switch(dice.choice(DATABASES), dice.random() < 0.7)
        case 11:
            sizes = [replace(limit, max_size=max(limit.initial_size, dice.randint(1, 4))) for limit in world.limits]
            validation = dice.choice([*Validation, *[world.settings.validation] * 3])
            timeout = dice.choice([0.0, 1.0])
            world.reload(replace(world.settings, idle_timeout=timeout, validation=validation), sizes)
        case 12 if opening:
            world.connect_failed(dice.choice(opening), NO_DATABASE)
        case 13:
            world.quiet(dice.choice([0.4, 2.0]))
        case 14:
            world.outage(dice.choice([1, 4]), dice.choice(KEYS))
        case 15:
            world.news_of_nothing(dice.randint(0, 11), dice.randint(0, 3))
        case 16:
            world.pause(dice.choice(DATABASES))
        case 17:
            world.resume(dice.choice(DATABASES))
        case 18 if len(world.waiting) < 12:
            world.enroll(dice.choices(KEYS, k=dice.randint(1, 5)))
