from __future__ import annotations

from itertools import islice, pairwise

import pytest
from agroal_top.demo import DemoSource
from agroal_top.model import Model
from agroal_top.source import LookingOnly, Refused
from agroal_top.story import CHAPTER, DOWN, QUEUE

from agroal.management.event import Event
from agroal.management.snapshot import Snapshot

Item = Snapshot | tuple[Event, ...]


def lived(seed: int, seconds: int) -> list[Item]:
    """What is seen in so many seconds."""
    source = DemoSource(seed, wait=lambda _: None)
    found: list[Item] = []
    for item in source.snapshots(1.0):
        if isinstance(item, Snapshot) and sum(isinstance(one, Snapshot) for one in found) == seconds:
            break
        found.append(item)
    return found


LIFE = lived(1, round(CHAPTER + QUEUE[0]) - 1)
PICTURES = [item for item in LIFE if isinstance(item, Snapshot)]
EVENTS = [event for item in LIFE if isinstance(item, tuple) for event in item]


def demo(seconds: int = 5, **options: bool) -> tuple[DemoSource, Snapshot]:
    source = DemoSource(1, wait=lambda _: None, **options)
    *_, last = [item for item in islice(source.snapshots(1.0), seconds) if isinstance(item, Snapshot)]
    return source, last


def test_the_same_seed_is_the_same_life() -> None:
    assert lived(7, 90) == lived(7, 90)
    assert lived(7, 90) != lived(8, 90)


def test_a_picture_survives_its_json() -> None:
    for picture in PICTURES[::40]:
        assert Snapshot.from_json(picture.to_json()) == picture


def test_pools_slots_clients_and_waiters_agree() -> None:
    for picture in PICTURES:
        for pool in picture.pools:
            slots = [s for s in picture.slots if (s.database, s.user) == (pool.database, pool.user)]
            assert len(slots) == pool.active + pool.idle <= pool.max
            assert sum(slot.state == "in-use" for slot in slots) == pool.active
            assert sum((w.database, w.user) == (pool.database, pool.user) for w in picture.waiters) == pool.waiting
            assert not (pool.waiting and pool.idle), "nobody waits beside a free slot"
        assert len({slot.id for slot in picture.slots}) == len(picture.slots) <= picture.max_connections
        held = {client.slot for client in picture.clients if client.state == "active"}
        assert held == {slot.id for slot in picture.slots if slot.client}
        waiting = {client.id for client in picture.clients if client.state == "waiting"}
        assert waiting == {waiter.client for waiter in picture.waiters}


def test_totals_only_grow_while_the_daemon_lives() -> None:
    for before, after in pairwise(PICTURES):
        if before.instance_id == after.instance_id:
            grown = [getattr(after.counters, n) - getattr(before.counters, n) for n in ("queries", "leases", "wait_us")]
            assert min(grown) >= 0


def test_the_story_has_a_queue_a_server_that_is_down_and_a_restart() -> None:
    kinds = [event.kind for event in EVENTS]
    assert kinds[0] == "started"
    for kind in ("limit-reached", "limit-cleared", "server-down", "server-up"):
        assert kind in kinds
    assert kinds.count("started") == 2
    waiting = [at for at, picture in enumerate(PICTURES, start=1) if picture.waiters]
    assert min(waiting) >= QUEUE[0]
    assert max(waiting) < QUEUE[1] + 30
    assert len(waiting) > 30
    down = [at for at, picture in enumerate(PICTURES, start=1) if any(s.state == "down" for s in picture.servers)]
    assert down == list(range(round(DOWN[0]), round(DOWN[1])))


def test_the_dashboard_has_something_to_show() -> None:
    model = Model()
    for at, picture in enumerate(PICTURES):
        model.feed(picture, float(at))
    rates = model.rates()
    assert rates
    assert rates.tps > 100
    assert rates.bytes_out > rates.bytes_in > 0
    assert model.restarts == 1


def test_the_queue_has_percentiles() -> None:
    model = Model()
    for at, picture in enumerate(PICTURES[: round(QUEUE[1])]):
        model.feed(picture, float(at))
    p50, p95, p99 = model.percentiles(("analytics", "bi"))
    assert p50
    assert p95
    assert p99
    assert 1_000_000 < p50 < p95 <= p99


