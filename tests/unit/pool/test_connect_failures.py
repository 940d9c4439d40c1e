"""PostgreSQL is down, or refuses: who is told, and when it is tried again."""

from __future__ import annotations

import pytest

from agroal.errors import ServerRefused, ServerUnavailable
from agroal.pool.effects import Connect, RefuseReason
from agroal.pool.settings import PoolSettings
from tests.unit.pool.shell import BATCH, STARTING, WEB, WRONG_PASSWORD, Shell


def test_the_waiters_get_the_servers_own_error_at_once() -> None:
    shell = Shell()
    waiters = shell.ask_all(3)
    for _ in waiters:
        shell.fail()
    assert sorted(shell.refusals) == waiters
    assert all(refusal.error is STARTING for refusal in shell.refusals.values())
    assert {refusal.reason for refusal in shell.refusals.values()} == {RefuseReason.CONNECT_FAILED}


def test_who_waits_without_a_connect_of_its_own_is_refused_with_the_first_that_fails() -> None:
    shell = Shell(PoolSettings(connects_at_once=2))
    first, *others = shell.ask_all(5)
    shell.fail()
    assert sorted(shell.refusals) == [first, *others]
    assert shell.connects == []


def test_as_many_keep_waiting_as_there_are_other_connects_under_way() -> None:
    shell = Shell()
    first, second, third = shell.ask_all(3)
    shell.fail()
    assert list(shell.refusals) == [third]
    shell.connect_all()
    assert list(shell.grants) == [first, second]


def test_while_a_connection_is_leased_the_waiters_keep_their_place() -> None:
    shell = Shell()
    held = shell.lease()
    waiter = shell.ask()
    shell.fail()
    assert shell.refusals == {}
    shell.release(held)
    assert list(shell.grants) == [waiter]


def test_who_waits_in_vain_beside_a_failing_server_is_told_what_it_said() -> None:
    shell = Shell(PoolSettings(blocking_timeout=10, retry_cap=60))
    shell.lease()
    waiter = shell.ask()
    shell.fail()
    shell.wait(10)
    assert shell.refusals[waiter].error is STARTING
    assert shell.pool.snapshot(10.0).pools[0].timeouts == 1


def test_after_a_failure_the_server_is_left_alone_and_who_comes_then_waits() -> None:
    shell = Shell(PoolSettings(retry_first=0.25))
    shell.ask()
    shell.fail()
    waiter = shell.ask()
    assert shell.connects == []
    assert shell.pool.next_deadline() == 0.25
    shell.wait(0.24)
    assert shell.connects == []
    shell.wait(0.01)
    assert shell.connects == [Connect(0, WEB)]
    shell.connect()
    assert list(shell.grants) == [waiter]


def test_after_a_failure_one_connect_is_tried_for_all() -> None:
    shell = Shell()
    shell.ask()
    shell.fail()
    waiters = shell.ask_all(4)
    shell.wait(1.0)
    assert len(shell.connects) == 1
    shell.connect()
    assert len(shell.connects) == 3
    shell.connect_all()
    assert list(shell.grants) == waiters


def test_the_pauses_double_up_to_the_cap_and_a_success_ends_them() -> None:
    shell = Shell(PoolSettings(retry_first=0.25, retry_cap=1.0))
    pauses = []
    for _ in range(5):
        shell.ask()
        if not shell.connects:
            deadline = shell.pool.next_deadline()
            assert deadline is not None
            pauses.append(deadline - shell.now)
            shell.wait(pauses[-1])
        shell.fail()
    assert pauses == [0.25, 0.5, 1.0, 1.0]
    waiter = shell.ask()
    shell.wait(1.0)
    shell.connect()
    shell.release(shell.grants.pop(waiter))
    shell.pool.closed(0, shell.now)
    shell.ask()
    assert len(shell.connects) == 1


def test_connects_that_fail_together_are_one_failure() -> None:
    shell = Shell(PoolSettings(retry_first=0.25))
    shell.ask_all(8)
    for _ in range(8):
        shell.fail()
    shell.ask()
    assert shell.pool.next_deadline() == 0.25


def test_chance_shortens_a_pause_by_up_to_half() -> None:
    shell = Shell(PoolSettings(retry_first=0.25), chance=1.0)
    shell.ask()
    shell.fail()
    shell.ask()
    assert shell.pool.next_deadline() == 0.125


def test_the_wrong_password_of_one_user_does_not_stop_another() -> None:
    shell = Shell()
    held = shell.lease(BATCH)
    shell.ask(WEB)
    other = shell.ask(BATCH)
    shell.fail(WRONG_PASSWORD)
    assert other not in shell.refusals
    assert [connect.key for connect in shell.connects] == [BATCH]
    shell.release(held)
    assert other in shell.grants
    shell.connect()
    assert shell.ask(BATCH) in shell.grants


def test_a_dead_server_sees_a_trickle_of_connects_whatever_the_crowd() -> None:
    down = ServerUnavailable("connection refused")
    shell = Shell(PoolSettings(blocking_timeout=5, retry_first=0.25, retry_cap=1.0), chance=1.0)
    connects = 0
    for _ in range(6000):
        shell.ask()
        connects += len(shell.connects)
        while shell.connects:
            shell.do(shell.pool.connect_failed(shell.connects.pop().slot, down, shell.now))
        shell.wait(0.01)
    assert 100 < connects < 130  # a minute, two a second: pauses of half a second with the luckiest dice
    assert len(shell.refusals) > 5900


def test_a_failure_that_comes_late_still_counts_after_a_success() -> None:
    shell = Shell()
    shell.ask_all(2)
    shell.connect()
    shell.fail()
    assert shell.refusals == {}  # the other's connection is leased, and may come back
    assert shell.pool.next_deadline() == 0.25


# -- what time won't mend


@pytest.mark.parametrize("code", ["28P01", "28000", "3D000"])
def test_an_error_that_time_does_not_mend_is_told_to_all_who_wait_for_the_same_at_once(code: str) -> None:
    shell = Shell(PoolSettings(connects_at_once=4))
    held = shell.lease()
    waiters = shell.ask_all(5)
    error = ServerRefused({"C": code, "M": "no"})
    shell.fail(error)
    assert sorted(shell.refusals) == waiters
    assert {refusal.error for refusal in shell.refusals.values()} == {error}
    shell.release(held)
    assert shell.grants == {}


def test_an_error_that_time_does_not_mend_is_told_to_nobody_else() -> None:
    shell = Shell()
    others = [shell.ask(BATCH), shell.ask(WEB._replace(secret="another")), shell.ask(WEB, private=True)]
    wrong = shell.ask(WEB)
    shell.connects.reverse()
    shell.fail(WRONG_PASSWORD)
    assert list(shell.refusals) == [wrong]
    assert set(others).isdisjoint(shell.refusals)


def test_a_wrong_password_of_one_who_logs_in_by_itself_is_told_to_nobody_else() -> None:
    shell = Shell()
    alone, other = shell.ask(private=True), shell.ask(private=True)
    waiter = shell.ask()
    shell.fail(WRONG_PASSWORD)
    assert list(shell.refusals) == [alone]
    shell.connect_all()
    assert {other, waiter} == set(shell.grants)


def test_while_a_password_is_wrong_who_has_a_connection_keeps_it() -> None:
    shell = Shell()
    held, _ = shell.leases(2)
    refused = shell.ask()
    shell.fail(WRONG_PASSWORD)
    assert refused in shell.refusals
    shell.release(held)
    assert shell.ask() in shell.grants
