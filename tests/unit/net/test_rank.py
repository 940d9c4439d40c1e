from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agroal.net import chosen
from agroal.net import rank as reference
from agroal.net.rank import Rank
from agroal.pool.histogram import BOUNDS_US
from tests.unit.looping import in_a_loop
from tests.unit.net.dancing import ANSWER, QUERY, dance
from tests.unit.net.pairs import received


@dataclass
class Keeper:
    armed: int = 0

    def arm(self) -> None:
        self.armed += 1


@dataclass(eq=False)
class Waiting:
    """A hand that waits."""

    since: float = 0.0
    holder: str = "ann"
    had: list[object] = field(default_factory=list)

    def receive(self, lease: object) -> None:
        self.had.append(lease)


class Held:
    """A lease."""

    turns = 0
    session: object = None


def made(*, stuck: bool = True) -> tuple[Rank, Keeper]:
    keeper = Keeper()
    rank = Rank(keeper)
    rank.open = rank.stuck = stuck
    return rank, keeper


def test_nobody_stands_in_line_where_something_else_may_help() -> None:
    rank, keeper = made(stuck=False)
    assert not rank.join(Waiting())  # type: ignore[arg-type]
    assert (list(rank.line), keeper.armed) == ([], 0)


def test_nor_beside_a_server_that_stands_by() -> None:
    rank, _ = made()
    rank.leases.append(Held())
    assert not rank.join(Waiting())  # type: ignore[arg-type]


def test_the_first_to_come_is_served_first_and_the_core_is_told_in_the_end() -> None:
    rank, keeper = made()
    first, second = Waiting(), Waiting(holder="bob")
    assert rank.join(first)  # type: ignore[arg-type]
    assert rank.join(second)  # type: ignore[arg-type]
    assert keeper.armed == 1
    lease = Held()
    rank.pass_on(lease)  # type: ignore[arg-type]
    assert (first.had, second.had, lease.session, lease.turns) == ([lease], [], "ann", 1)
    rank.pass_on(lease)  # type: ignore[arg-type]
    assert (second.had, lease.session, lease.turns) == ([lease], "bob", 2)


def test_who_leaves_is_in_nobodys_way() -> None:
    rank, _ = made()
    gone, patient = Waiting(), Waiting()
    for hand in (gone, patient):
        rank.join(hand)  # type: ignore[arg-type]
    assert rank.quit(gone)  # type: ignore[arg-type]
    assert not rank.quit(gone)  # type: ignore[arg-type]
    rank.pass_on(Held())  # type: ignore[arg-type]
    assert (len(patient.had), gone.had) == (1, [])


def test_waits_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "monotonic", lambda: 10.0)
    rank, _ = made()
    rank.count(Waiting(since=9.9999))  # type: ignore[arg-type]
    rank.count(Waiting(since=9.0))  # type: ignore[arg-type]
    waits, wait_us, times = rank.take_counts()
    assert (waits, sum(times), times[0], len(times)) == (2, 2, 1, len(BOUNDS_US) + 1)
    assert wait_us == pytest.approx(1_000_100, abs=2)
    assert rank.take_counts() == (0, 0, [0] * (len(BOUNDS_US) + 1))


@in_a_loop
async def test_a_client_prefers_the_server_that_it_had() -> None:
    with dance() as on:
        hand = on.turns.hand
        hand.rank = chosen.Rank(Keeper())
        hand.rank.open = True
        own, other = on.leases
        hand.rank.leases += [own, other]
        hand.hold(own)
        hand.leave()
        on.client.send(QUERY)
        on.turn()
        assert hand.lease is own
        assert hand.rank.leases == [other]
        assert received(on.servers[0]) == QUERY
        on.servers[0].send(ANSWER)
        on.turn()
        assert received(on.client) == ANSWER
