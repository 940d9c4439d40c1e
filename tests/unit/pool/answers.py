"""What the pool answers, held against the notes."""

from __future__ import annotations

from agroal.config.choices import Validation
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Notify, Refuse, RefuseReason, Validate
from tests.unit.pool.notes import At, Client, Connection, Luck
from tests.unit.pool.promises import Promises


class Answers(Promises):
    """`take` what it answers: each effect is carried out in the notes, if it is right."""

    def take(self, event: str, effects: list[Effect]) -> None:
        self.event = event
        self.note_sizes()
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
                case Validate():
                    self.on_validate(effect)
                case Notify():
                    self.on_notify(effect)
            self.note_sizes()
        for connection in self.having(At.BACK):
            assert not connection.unwanted, f"{connection} must be closed, not kept"
            connection.at, connection.free_since = At.IDLE, self.now
            if event != "validated":
                connection.idle_since = self.now
        self.note_what_is_tight()
        if event not in ("ask", "give up", "release", "decline", "validated"):
            self.note_what_is_filled()
            self.check_that_all_is_filled()
        self.event = ""

    def note_what_is_tight(self) -> None:
        self.tight_at |= {id(limit): self.now for limit in self.limits if self.spare(limit) <= 0}

    def note_what_is_filled(self) -> None:
        for limit in self.limits:
            opening = sum(one.at is At.OPENING for one in self.under(limit))
            if self.staying(limit) - opening >= limit.initial_size:
                self.filled.add((limit.database, limit.user))

    def on_connect(self, effect: Connect) -> None:
        private = effect.waiter is not None
        assert effect.slot not in self.connections, "a seat that is taken"
        assert not self.is_paused(effect.key), "a connect to a paused database"
        connection = Connection(effect.slot, effect.key, private, self.now, effect.waiter)
        self.connections[effect.slot] = connection
        assert self.room(self.limit(effect.key)) >= 0, "a connect beyond the limit"
        queue = self.queue(effect.key, private)
        assert self.opening(private, effect.key) <= self.share(), "a pool's share of the connects"
        if private:
            assert queue, "a connect that nobody needs"
            assert queue[0].id == effect.waiter, "out of turn"
            queue[0].alone = True
            return
        self.tried[effect.key] += 1
        opening = len(self.of(connection, At.OPENING, wanted=True))
        luck = self.luck.get(effect.key, Luck())
        if opening > len(queue):
            limit = self.limit(effect.key)
            assert limit, "a connect that nobody needs"
            assert not effect.key.secret, "a connect with a password that nobody gives"
            assert self.missing(limit) >= 0, "a connect that nobody needs"
            assert self.now >= luck.refill_at, "the server is left alone for longer when nobody waits"
            assert len(self.having(At.OPENING)) <= self.share(), "clients have their part of the connects"
        assert self.now >= luck.retry_at, "the server is left alone for a while"
        assert opening == 1 or not luck.failures, "a server that failed is tried with one connect"

    def on_grant(self, effect: Grant) -> None:
        connection = self.connections[effect.slot]
        client = self.answered(effect.waiter, "granted")
        assert connection.at in (At.IDLE, At.BACK), "leased twice, or not there"
        if connection.at is At.IDLE:
            assert self.settings.validation != Validation.FOREGROUND, "nobody asked whether it still works"
        assert not connection.unwanted, "a connection that must be closed"
        assert (connection.key, connection.private) == (client.key, client.private), "another key's connection"
        if connection.private:
            assert connection.client == client.id, "somebody else's own connection"
        else:
            assert all(client.since <= other.since for other in self.queue(client.key, private=False)), "out of turn"
        assert effect.lease > self.leases, "a lease number of its own"
        assert client.held_since is None, "its database is paused"
        self.leases = effect.lease
        connection.at, connection.lease = At.LEASED, effect.lease

    def on_refuse(self, effect: Refuse) -> None:
        client = self.answered(effect.waiter, "refused")
        assert client.held_since is None, "who is held is not refused"
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
        assert connection.at in (At.IDLE, At.BACK, At.LEASED, At.ASKED), "nothing there to close"
        assert connection.at is not At.ASKED or self.event in ("flush", "pause"), "it was to be asked first"
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
        if effect.reason is CloseReason.LIMIT_LOWERED:
            assert self.excess(self.limit(connection.key)), "not one too many"
        connection.at = At.CLOSING
        self.note_what_is_tight()

    def on_validate(self, effect: Validate) -> None:
        connection = self.connections[effect.slot]
        assert connection.at is At.IDLE, "only what is free is asked"
        connection.at = At.ASKED
        if self.settings.validation == Validation.FOREGROUND:
            waiting = len(self.queue(connection.key, private=False))
            assert self.asked_of(connection.key) <= waiting, "a question that nobody needs"
        else:
            assert self.settings.validation == Validation.BACKGROUND, "a question that nobody needs"
            assert len(self.having(At.ASKED)) <= self.settings.validations_at_once, "some at a time"
            assert connection.free_since < self.now, "it has just been heard of"

    def on_notify(self, effect: Notify) -> None:
        client = next(one for one in self.waiting if one.id == effect.waiter)
        assert not client.told, "once is enough"
        client.told = True
        assert self.settings.wait_notice_timeout
        assert self.now >= client.since + self.settings.wait_notice_timeout, "too early"
        mine = [one for one in self.waiting if (one.key, one.private) == (client.key, client.private)]
        position = [one for one in mine if not one.alone].index(client) + 1
        assert effect.paused == (client.held_since is not None), "why it waits"
        assert effect.position == position, "where it stands"

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
