"""Pauses: the clients of a database are held while PostgreSQL is restarted or moved, and go on in order after it.

While a database is paused no connection to it begins and none is granted. What is free is closed, and so is what is
being opened, once it is open, and what is leased, when it comes back: in the end PostgreSQL has no connection of ours.
(A client that is just logging in to PostgreSQL by itself goes on with that: it can't begin anew, so it counts as one
that has its lease already.)

Who waits is held apart from the queue. So nobody there has to ask whether a database is paused; and the clock of those
who are held stands still: `blocking_timeout` and patience run only while they could be served. A server that failed
before a pause is tried at once after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from agroal.pool import flushing
from agroal.pool.board import Board
from agroal.pool.effects import CloseReason, Effect
from agroal.pool.flushing import FlushMode
from agroal.pool.lanes import Lane


def pause(board: Board, database: str | None, now: float) -> Iterator[Effect]:
    """Hold the clients of one database (its real name), or (None) of all."""
    board.passage.set(database, False)
    board.waiters.hold([lane for lane in _lanes(board, database) if lane.waiting], now)
    reached = flushing.reached(board, database, None)
    yield from flushing.flush(board, reached, FlushMode.REPLACE, CloseReason.PAUSED, now)


def resume(board: Board, database: str | None, now: float) -> None:
    """Let them go on. `settle` and `fill` serve them."""
    paused = [lane for lane in _lanes(board, database) if not board.passage.is_open(lane.key.database)]
    board.passage.set(database, True)
    for lane in paused:
        board.lanes.succeeded(lane)
    board.waiters.free([lane for lane in paused if lane.held], now)


def _lanes(board: Board, database: str | None) -> list[Lane]:
    return [lane for lane in board.lanes if database in (None, lane.key.database)]
