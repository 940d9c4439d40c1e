"""What can be seen of the pool, without changing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized

from agroal.pool import flushing, snapshot
from agroal.pool.board import Board
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.gate import Gate
from agroal.pool.seats import Observer
from agroal.pool.slot import LEASED


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
        """Whether a server may go from client to client without being looked at here."""
        board = self._board
        return not board.validates_first and board.seats.observer is None

    @property
    def gate(self) -> Gate:
        """Which databases are filled ahead of clients. Whether a client may enter is for the caller to ask."""
        return self._board.gate

    @property
    def exhausted(self) -> set[str]:
        """The caps that keep somebody waiting just now, in words."""
        seats = self._board.seats
        waited_for = [cap for cap in seats.caps if cap.waiting]
        full = {f"the limit {cap.limit} of {cap.size} connections" for cap in waited_for if cap.is_full}
        if not seats.empty and len(full) < len(waited_for):
            full.add(f"max_connections, all {len(seats.slots)} of them")
        return full

    def knows(self, database: str) -> bool:
        """Whether somebody has asked for connections to this database (its real name)."""
        return any(lane.key.database == database for lane in self._board.lanes)

    def observe(self, observer: Observer | None) -> None:
        """Call this for every move of a slot."""
        self._board.seats.observer = observer

    def snapshot(self, now: float) -> snapshot.PoolSnapshot:
        board = self._board
        return snapshot.take(board.seats, board.waiters, board.lanes, board.totals, now)

    def forecast(self, mode: FlushMode, database: str | None, user: str | None = None) -> Counter[Fate]:
        """What `flush` would do now to how many connections."""
        return flushing.forecast(flushing.reached(self._board, database, user), mode)
