"""What the pool promises, held against the notes."""

from __future__ import annotations

import pytest

from agroal.config.choices import Validation
from agroal.pool.core import Pool
from agroal.pool.limits import Limit
from agroal.pool.slot import FREE, LEASED, VALIDATION, PoolKey
from agroal.pool.waiters import WaitReason
from tests.unit.pool.notes import At, Luck, Notes


class Promises(Notes):
    """Each `check` raises AssertionError with the promise that was broken."""

    pool: Pool

    def check(self) -> None:
        self.check_caps()
        self.check_pauses()
        self.check_that_nobody_waits_in_vain()
        self.check_deadline()
        self.check_snapshot()

    def check_caps(self) -> None:
        assert len(self.connections) <= self.settings.max_connections, "max_connections"
        for limit in self.limits:
            there, grace = len(self.under(limit)), self.grace.get(id(limit), 0)
            assert there <= max(limit.max_size, grace), "max_size"
            self.grace[id(limit)] = min(there, grace)
            assert not self.excess(limit) or not [one for one in self.under(limit) if one.at is At.IDLE], (
                "a free connection is one too many"
            )
        assert len(self.having(At.OPENING)) <= self.settings.connects_at_once, "connects_at_once"
        leases = [connection.lease for connection in self.having(At.LEASED)]
        assert 0 not in leases
        assert len(set(leases)) == len(leases)

    def check_pauses(self) -> None:
        for connection in self.connections.values():
            if self.is_paused(connection.key):
                assert connection.at not in (At.IDLE, At.ASKED), "a paused database has a free connection"
                assert connection.private or connection.at is At.CLOSING or connection.unwanted, "it will stay"
        marked = [one for one in self.having(At.LEASED) if one.unwanted]
        assert self.pool.stands_by != bool(marked or self.settings.validation is Validation.FOREGROUND), "by itself"

    def check_that_nobody_waits_in_vain(self) -> None:
        for connection in self.having(At.IDLE):
            waiting = len(self.queue(connection.key, private=False))
            asked = self.asked_of(connection.key) if self.settings.validation is Validation.FOREGROUND else 0
            assert waiting <= asked, "somebody waits beside a free connection of theirs"
        if len(self.having(At.OPENING)) >= self.settings.connects_at_once:
            return
        for limit in {id(limit): limit for key, _ in self.lanes() for limit in [self.limit(key)]}.values():
            lanes = [(key, private) for key, private in self.lanes() if self.limit(key) is limit]
            needs = sum(len(self.uncovered(key, private)) for key, private in lanes)
            if needs:
                self.check_that_these_can_only_wait(limit, needs)

    def check_that_these_can_only_wait(self, limit: Limit | None, needs: int) -> None:
        closing, idle = self.having(At.CLOSING), self.having(At.IDLE)
        if self.room(limit) <= 0:
            closing = [one for one in closing if self.limit(one.key) is limit]
            idle = [one for one in idle if self.limit(one.key) is limit]
        else:
            assert not self.empty(), "a connection could be opened"
            needs = min(needs, self.room(limit))
            idle = [one for one in idle if self.limit(one.key) is limit or self.spare(self.limit(one.key)) > 0]
        lanes = [(key, private) for key, private in self.lanes() if self.limit(key) is limit]
        first = [client for key, private in lanes for client in self.uncovered(key, private)[:1]]
        idle = [one for one in idle if any(self.fair(one, client) for client in first)]
        needs = min(needs, 1)
        enough = len(closing) >= needs or len(self.having(At.CLOSING)) >= self.settings.connects_at_once
        assert not idle or enough, "an idle connection of another pool could make room"
        if not self.settings.blocking_timeout:
            coming = any(self.opening(private, key) or self.asked_of(key) for key, private in self.lanes())
            assert closing or coming, "who can't be served is refused"

    def check_deadline(self) -> None:
        deadline = self.pool.next_deadline()
        queued = [client for client in self.waiting if not client.alone and client.held_since is None]
        if queued and self.settings.blocking_timeout:
            assert deadline is not None, "somebody waits, and nothing will end it"
            assert deadline <= min(client.since for client in queued) + self.settings.blocking_timeout
        for key, luck in self.luck.items():
            if self.now < luck.retry_at and self.queue(key, private=False):
                assert deadline is not None
                assert deadline <= luck.retry_at, "the server is tried again"

    def check_that_all_is_filled(self) -> None:
        """After what may have opened a gap."""
        opening = len(self.having(At.OPENING))
        for limit in self.limits:
            if self.missing(limit) <= 0 or not self.empty() or self.room(limit) <= 0 or opening >= self.share():
                continue
            key = PoolKey(limit.database, limit.user)
            luck = self.luck.get(key, Luck())
            if self.now < luck.refill_at:
                deadline = self.pool.next_deadline()
                assert deadline is not None
                assert deadline <= luck.refill_at, "the gap is filled as soon as may be"
            else:
                assert luck.failures, "a connection is missing, and could be opened"
                assert self.opening(False, key), "the server is tried again"

    def check_snapshot(self) -> None:
        picture = self.pool.snapshot(self.now)
        assert {row.index: row.lease for row in picture.slots} == {
            one.slot: one.lease for one in self.connections.values()
        }
        assert sum(row.idle for row in picture.pools) == len(self.having(At.IDLE))
        assert sum(row.active for row in picture.pools) == len(self.having(At.LEASED)) == self.pool.leased
        assert sum(row.active + row.idle + row.other for row in picture.pools) == len(self.connections)
        assert {row.index for row in picture.slots if row.state is FREE} == {one.slot for one in self.having(At.IDLE)}
        assert {row.index for row in picture.slots if row.state is VALIDATION} == {
            one.slot for one in self.having(At.ASKED)
        }
        assert {row.index for row in picture.slots if row.state in LEASED} == {
            one.slot for one in self.having(At.LEASED)
        }
        queue = [client for client in self.waiting if not client.alone]
        shown = [(client.id, client.came, client.held_since is not None) for client in queue]
        assert [
            (row.waiter, pytest.approx(row.since), row.reason is WaitReason.PAUSED) for row in picture.waiters
        ] == shown, "the snapshot shows who waits"
        assert self.pool.held(None) == sum(client.held_since is not None for client in queue)
        totals = picture.totals
        assert totals.leases == self.answers["granted"]
        assert totals.refusals.total() == self.answers["refused"]
        assert totals.cancelled == self.answers["cancelled"]
        assert self.asked == self.answers.total() + len(self.waiting), "exactly one answer each"