def test_a_flush_says_what_it_would_do_and_does_it() -> None:
    source, before = demo()
    idle = sum(pool.idle for pool in before.pools)
    leased = sum(pool.active for pool in before.pools)
    tried = source.command("flush idle", {}, dry_run=True)
    assert (tried["closed"], tried["killed"]) == (idle, 0)
    assert source.command("flush gracefully", {}, dry_run=True)["marked"] == leased
    done = source.command("flush all", {})
    assert (done["closed"], done["killed"]) == (idle, leased), "the dry runs changed nothing"
    after = next(source.snapshots(1.0))
    assert isinstance(after, Snapshot)
    assert {slot.born_us for slot in after.slots} == {after.mono_us}


def test_a_disabled_database_takes_nobody() -> None:
    source, _ = demo()
    result = source.command("disable", {"database": "shop"})
    assert result["databases"] == ["shop"]
    picture = next(source.snapshots(1.0))
    assert isinstance(picture, Snapshot)
    assert [database.name for database in picture.databases] == ["shop"]
    assert source.command("disable", {"database": "shop"}, dry_run=True)["databases"] == []
    assert source.command("enable", {}, dry_run=True)["databases"] == ["shop"]


def test_who_comes_to_a_paused_database_waits_until_it_is_resumed() -> None:
    source, before = demo()
    leased = sum(pool.active for pool in before.pools if pool.database == "shop")
    tried = source.command("pause", {"database": "shop"}, dry_run=True)
    assert (tried["databases"], tried["leased"]) == (["shop"], leased)
    source.command("pause", {"database": "shop"})
    for _ in range(30):
        picture = next(source.snapshots(1.0))
        assert isinstance(picture, Snapshot)
    shop = [pool for pool in picture.pools if pool.database == "shop"]
    assert [(database.name, database.paused) for database in picture.databases] == [("shop", True)]
    assert all(pool.paused and not pool.idle for pool in shop)
    assert {waiter.reason for waiter in picture.waiters if waiter.database == "shop"} == {"paused"}
    assert source.command("pause", {"database": "shop"}, dry_run=True)["databases"] == []
    assert source.command("reconnect", {}, dry_run=True)["leased"] == sum(pool.active for pool in picture.pools)
    assert source.command("resume", {})["held"] == sum(pool.waiting for pool in shop)
    after = next(source.snapshots(1.0))
    assert isinstance(after, Snapshot)
    assert not after.databases
    assert sum(pool.active for pool in after.pools if pool.database == "shop")


def test_a_client_that_is_killed_is_gone() -> None:
    source, picture = demo()
    victim = picture.clients[0]
    assert source.command("kill", {"client": victim.id}, dry_run=True)["address"] == victim.address
    assert source.command("kill", {"client": victim.id})["user"] == victim.user
    with pytest.raises(Refused, match=f"there is no client {victim.id}"):
        source.command("kill", {"client": victim.id})


def test_a_waiter_can_be_killed() -> None:
    source, picture = demo(75)
    waiter = picture.waiters[0]
    assert source.command("kill", {"client": waiter.client})["state"] == "waiting"
    with pytest.raises(Refused):
        source.command("kill", {"client": waiter.client})


def test_totals_can_be_cleared_and_the_command_is_an_event() -> None:
    source, before = demo()
    source.command("clear statistics", {})
    items = list(islice(source.snapshots(1.0), 2))
    assert isinstance(items[0], Snapshot)
    assert items[0].counters.queries < before.counters.queries
    assert isinstance(items[1], tuple)
    assert items[1][-1].text == "you: clear statistics"


def test_what_takes_a_real_agroal_is_refused() -> None:
    source, _ = demo()
    assert source.command("conf reload", {})["changes"] == []
    assert source.command("ping", {})["version"] == "0.1.0"
    with pytest.raises(Refused, match="takes a real agroal"):
        source.command("shutdown immediate", {})


def test_whoever_wants_to_look_only_changes_nothing() -> None:
    source, _ = demo(read_only=True)
    assert source.read_only
    assert source.hello().role == "monitor"
    with pytest.raises(LookingOnly):
        source.command("flush all", {})
    assert not DemoSource().read_only
    assert DemoSource().hello().role == "admin"


def test_the_log_has_the_events() -> None:
    source, _ = demo(75)
    assert [line.level for line in source.log_tail("warn", 10)] == ["warn"]
    assert len(source.log_tail("info", 10)) == 2
    assert {setting.key for setting in source.settings()} >= {"max_connections"}


def test_closing_ends_the_pictures() -> None:
    source = DemoSource(1, wait=lambda _: None)
    items = source.snapshots(1.0)
    next(items)
    source.close()
    assert [item for item in items if isinstance(item, Snapshot)] == []
    assert source.name == "demo"
