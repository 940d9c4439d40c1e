"""A world for the pool to live in: clients, PostgreSQL, administrators and time.

Whatever happens in it is noted, told to the pool, and the pool's answer is held against the notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from agroal.errors import ClientFacing, IllegalTransition, ServerRefused, ServerUnavailable
from agroal.pool.board import NOTICE_SPACING
from agroal.pool.core import Pool
from agroal.pool.effects import CloseReason, Effect, Refuse, RefuseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.slot import PoolKey
from agroal.pool.upkeep import AGE_SPREAD, SWEEP_SPACING
from tests.unit.pool.notes import At, Client, Connection, Luck
from tests.unit.pool.orders import Orders

DOWN = ServerUnavailable("connection refused")
NO_DATABASE = ServerRefused({"C": "3D000", "M": 'database "shop" does not exist'})


@dataclass
class World(Orders):
    """What happens, and what the pool answers."""

    def __post_init__(self) -> None:
        self.pool = Pool(self.settings, self.limits, lambda: self.chance, self.now)

    # -- what happens

    def ask(self, key: PoolKey, private: bool = False) -> None:
        self.asked += 1
        client = Client(self.asked, key, private, self.now, held_since=self.now if self.is_paused(key) else None)
        self.waiting.append(client)
        self.take("ask", self.pool.acquire(client.id, key, self.now, private=private))

    def enroll(self, keys: Sequence[PoolKey]) -> None:
        """They have waited elsewhere until now."""
        grants: list[Effect] = []
        for key in keys:
            self.asked += 1
            paused = self.is_paused(key)
            self.waiting.append(Client(self.asked, key, False, self.now, held_since=self.now if paused else None))
            if grant := self.pool.enroll(self.asked, key, self.now, self.now):
                grants.append(grant)
        self.take("ask", grants)
        self.take("ask", self.pool.settle(self.now))

    def give_up(self, client: Client) -> None:
        self.waiting.remove(client)
        self.answers["cancelled"] += 1
        for connection in self.connections.values():
            if connection.client == client.id:
                connection.client, connection.unwanted = None, CloseReason.ABANDONED
        self.take("give up", self.pool.cancel(client.id, self.now))

    def cancel_again(self, client: int) -> None:
        assert self.pool.cancel(client, self.now) == [], "to cancel twice does nothing"

    def release(self, connection: Connection, dirt: CloseReason | None = None) -> None:
        lease, connection.lease = connection.lease, 0
        if connection.at is At.LEASED:
            connection.at = At.BACK
            connection.unwanted = self.verdict(connection, dirt)
        if dirt:
            self.take("release", self.pool.release(connection.slot, lease, self.now, clean=False, reason=dirt))
        else:
            self.take("release", self.pool.release(connection.slot, lease, self.now))

    def hand_on(self, connection: Connection) -> None:
        """A turn is over, and the connection stays where turns are taken, if it may."""
        if not self.pool.recount(connection.slot, connection.lease, self.now, 0):
            self.release(connection)
            return
        assert self.verdict(connection, None) is None, "it has to go"
        waits = bool(self.queue(connection.key, private=False))
        if grant := self.pool.hand_on(connection.slot, self.now):
            connection.lease, connection.at = 0, At.BACK
            self.take("hand on", [grant])
        assert (grant is not None) == (waits and self.pool.passage.is_open(connection.key.database)), "who is next"

    def decline(self, connection: Connection) -> None:
        lease, connection.lease = connection.lease, 0
        if connection.at is At.LEASED:
            connection.at = At.BACK
            connection.unwanted = self.verdict(connection, None)
        self.take("decline", self.pool.decline(connection.slot, lease, self.now))

    def verdict(self, connection: Connection, dirt: CloseReason | None) -> CloseReason | None:
        if dirt:
            return dirt
        if connection.unwanted:
            return connection.unwanted
        if connection.private:
            return CloseReason.PASS_THROUGH
        if self.now >= connection.retire_at:
            return CloseReason.TOO_OLD
        return CloseReason.LIMIT_LOWERED if self.excess(self.limit(connection.key)) else None

    def connected(self, connection: Connection) -> None:
        age = self.settings.max_connection_age
        connection.at = At.BACK
        connection.retire_at = self.now + age * (1 - AGE_SPREAD * self.chance) if age else math.inf
        if not connection.private:
            self.luck[connection.key] = Luck()
        self.take("connected", self.pool.connected(connection.slot, self.now))

    def connect_failed(self, connection: Connection, error: ClientFacing = DOWN) -> None:
        del self.connections[connection.slot]
        if not connection.private and not connection.unwanted:
            self.note_failure(connection)
        concerned = [one.id for one in self.waiting if (one.key, one.private) == (connection.key, connection.private)]
        effects = self.pool.connect_failed(connection.slot, error, self.now)
        for effect in effects:
            if isinstance(effect, Refuse) and effect.reason is RefuseReason.CONNECT_FAILED:
                assert effect.error is error, "the server's own words"
                assert effect.waiter in concerned, "somebody else's bad luck"
        self.take("connect failed", effects)
        coming = self.opening(False, connection.key) + self.asked_of(connection.key)
        if connection.private or connection.unwanted:
            return
        if error is NO_DATABASE:
            assert not self.queue(connection.key, private=False), "time won't mend it"
        elif not self.of(connection, At.LEASED, wanted=True):
            assert len(self.queue(connection.key, private=False)) <= coming, "the hopeless are refused at once"

    def note_failure(self, connection: Connection) -> None:
        luck = self.luck.setdefault(connection.key, Luck())
        if connection.began >= luck.retry_at:
            luck.failures += 1
            doubled = self.settings.retry_first * 2 ** (luck.failures - 1)
            luck.retry_at = self.now + min(self.settings.retry_cap, doubled) * (1 - self.chance / 2)
            luck.refill_at = self.now + min(self.settings.refill_cap, doubled) * (1 - self.chance / 2)

    def validated(self, connection: Connection, alive: bool) -> None:
        connection.at = At.BACK
        connection.unwanted = None if alive else CloseReason.INVALID
        if alive and not self.queue(connection.key, private=False):
            connection.unwanted = self.wear(connection)
        self.take("validated", self.pool.validated(connection.slot, alive, self.now))

    def wear(self, connection: Connection) -> CloseReason | None:
        limit, idle = self.limit(connection.key), self.settings.idle_timeout
        if self.excess(limit):
            return CloseReason.LIMIT_LOWERED
        if self.now >= connection.retire_at:
            return CloseReason.TOO_OLD
        if idle and self.now >= connection.idle_since + idle and self.spare(limit) > 0:
            return CloseReason.IDLE
        return None

    def spoiled(self, connection: Connection) -> None:
        """A free one has said something."""
        connection.at, connection.unwanted = At.BACK, CloseReason.SPOKE_WHILE_IDLE
        self.take("spoiled", self.pool.spoiled(connection.slot, CloseReason.SPOKE_WHILE_IDLE, self.now))

    def closed(self, connection: Connection) -> None:
        """PostgreSQL has ended it: as we asked, or by itself."""
        del self.connections[connection.slot]
        self.take("closed", self.pool.closed(connection.slot, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, with every tick that the pool asks for."""
        until = self.now + seconds
        while (deadline := self.pool.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.tick()
            self.check()
            after = self.pool.next_deadline()
            assert after is None or after > self.now, "a deadline that was kept is over"
        self.now = until

    def sleep(self, seconds: float) -> None:
        """Let time pass with one tick, late, at its end."""
        self.now += seconds
        self.tick()

    def tick(self) -> None:
        self.take("tick", self.pool.tick(self.now))
        timeout = self.settings.blocking_timeout
        waiting = [client for client in self.waiting if not client.alone and client.held_since is None]
        late = [client for client in waiting if timeout and self.now >= client.since + timeout]
        assert not late, "nobody waits longer than blocking_timeout"
        if notice := self.settings.wait_notice_timeout:
            due = notice + NOTICE_SPACING
            told = [client.told or self.now < client.since + due for client in self.waiting if not client.alone]
            assert all(told), "who waits for long is told"
        slack = SWEEP_SPACING * self.settings.max_connections
        for connection in self.having(At.IDLE):
            assert self.now < connection.retire_at + slack, "too old and still there"
            if idle := self.settings.idle_timeout:
                limit = self.limit(connection.key)
                due = connection.idle_since + idle
                if limit and limit.min_size:  # there has to be one to spare, and the next look is one timeout later
                    due = max(due, self.tight_at.get(id(limit), 0.0) + idle)
                kept = self.spare(limit) <= 0
                assert kept or self.now < due + slack, "idle for too long and still there"

    # -- what can't happen

    def news_of_nothing(self, slot: int, lease: int) -> None:
        """They are refused."""
        slot %= self.settings.max_connections
        connection = self.connections.get(slot)
        if not lease or connection is None or connection.lease != lease:
            with pytest.raises(IllegalTransition):
                self.pool.release(slot, lease, self.now)
        if connection is None or connection.at is At.OPENING:
            with pytest.raises(IllegalTransition):
                self.pool.closed(slot, self.now)
        if connection is None or connection.at is not At.OPENING:
            with pytest.raises(IllegalTransition):
                self.pool.connected(slot, self.now)
            with pytest.raises(IllegalTransition):
                self.pool.connect_failed(slot, DOWN, self.now)
        if connection is None or connection.at is not At.ASKED:
            with pytest.raises(IllegalTransition):
                self.pool.validated(slot, True, self.now)

    # -- more at a time

    def servers_answer(self) -> None:
        """All are well."""
        for connection in self.having(At.OPENING):
            self.connected(connection)
            self.check()
        for connection in self.having(At.ASKED):
            if connection.at is At.ASKED:
                self.validated(connection, alive=True)
                self.check()

    def come_and_go(self) -> None:
        """All who can be served are, and give back what they hold."""
        self.servers_answer()
        for connection in self.leased():
            self.release(connection)
            self.check()

    def quiet(self, seconds: float) -> None:
        """Nobody wants anything, and the servers answer."""
        self.come_and_go()
        for _ in range(4):
            self.wait(seconds / 4)
            self.servers_answer()

    def outage(self, seconds: int, key: PoolKey) -> None:
        """No server can be reached, though somebody asks all the time: it is tried a few times a second at most."""
        self.tried.clear()
        for _ in range(seconds * 10):
            for connection in self.having(At.OPENING):
                self.connect_failed(connection)
            if len(self.waiting) < 12:
                self.ask(key)
            self.check()
            self.wait(0.1)
        # Those that begin before the first has failed; then, with the luckiest dice, after 1/8, 1/4, 1/2, 1/2 … second.
        most = self.share() + 2 + 2 * seconds
        assert max(self.tried.values(), default=0) <= most, "a server that is down is left in peace"

    # -- the end

    def go_home(self) -> None:
        """All leave, all connects succeed, everything is flushed: then nothing is left."""
        self.switch(None, False)
        while self.waiting:
            self.give_up(self.waiting[0])
        for connection in self.having(At.OPENING):
            self.connected(connection)
        for connection in list(self.connections.values()):
            if connection.lease:
                self.release(connection)
        self.flush(FlushMode.IDLE, None)
        for connection in self.having(At.CLOSING):
            self.closed(connection)
        assert not self.connections, "every slot is empty in the end"
        picture = self.pool.snapshot(self.now)
        assert not picture.slots, "every slot is empty in the end"
        assert not picture.waiters, "nobody waits in the end"
        assert self.asked == self.answers.total(), "everybody was answered"
