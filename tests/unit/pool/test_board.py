from __future__ import annotations

from agroal.errors import ServerUnavailable
from agroal.pool.board import Board
from agroal.pool.effects import Close, CloseReason, Connect, Grant, Refuse, RefuseReason
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import REMOVE
from agroal.pool.snapshot import Totals
from agroal.pool.waiters import Waiter
from tests.unit.pool.shell import WEB, Shell


def test_a_move_changes_the_pieces_counts_itself_and_says_what_to_do() -> None:
    board = Board(PoolSettings(), [])
    waiter = Waiter(7, board.lanes.get(WEB, False, 0.0), 0.0)
    board.queue(waiter)
    assert board.connect(waiter, 0.0) == Connect(0, WEB)
    slot = board.seats.slots[0]
    assert board.serve(waiter, slot, 2.0) == Grant(7, 0, 1)
    assert (len(board.waiters), slot.lease, slot.leases) == (0, 1, 1)
    assert board.close(slot, REMOVE, CloseReason.DIRTY, 3.0) == Close(0, CloseReason.DIRTY)
    board.vacate(slot, CloseReason.DIRTY, 4.0)
    down = ServerUnavailable("connection refused")
    assert board.refuse(8, down, RefuseReason.CONNECT_FAILED) == Refuse(8, down, RefuseReason.CONNECT_FAILED)
    assert (board.totals.leases, board.totals.waits, board.totals.wait_us) == (1, 1, 2_000_000)
    assert board.totals.closes == {CloseReason.DIRTY: 1}
    assert board.totals.refusals == {RefuseReason.CONNECT_FAILED: 1}


def test_who_waits_for_a_connection_of_its_own_leaves_the_queue_when_the_connect_begins() -> None:
    board = Board(PoolSettings(), [])
    waiter = Waiter(7, board.lanes.get(WEB, True, 0.0), 0.0)
    board.queue(waiter)
    assert board.connect(waiter, 0.0) == Connect(0, WEB, 7)
    assert 7 not in board.waiters
    assert board.private == {7: board.seats.slots[0]}


def test_the_totals_count_what_happened() -> None:
    shell = Shell(PoolSettings(max_connections=2, blocking_timeout=10))
    held, dirty = shell.leases(2)
    served, given_up, late = shell.ask_all(3)
    shell.now = 2.5
    shell.release(held)
    shell.pool.cancel(given_up, 2.5)
    shell.do(shell.pool.release(dirty.slot, dirty.lease, 2.5, clean=False, reason=CloseReason.RESET_FAILED))
    shell.close()
    shell.fail()
    shell.wait(7.5)
    assert served in shell.grants
    assert late in shell.refusals
    totals = shell.pool.snapshot(10.0).totals
    assert totals == Totals(
        leases=3,
        waits=5,
        wait_us=15_000_000,
        timeouts=1,
        cancelled=1,
        connects=2,
        connect_failures=1,
        refusals=totals.refusals,
        closes=totals.closes,
    )
    assert totals.refusals == {RefuseReason.CONNECT_FAILED: 1}
    assert totals.closes == {CloseReason.RESET_FAILED: 1}
    (row,) = shell.pool.snapshot(10.0).pools
    assert (row.leases, row.waits, row.wait_us, row.timeouts) == (3, 5, 15_000_000, 1)
