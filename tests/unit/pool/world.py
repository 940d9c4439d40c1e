"""A world for the pool to live in: clients, PostgreSQL, administrators and time.

Whatever happens in it is noted, told to the pool, and the pool's answer is held against the notes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from agroal.errors import ClientFacing, ServerUnavailable
from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse, RefuseReason
from agroal.pool.slot import PoolKey
from agroal.pool.upkeep import AGE_SPREAD, SWEEP_SPACING, FlushMode
from tests.unit.pool.notes import At, Client, Connection, Luck
from tests.unit.pool.promises import Promises

DOWN = ServerUnavailable("connection refused")


@dataclass
class World(Promises):
    """What happens, and what the pool answers."""

    def __post_init__(self) -> None:
        self.pool = Pool(self.settings, self.limits, lambda: self.chance, self.now)

    # -- what happens

    def ask(self, key: PoolKey, private: bool = False) -> None:
        self.asked += 1
        client = Client(self.asked, key, private, self.now)
        self.waiting.append(client)
        self.take("ask", self.pool.acquire(client.id, key, self.now, private=private))

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
        return CloseReason.TOO_OLD if self.now >= connection.retire_at else None

    def connected(self, connection: Connection) -> None:
        age = self.settings.max_connection_age
        connection.at = At.BACK
        connection.retire_at = self.now + age * (1 - AGE_SPREAD * self.chance) if age else math.inf
        if not connection.private:
            self.luck[connection.key] = Luck()
        self.take("connected", self.pool.connected(connection.slot, self.now))

    def connect_failed(self, connection: Connection, error: ClientFacing = DOWN) -> None:
        del self.connections[connection.slot]
        if not connection.private:
            self.note_failure(connection)
        effects = self.pool.connect_failed(connection.slot, error, self.now)
        for effect in effects:
            if isinstance(effect, Refuse) and effect.reason is RefuseReason.CONNECT_FAILED:
                assert effect.error is error, "the server's own words"
        self.take("connect failed", effects)
        if not connection.private and not self.of(connection, At.LEASED, wanted=True):
            opening = len(self.of(connection, At.OPENING, wanted=True))
            assert len(self.queue(connection.key, private=False)) <= opening, "the hopeless are refused at once"

    def note_failure(self, connection: Connection) -> None:
        luck = self.luck.setdefault(connection.key, Luck())
        if connection.began >= luck.retry_at:
            luck.failures += 1
            longest = min(self.settings.retry_cap, self.settings.retry_first * 2 ** (luck.failures - 1))
            luck.retry_at = self.now + longest * (1 - self.chance / 2)

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
        late = [
            client for client in self.waiting if timeout and not client.alone and self.now >= client.since + timeout
        ]
        assert not late, "nobody waits longer than blocking_timeout"
        slack = SWEEP_SPACING * self.settings.max_connections
        for connection in self.having(At.IDLE):
            assert self.now < connection.retire_at + slack, "too old and still there"
            if idle := self.settings.idle_timeout:
                limit = self.limit(connection.key)
                if limit and limit.min_size:
                    idle *= (
                        2  # it may have been kept by min_size, until another came: the next look is one timeout later
                    )
                kept = self.spare(limit) <= 0
                assert kept or self.now < connection.idle_since + idle + slack, "idle for too long and still there"

    def flush(self, mode: FlushMode, database: str | None) -> None:
        hit = [one for one in self.connections.values() if database in (None, one.key.database)]
        idle = [one for one in hit if one.at is At.IDLE]
        leased = [one for one in hit if one.at is At.LEASED]
        for one in hit:
            if (mode is FlushMode.ALL and one.at is At.OPENING) or (
                mode is FlushMode.GRACEFULLY and one.at is At.LEASED
            ):
                one.unwanted = one.unwanted or CloseReason.FLUSHED
        self.take("flush", self.pool.flush(mode, database, self.now))
        assert all(one.at is At.CLOSING for one in idle), "a flush leaves nothing idle"
        assert all((one.at is At.CLOSING) == (mode is FlushMode.ALL) for one in leased)

    # -- what the pool answers

    def take(self, event: str, effects: list[Effect]) -> None:
        self.event = event
        for effect in effects:
            match effect:
                case Connect():
                    self.on_connect(effect)
                case Grant():
                    self.on_grant(effect)
                case Refuse():
                    self.on_refuse(effect)
                case Close():
                    self.on_close(effect)
        for connection in self.having(At.BACK):
            assert not connection.unwanted, f"{connection} must be closed, not kept"
            connection.at, connection.idle_since = At.IDLE, self.now
        self.event = ""

    def on_connect(self, effect: Connect) -> None:
        private = effect.waiter is not None
        assert effect.slot not in self.connections, "a seat that is taken"
        connection = Connection(effect.slot, effect.key, private, self.now, effect.waiter)
        self.connections[effect.slot] = connection
        queue = self.queue(effect.key, private)
        assert self.opening(private, effect.key) <= self.share(), "a pool's share of the connects"
        if private:
            assert queue, "a connect that nobody needs"
            assert queue[0].id == effect.waiter, "out of turn"
            queue[0].alone = True
            return
        opening = len(self.of(connection, At.OPENING, wanted=True))
        assert opening <= len(queue), "a connect that nobody needs"
        luck = self.luck.get(effect.key, Luck())
        assert self.now >= luck.retry_at, "the server is left alone for a while"
        assert opening == 1 or not luck.failures, "a server that failed is tried with one connect"

    def on_grant(self, effect: Grant) -> None:
        connection = self.connections[effect.slot]
        client = self.answered(effect.waiter, "granted")
        assert connection.at in (At.IDLE, At.BACK), "leased twice, or not there"
        assert not connection.unwanted, "a connection that must be closed"
        assert (connection.key, connection.private) == (client.key, client.private), "another key's connection"
        if connection.private:
            assert connection.client == client.id, "somebody else's own connection"
        else:
            assert all(client.since <= other.since for other in self.queue(client.key, private=False)), "out of turn"
        assert effect.lease > self.leases, "a lease number of its own"
        self.leases = effect.lease
        connection.at, connection.lease = At.LEASED, effect.lease

    def on_refuse(self, effect: Refuse) -> None:
        client = self.answered(effect.waiter, "refused")
        if effect.reason is RefuseReason.POOL_IS_FULL:
            assert self.now >= client.since + self.settings.blocking_timeout, "too early"
            assert not client.alone
        if effect.reason is RefuseReason.FLUSHED:
            for one in self.connections.values():
                if one.client == client.id:
                    assert one.unwanted, "this one was not flushed"
                    one.client = None

    def on_close(self, effect: Close) -> None:
        connection = self.connections[effect.slot]
        assert connection.at in (At.IDLE, At.BACK, At.LEASED), "nothing there to close"
        if connection.at is At.BACK and connection.unwanted:
            assert effect.reason is connection.unwanted, f"closed for another reason: {effect.reason.name}"
        if connection.at is At.LEASED:
            assert self.event == "flush", "closed under its client"
        if effect.reason is CloseReason.IDLE:
            assert self.now >= connection.idle_since + self.settings.idle_timeout, "not idle for that long"
            assert self.spare(self.limit(connection.key)) > 0, "min_size stays"
        if effect.reason is CloseReason.TOO_OLD:
            assert self.now >= connection.retire_at, "not that old"
        if effect.reason is CloseReason.MAKING_ROOM:
            self.check_that_somebody_gains(connection)
        connection.at = At.CLOSING

    def check_that_somebody_gains(self, connection: Connection) -> None:
        limit = self.limit(connection.key)
        for key, private in self.lanes():
            other = self.limit(key)
            for client in self.uncovered(key, private)[:1]:
                reach = other is limit or (self.room(other) and not self.empty() and self.spare(limit) > 0)
                if reach and self.fair(connection, client):
                    return
        raise AssertionError("nobody gains by this")

    def answered(self, waiter: int, how: str) -> Client:
        client = next((client for client in self.waiting if client.id == waiter), None)
        assert client, "an answer to nobody"
        self.waiting.remove(client)
        self.answers[how] += 1
        return client

    # -- a life of its own

    def live(self, dice: Random, keys: list[PoolKey], steps: int) -> None:
        """A busy time: clients come as fast as they are served, most connects succeed, most clients are clean."""
        for _ in range(steps):
            self.wait(dice.choice([0.0, 0.001, 0.02]))
            self.something(dice, keys)
            self.check()

    def something(self, dice: Random, keys: list[PoolKey]) -> None:
        opening, closing, idle, leased = (self.having(at) for at in (At.OPENING, At.CLOSING, At.IDLE, At.LEASED))
        match dice.choices(range(9), [30, 25, 20, 20, 2, 2, 1, 1, 6])[0]:
            case 0 if len(self.waiting) < 12:
                self.ask(dice.choice(keys), private=dice.random() < 0.1)
            case 1 if self.leased():
                self.release(dice.choice(self.leased()), dice.choice([None] * 9 + [CloseReason.DIRTY]))
            case 2 if opening:
                self.connected(dice.choice(opening))
            case 3 if closing:
                self.closed(dice.choice(closing))
            case 4 if opening:
                self.connect_failed(dice.choice(opening))
            case 5 if idle + leased:
                self.closed(dice.choice(idle + leased))
            case 6 if self.waiting:
                self.give_up(dice.choice(self.waiting))
            case 7:
                self.flush(dice.choice(list(FlushMode)), dice.choice([None, *{key.database for key in keys}]))
            case 8:
                self.wait(dice.choice([0.01, 0.1, 0.5, 1.0]))

    # -- the end

    def go_home(self) -> None:
        """All leave, all connects succeed, everything is flushed: then nothing is left."""
        for client in list(self.waiting):
            self.give_up(client)
        for connection in self.having(At.OPENING):
            self.connected(connection)
        for connection in list(self.connections.values()):
            if connection.lease:
                self.release(connection)
        self.flush(FlushMode.IDLE, None)
        for connection in self.having(At.CLOSING):
            self.closed(connection)
        assert not self.connections
        picture = self.pool.snapshot(self.now)
        assert not picture.slots
        assert not picture.waiters
        assert self.asked == self.answers.total()
