"""What can be seen of the pool, without changing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sized

from agroal.pool import flushing, snapshot
from agroal.pool.board import Board
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.gate import Gate
from agroal.pool.refusal import wait_reason
from agroal.pool.seats import Observer
from agroal.pool.slot import LEASED, PoolKey
from agroal.pool.waiters import WaitReason


class PoolView:
    """The part of the pool that looks."""

    _board: Board

    def __repr__(self) -> str:
        seats = self._board.seats
        total = len(seats.slots)
        taken = total - len(seats.empty)
        return f"<Pool {taken} of {total} slots, {self.leased} leased, {len(self._board.waiters)} waiting>"

    @property
    def leased(self) -> int:
        """How many clients hold a connection."""
        return sum(slot.state in LEASED for slot in self._board.seats.slots)

    @property
    def queue(self) -> Sized:
        """Who waits, of all keys."""
        return self._board.waiters

    @property
    def stands_by(self) -> bool:
        """Whether a server may go from client to client without being looked at here.

        Not while some are to be closed when they come back.
        """
        board = self._board
        return not (board.validates_first or board.seats.observer or board.seats.marked)

    @property
    def gate(self) -> Gate:
        """Which databases are filled ahead of clients. Whether a client may enter is for the caller to ask."""
        return self._board.gate

    @property
    def passage(self) -> Gate:
        """Which databases' clients are granted connections: those that are not paused."""
        return self._board.passage

    def there(self, database: str | None) -> Counter[bool]:
        """How many connections to one database (its real name), or (None) to any: those clients hold (True), others."""
        return Counter(slot.state in LEASED for slot in flushing.reached(self._board, database, None))

    def leaving(self, database: str | None) -> Counter[bool]:
        """How many of them are on their way out: those that clients hold (True), and others."""
        reached = flushing.reached(self._board, database, None)
        return Counter(slot.state in LEASED for slot in reached if slot.doom)

    def waiting(self, database: str | None) -> int:
        """How many clients wait, held or not."""
        return sum(database in (None, waiter.lane.key.database) for waiter in self._board.waiters.everybody())

    def held(self, database: str | None) -> int:
        """How many clients a pause holds."""
        return sum(database in (None, waiter.lane.key.database) for waiter in self._board.waiters.held)

    def exhausted(self, lined: Collection[PoolKey] = ()) -> set[str]:
        """The caps that keep somebody waiting just now, in words. `lined`: keys with clients that stand in line."""
        seats = self._board.seats
        beside = {lane.cap for key in lined if (lane := self._board.lanes.find(key))}
        waited_for = [cap for cap in seats.caps if cap.waiting or cap in beside]
        full = {f"the limit {cap.limit} of {cap.size} connections" for cap in waited_for if cap.is_full}
        if not seats.empty and len(full) < len(waited_for):
            full.add(f"max_connections, all {len(seats.slots)} of them")
        return full

    def reason(self, key: PoolKey) -> WaitReason:
        """What somebody waits for who stands in line for this key."""
        lane = self._board.lanes.find(key)
        return wait_reason(self._board.seats, lane, len(lane.waiting)) if lane else WaitReason.CONNECTS

    def knows(self, database: str) -> bool:
        """Whether somebody has asked for connections to this database (its real name), or it is paused."""
        return database in self.passage.exceptions or any(lane.key.database == database for lane in self._board.lanes)

    def observe(self, observer: Observer | None) -> None:
        """Call this for every move of a slot."""
        self._board.seats.observer = observer

    def snapshot(self, now: float) -> snapshot.PoolSnapshot:
        board = self._board
        return snapshot.take(board.seats, board.waiters, board.lanes, board.totals, now)

    def forecast(self, mode: FlushMode, database: str | None, user: str | None = None) -> Counter[Fate]:
        """What `flush` would do now to how many connections."""
        return flushing.forecast(flushing.reached(self._board, database, user), mode)
