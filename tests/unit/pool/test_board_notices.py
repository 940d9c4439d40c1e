"""Who waits for `wait_notice_timeout` is told where it stands."""

from __future__ import annotations

from agroal.pool.board import NOTICE_SPACING
from agroal.pool.effects import Notify
from agroal.pool.settings import PoolSettings
from tests.unit.pool.shell import BATCH, STARTING, WEB, Shell


def crowded(notice: float = 2.0) -> Shell:
    """One connection, and somebody has it."""
    shell = Shell(PoolSettings(max_connections=1, wait_notice_timeout=notice))
    shell.lease()
    return shell


def test_who_waits_is_told_when_the_time_has_come_and_not_before() -> None:
    shell = crowded()
    waiter = shell.ask()
    assert shell.pool.next_deadline() == 2.0
    shell.wait(1.99)
    assert shell.notices == []
    shell.wait(0.01)
    assert shell.notices == [Notify(waiter, 1, None)]


def test_once_is_enough() -> None:
    shell = crowded()
    shell.ask()
    for _ in range(10):
        shell.wait(2.0)
    assert len(shell.notices) == 1
    assert shell.pool.next_deadline() == 30.0


def test_the_position_counts_those_who_wait_for_the_same() -> None:
    shell = crowded()
    first, other, second = shell.ask(WEB), shell.ask(BATCH), shell.ask(WEB)
    gone = shell.ask(WEB)
    third = shell.ask(WEB)
    shell.pool.cancel(gone, 0.0)
    shell.wait(2.0)
    assert {notice.waiter: notice.position for notice in shell.notices} == {first: 1, other: 1, second: 2, third: 3}


def test_who_comes_later_is_told_later() -> None:
    shell = crowded()
    early = shell.ask()
    shell.now = 1.0
    late = shell.ask()
    shell.wait(1.0)
    assert [notice.waiter for notice in shell.notices] == [early]
    assert shell.pool.next_deadline() == 3.0
    shell.wait(1.0)
    assert shell.notices[1:] == [Notify(late, 2, None)]


def test_those_who_come_one_after_another_are_told_together() -> None:
    shell = crowded()
    for _ in range(30):
        shell.ask()
        shell.now += 0.01
    shell.wait(2.0 - shell.now)
    assert len(shell.notices) == 1
    assert shell.pool.next_deadline() == 2.0 + NOTICE_SPACING
    shell.wait(NOTICE_SPACING / 2)
    assert len(shell.notices) == 1
    shell.wait(NOTICE_SPACING / 2 + 0.001)
    assert 10 <= len(shell.notices) <= 11


def test_the_notice_says_what_the_server_said() -> None:
    shell = Shell(PoolSettings(wait_notice_timeout=2.0, retry_first=60, retry_cap=60))
    shell.ask()
    shell.fail()
    waiter = shell.ask()
    shell.wait(2.0)
    assert shell.notices == [Notify(waiter, 1, STARTING)]


def test_nobody_is_told_when_the_notice_is_turned_off() -> None:
    shell = crowded(notice=0.0)
    shell.ask()
    assert shell.pool.next_deadline() == 30.0
    shell.wait(29.0)
    assert shell.notices == []


def test_who_was_answered_in_time_is_not_told() -> None:
    shell = Shell(PoolSettings(max_connections=1, wait_notice_timeout=2.0))
    held = shell.lease()
    shell.ask()
    shell.release(held)
    shell.wait(2.0)
    assert shell.notices == []


def test_who_logs_in_by_itself_is_told_while_it_waits_for_a_seat() -> None:
    shell = crowded()
    waiter = shell.ask(private=True)
    shell.wait(2.0)
    assert shell.notices == [Notify(waiter, 1, None)]
